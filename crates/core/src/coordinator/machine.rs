//! The machines of all kinds of requests behind one signature: something happens to a request, and
//! it waits on, has ended, or has read what a delete needs.

use crate::context::SealedContext;
use crate::effect::Effect;
use crate::identity::NodeId;
use crate::message::{RequestId, ShardMessage};
use crate::object::ObjectKey;
use crate::quorum::QuorumOptions;
use crate::request::{ClientRequestId, Done};
use crate::ring::Ring;
use crate::store::ReadStore;
use crate::time::Deadline;

use super::forward::{Forward, ForwardProgress};
use super::get::{Get, GetProgress};
use super::list::{List, ListProgress};
use super::put::Put;
use super::repair::Repair;
use super::replica_set::HeldCopy;
use super::{Progress, Turn};

/// A request that is under way.
#[derive(Clone, Debug)]
pub enum Machine {
    /// A read, for a client or for a delete.
    Get(Get, GetOrigin),
    /// A write minted here.
    Put(Put),
    /// A write that another node mints.
    Forward(Forward),
    /// A page of a listing.
    List(List, ClientRequestId),
}

/// Who asked for a read.
#[derive(Clone, Debug)]
pub enum GetOrigin {
    /// A front door of this node.
    Client(ClientRequestId),
    /// A delete without a context, which deletes what it reads.
    Delete(DeleteOrder),
}

/// What a delete without a context does once it has read.
#[derive(Clone, Debug)]
pub struct DeleteOrder {
    /// Who waits.
    pub client: ClientRequestId,
    /// Which object.
    pub key: ObjectKey,
    /// The quorums of the read and of the write.
    pub quorum: QuorumOptions,
    /// The deadline of both together.
    pub deadline: Deadline,
}

/// Something that happened to a request.
#[expect(clippy::large_enum_variant, reason = "an event lives for one step and is never stored")]
#[derive(Clone, Debug)]
pub enum Event {
    /// A peer has answered.
    Answered(NodeId, ShardMessage),
    /// A message of the request was not sent to this peer.
    NotSent(NodeId),
    /// The connection to this peer is lost.
    LinkDown(NodeId),
    /// This node's own batch is on disk.
    Synced,
    /// Those who were asked are slower than usual.
    Hedge,
    /// The deadline has passed.
    Deadline,
    /// Another view: a newer ring may be known.
    Moved,
}

/// What became of a request.
#[derive(Debug)]
pub enum Step {
    /// It waits for more.
    Waiting,
    /// It has been answered.
    Finished,
    /// It goes on under this name.
    Renamed(RequestId, Box<Step>),
    /// A read has been answered, and replicas that have yet to answer may be behind.
    Repairing(Repair),
    /// The read of a delete has ended well: this context covers what it found.
    ReadForDelete(DeleteOrder, Option<SealedContext>),
}

impl From<Progress> for Step {
    fn from(progress: Progress) -> Self {
        match progress {
            Progress::Waiting => Self::Waiting,
            Progress::Finished => Self::Finished,
        }
    }
}

impl Machine {
    /// Takes in what happened. An event that does not concern the request changes nothing.
    pub fn on<S: ReadStore>(&mut self, event: Event, ring: &Ring, turn: &mut Turn<'_, S>) -> Step {
        match self {
            Self::Get(get, origin) => {
                let progress = on_get(get, event, ring, turn);
                if matches!(progress, GetProgress::AskAgain) {
                    return ask_again(get, origin, ring, turn);
                }
                end_get(get, progress, origin, turn)
            }
            Self::Put(put) => on_put(put, event, ring, turn).into(),
            Self::Forward(forward) => match on_forward(forward, event, ring, turn) {
                ForwardProgress::Waiting => Step::Waiting,
                ForwardProgress::Finished => Step::Finished,
                ForwardProgress::MintHere => {
                    let Some(put) = forward.mint_here(ring, turn) else { return Step::Finished };
                    *self = Self::Put(put);
                    Step::Waiting
                }
            },
            Self::List(list, client) => {
                let progress = on_list(list, event, ring, turn);
                end_list(progress, *client, turn)
            }
        }
    }
}

/// Begins a read anew that a replica found to be behind with a partition's move (rule 17).
fn ask_again<S: ReadStore>(
    get: &mut Get,
    origin: &GetOrigin,
    ring: &Ring,
    turn: &mut Turn<'_, S>,
) -> Step {
    let id = turn.ids.next();
    let progress = match get.again(id, ring, turn) {
        Ok((again, progress)) => {
            *get = again;
            progress
        }
        Err(error) => GetProgress::Finished(Err(error)),
    };
    Step::Renamed(id, Box::new(end_get(get, progress, origin, turn)))
}

