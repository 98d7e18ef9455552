//! How a request begins: which machine it gets, and who replies if it can't be started.

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

/// Mints a put here if this node is one of its replicas, else forwards it to one. A put that was
/// forwarded here is never forwarded on: this node mints it or refuses it.
pub fn start_put<S: ReadStore>(
    frame: Frame,
    origin: PutOrigin,
    order: PutOrder,
    ring: &Ring,
    turn: &mut Turn<'_, S>,
) -> Result<(Machine, Step), RequestError> {
    let n = turn.view.bucket(order.key.bucket()).fixed.n;
    let primaries = ring.primaries(ring.partition_of(order.key.token()), n);
    if !primaries.contains(&turn.view.me) && matches!(origin, PutOrigin::Client(_)) {
        let forward = Forward::start(frame, origin, order, ring, turn)?;
        return Ok((Machine::Forward(forward), Step::Waiting));
    }
    let (put, progress) = Put::start(frame, origin, order, ring, turn)?;
    Ok((Machine::Put(put), progress.into()))
}
