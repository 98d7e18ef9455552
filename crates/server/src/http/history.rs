//! What this node was like in the last ten minutes, second by second, in bounded memory: for the
//! console's plots, and for whoever asks.
//!
//! A sample holds counts since the start, so that any two of them say what happened between. Who
//! watches from outside for longer than that takes metrics.

mod document;
mod events;

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use stator_core::identity::NodeId;
use stator_core::membership::admin::{AdminDone, AdminRequest, ClusterStatus};
use stator_core::status::UpkeepCounts;
use stator_node::NodeStats;
use tokio::time::{MissedTickBehavior, interval};

use self::events::Seen;
use super::front::Front;
use crate::clock;

pub(super) use document::{Document, STEP, answer, told};
pub(super) use events::Event;

/// How often a sample is taken.
const EVERY: Duration = Duration::from_secs(1);
/// How many are kept.
pub(super) const KEPT: usize = 600;
/// Of so many peers the suspicion is kept.
const PEERS: usize = 256;
/// So many of the last events are kept.
const EVENTS: usize = 100;
/// How long membership may take to say how the cluster is.
const PATIENCE: Duration = Duration::from_millis(500);

/// The last ten minutes.
#[derive(Debug, Default)]
pub(super) struct History(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    samples: VecDeque<Sample>,
    /// How many samples were taken before those that are kept.
    dropped: u64,
    events: VecDeque<Event>,
    seen: Seen,
}

/// The node at one moment; counts are since its start.
#[derive(Clone, Debug, Default)]
struct Sample {
    stats: NodeStats,
    upkeep: UpkeepCounts,
    hints_held: u64,
    phi: Vec<(NodeId, f32)>,
}

/// Takes samples for as long as there is a door.
pub(super) async fn keep(front: Weak<Front>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(front) = front.upgrade() else { return };
        let condition = front.backend.inspect().await;
        let cluster = match front.backend.admin(AdminRequest::Status, PATIENCE).await {
            Ok(AdminDone::Status(cluster)) => cluster,
            _ => ClusterStatus::default(),
        };
        let whole = &condition.whole;
        let sample = Sample {
            stats: kept_of(front.backend.stats()),
            upkeep: whole.upkeep,
            hints_held: whole.hints.values().map(|held| held.objects).sum(),
            phi: cluster.members.iter().take(PEERS).map(|m| (m.id, m.phi as f32)).collect(),
        };
        let mut kept = front.history.lock();
        if condition.silent_shards == 0 {
            kept.add(sample);
        }
        let told = kept.seen.compare(front.backend.name(), &cluster, whole);
        let at = clock::now();
        kept.tell(told.into_iter().map(|text| Event { at, text }));
    }
}

/// Of a node's figures those that steps are made of, since many are kept.
fn kept_of(stats: NodeStats) -> NodeStats {
    let NodeStats { gets, gets_failed, get_micros, hedged, .. } = stats;
    let NodeStats { puts, puts_refused, puts_indeterminate, put_micros, .. } = stats;
    NodeStats {
        gets,
        gets_failed,
        get_micros,
        puts,
        puts_refused,
        puts_indeterminate,
        put_micros,
        hedged,
        ..NodeStats::default()
    }
}

impl History {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        // What is kept are copies: a panic elsewhere leaves nothing half done in it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last events, the newest first.
    pub(super) fn events(&self, most: usize) -> Vec<Event> {
        self.lock().events.iter().rev().take(most).cloned().collect()
    }

    /// How much a peer was suspected, second by second, the oldest first.
    pub(super) fn phi(&self, peer: NodeId) -> Vec<f64> {
        let kept = self.lock();
        let of_peer = |sample: &Sample| {
            let found = sample.phi.iter().find(|(node, _)| *node == peer);
            found.map(|(_, phi)| f64::from(*phi))
        };
        kept.samples.iter().filter_map(of_peer).collect()
    }
}

impl Kept {
    fn add(&mut self, sample: Sample) {
        if self.samples.len() == KEPT {
            self.samples.pop_front();
            self.dropped += 1;
        }
        self.samples.push_back(sample);
    }

    fn tell(&mut self, events: impl IntoIterator<Item = Event>) {
        self.events.extend(events);
        while self.events.len() > EVENTS {
            self.events.pop_front();
        }
    }
}

#[cfg(test)]
mod tests;