fn on_get<S: ReadStore>(
    get: &mut Get,
    event: Event,
    ring: &Ring,
    turn: &mut Turn<'_, S>,
) -> GetProgress {
    match event {
        Event::Answered(from, ShardMessage::ReadAnswered { answer, round, .. }) => {
            get.on_answer(from, (answer, round), ring, turn)
        }
        Event::NotSent(peer) | Event::LinkDown(peer) => get.on_unreachable(peer, ring, turn),
        Event::Hedge => get.on_hedge(ring, turn),
        Event::Moved => get.on_moved(ring),
        Event::Deadline => get.on_deadline(turn),
        Event::Answered(..) | Event::Synced => GetProgress::Waiting,
    }
}

fn on_put<S: ReadStore>(
    put: &mut Put,
    event: Event,
    ring: &Ring,
    turn: &mut Turn<'_, S>,
) -> Progress {
    match event {
        Event::Answered(from, ShardMessage::Replicated { stage, round, kept_for, .. }) => {
            let copy = HeldCopy { holder: from, kept_for };
            put.on_replicated(copy, (stage, round), ring, turn)
        }
        Event::NotSent(peer) | Event::LinkDown(peer) => put.on_unreachable(peer, turn),
        Event::Synced => put.synced(turn),
        Event::Hedge => put.on_hedge(turn),
        Event::Deadline => put.on_deadline(turn),
        Event::Moved => put.on_moved(ring, turn),
        Event::Answered(..) => Progress::Waiting,
    }
}

fn on_forward<S: ReadStore>(
    forward: &mut Forward,
    event: Event,
    ring: &Ring,
    turn: &mut Turn<'_, S>,
) -> ForwardProgress {
    match event {
        Event::Answered(from, ShardMessage::PutAnswered { result, .. }) => {
            forward.on_answered(from, result, ring, turn)
        }
        Event::NotSent(peer) => forward.on_not_sent(peer, ring, turn),
        Event::LinkDown(peer) => forward.on_unreachable(peer, turn),
        Event::Deadline => forward.on_deadline(turn),
        Event::Answered(..) | Event::Synced | Event::Hedge | Event::Moved => {
            ForwardProgress::Waiting
        }
    }
}

fn on_list<S: ReadStore>(
    list: &mut List,
    event: Event,
    ring: &Ring,
    turn: &mut Turn<'_, S>,
) -> ListProgress {
    match event {
        Event::Answered(from, ShardMessage::Listed { page, .. }) => {
            list.on_listed(from, page, ring, turn)
        }
        Event::NotSent(peer) | Event::LinkDown(peer) => list.on_unreachable(peer, ring, turn),
        Event::Deadline => list.on_deadline(),
        Event::Answered(..) | Event::Synced | Event::Hedge | Event::Moved => ListProgress::Waiting,
    }
}

/// Answers whoever asked for a read that has ended, and then repairs what it found to be behind.
/// A delete sends every replica its own write in any case.
pub(super) fn end_get<S: ReadStore>(
    get: &Get,
    progress: GetProgress,
    origin: &GetOrigin,
    turn: &mut Turn<'_, S>,
) -> Step {
    let GetProgress::Finished(result) = progress else { return Step::Waiting };
    let (request, reply) = match (origin, result) {
        (GetOrigin::Delete(order), Ok(found)) => {
            return Step::ReadForDelete(order.clone(), found.context);
        }
        (GetOrigin::Delete(order), Err(error)) => (order.client, Err(error)),
        (GetOrigin::Client(client), Err(error)) => (*client, Err(error)),
        (GetOrigin::Client(client), Ok(found)) => {
            let repair = get.repair(&found, turn);
            let reply = Ok(Done::Got(found));
            turn.out.push(Effect::Reply { request: *client, reply });
            let still = repair.and_then(|repair| repair.begin(turn));
            return still.map_or(Step::Finished, Step::Repairing);
        }
    };
    turn.out.push(Effect::Reply { request, reply });
    Step::Finished
}

/// Answers whoever asked for a listing that has ended.
pub(super) fn end_list<S>(
    progress: ListProgress,
    request: ClientRequestId,
    turn: &mut Turn<'_, S>,
) -> Step {
    let ListProgress::Finished(result) = progress else { return Step::Waiting };
    turn.out.push(Effect::Reply { request, reply: result.map(Done::Listed) });
    Step::Finished
}
