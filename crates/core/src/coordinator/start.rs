//! How a request begins: which machine it gets, and who replies if it can't be started.

use crate::effect::DiskRoom;
use crate::identity::NodeId;
use crate::object::Content;
use crate::quorum::QuorumMode;
use crate::request::{ClientRequest, Operation, PutOrder, RequestError};
use crate::ring::Ring;
use crate::store::ReadStore;

use super::forward::Forward;
use super::get::Get;
use super::list::List;
use super::machine::{end_get, end_list};
use super::put::Put;
use super::{DeleteOrder, Frame, GetOrigin, Machine, PutOrigin, Step, Turn};

/// Starts a front door's request. An error is the whole answer: nothing was sent.
pub fn start_client<S: ReadStore>(
    frame: Frame,
    request: ClientRequest,
    ring: &Ring,
    turn: &mut Turn<'_, S>,
) -> Result<(Machine, Step), RequestError> {
    let client = request.id;
    match request.operation {
        Operation::Put(order) => start_put(frame, PutOrigin::Client(client), order, ring, turn),
        Operation::Get { key, quorum } => {
            let origin = GetOrigin::Client(client);
            let (get, progress) = Get::start(frame, key, &quorum, ring, turn)?;
            let step = end_get(&get, progress, &origin, turn);
            Ok((Machine::Get(get, origin), step))
        }
        Operation::Delete { key, quorum } => {
            let (get, progress) = Get::start(frame, key.clone(), &quorum, ring, turn)?;
            let order = DeleteOrder { client, key, quorum, deadline: frame.deadline };
            let origin = GetOrigin::Delete(order);
            let step = end_get(&get, progress, &origin, turn);
            Ok((Machine::Get(get, origin), step))
        }
        Operation::List(order) => {
            let (list, progress) = List::start(frame, order, ring, turn)?;
            let step = end_list(progress, client, turn);
            Ok((Machine::List(list, client), step))
        }
    }
}

/// Mints a put here if this node is one of its primaries, else forwards it to one; if none can be
/// reached, a fallback mints it, this node itself if it is one. A put that was forwarded here is
/// never forwarded on: this node mints it or refuses it.
pub fn start_put<S: ReadStore>(
    frame: Frame,
    origin: PutOrigin,
    order: PutOrder,
    ring: &Ring,
    turn: &mut Turn<'_, S>,
) -> Result<(Machine, Step), RequestError> {
    if matches!(origin, PutOrigin::Client(_)) && is_better_minted_elsewhere(&order, ring, turn) {
        let forward = Forward::start(frame, origin, order, ring, turn)?;
        return Ok((Machine::Forward(forward), Step::Waiting));
    }
    let (put, progress) = Put::start(frame, origin, order, ring, turn)?;
    Ok((Machine::Put(put), progress.into()))
}

fn is_better_minted_elsewhere<S: ReadStore>(
    order: &PutOrder,
    ring: &Ring,
    turn: &Turn<'_, S>,
) -> bool {
    let (me, partition) = (turn.view.me, ring.partition_of(order.key.token()));
    let properties = turn.view.bucket(order.key.bucket());
    let ring = turn.view.placement(ring, partition, None).reads;
    let primaries = ring.primaries(partition, properties.fixed.n);
    let healthy =
        |&node: &NodeId| node != me && turn.peers.healthy(turn.view, turn.now.instant, node);
    let any_other = primaries.iter().any(healthy);
    if primaries.contains(&me) {
        let no_room = turn.disk == DiskRoom::Reserve && order.value != Content::Tombstone;
        return no_room && any_other;
    }
    let mode = order.quorum.mode.or(properties.mutable.quorum.mode).unwrap_or_default();
    let may_stand_in =
        mode == QuorumMode::Sloppy && ring.fallbacks(partition, properties.fixed.n).contains(&me);
    any_other || !may_stand_in
}
