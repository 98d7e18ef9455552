//! Watching some of a shard's puts: how long this node's own sync takes, and each replica's
//! acknowledgement, also where the put was answered long before.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::Delays;
use crate::identity::NodeId;
use crate::message::{AckStage, ReplicateRefusal, RequestId};
use crate::time::{Deadline, Instant};

/// Puts watched at once. A put whose place is taken is not watched.
const PLACES: usize = 64;
/// No two puts that begin closer to each other are watched: a busy shard's samples are of the last
/// half minute then, and not of the last second.
const APART: Duration = Duration::from_millis(2);
/// An acknowledgement that has not come by now is not waited for. Until then a slow one is, so that
/// slow ones are not missing from what is counted.
const PATIENCE: Duration = Deadline::MAX_TIMEOUT;

/// What the writes of a node met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteDelays {
    /// From a put's beginning until this node's own copy was on disk.
    pub own_syncs: Delays,
    /// Each replica's part.
    pub replicas: BTreeMap<NodeId, ReplicaDelays>,
}

/// What writes to one replica met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplicaDelays {
    /// The way there and back, without what the replica did in between.
    pub trips: Delays,
    /// From a state's arrival there until it was on disk, by the replica's own clock.
    pub syncs: Delays,
}

impl WriteDelays {
    /// Puts those of another shard of the same node to these.
    pub fn absorb(&mut self, others: &Self) {
        self.own_syncs.absorb(&others.own_syncs);
        for (&node, other) in &others.replicas {
            let replica = self.replicas.entry(node).or_default();
            replica.trips.absorb(&other.trips);
            replica.syncs.absorb(&other.syncs);
        }
    }
}

/// One put that is watched.
#[derive(Clone, Copy, Debug)]
struct Watched {
    request: RequestId,
    began: Instant,
    /// Replicas that have not acknowledged it, and this node's own sync.
    awaited: u8,
}

/// The puts that a shard watches, and what it has seen.
#[derive(Clone)]
pub struct Watch {
    places: [Option<Watched>; PLACES],
    next: Instant,
    seen: WriteDelays,
}

/// Nothing of it is told: no request goes by it, and states of a shard that differ in nothing else are
/// one where they are compared by their texts.
impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

impl Default for Watch {
    fn default() -> Self {
        Self { places: [None; PLACES], next: Instant::default(), seen: WriteDelays::default() }
    }
}

impl Watch {
    /// A put begins and is sent to so many replicas.
    pub fn begin(&mut self, now: Instant, request: RequestId, replicas: usize) {
        if now < self.next || replicas == 0 {
            return;
        }
        let place = &mut self.places[place_of(request)];
        if place.is_some_and(|watched| now.since(watched.began) < PATIENCE) {
            return;
        }
        let awaited = u8::try_from(replicas + 1).unwrap_or(u8::MAX);
        *place = Some(Watched { request, began: now, awaited });
        self.next = now.after(APART);
    }

    /// This node's own copy is on disk.
    pub fn synced(&mut self, now: Instant, request: RequestId) {
        if let Some(took) = self.take(now, request) {
            self.seen.own_syncs.add(took);
        }
    }

    /// A replica has answered: how far it is, and how long it held the state. A put that one refuses
    /// does not go as others do, and says nothing.
    pub fn answered(
        &mut self,
        now: Instant,
        (from, request): (NodeId, RequestId),
        (stage, held): (Result<AckStage, ReplicateRefusal>, Option<Duration>),
    ) {
        let held = match (stage, held) {
            (Ok(AckStage::Received), _) => return,
            (Ok(AckStage::Durable), Some(held)) => held,
            (Ok(AckStage::Durable), None) | (Err(_), _) => return self.forget(request),
        };
        if let Some(took) = self.take(now, request) {
            let replica = self.seen.replicas.entry(from).or_default();
            replica.trips.add(took.saturating_sub(held));
            replica.syncs.add(held);
        }
    }

    fn forget(&mut self, request: RequestId) {
        self.places[place_of(request)].take_if(|watched| watched.request == request);
    }

    /// Forgets what was seen of nodes that are not so.
    pub fn keep(&mut self, so: impl Fn(NodeId) -> bool) {
        self.seen.replicas.retain(|&node, _| so(node));
    }

    /// What it has seen.
    pub const fn seen(&self) -> &WriteDelays {
        &self.seen
    }

    /// How long an answer took that is awaited, if it is.
    fn take(&mut self, now: Instant, request: RequestId) -> Option<Duration> {
        let place = &mut self.places[place_of(request)];
        let watched = place.as_mut().filter(|watched| watched.request == request)?;
        let took = now.since(watched.began);
        watched.awaited -= 1;
        if watched.awaited == 0 {
            *place = None;
        }
        Some(took)
    }
}

/// Requests are numbered one after another.
const fn place_of(request: RequestId) -> usize {
    request.to_bits() as usize % PLACES
}
