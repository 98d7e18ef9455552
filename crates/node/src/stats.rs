//! What a node counts of its own doing: of the core's, made from its observations alone, so that
//! logs and figures never disagree; of the shell's (doors, store writer, queues), where it is done.
//!
//! The rule: counting takes no lock and no memory. Each shard has counters of its own on cache lines
//! of their own, and whoever asks adds them up ([`NodeStats`]).

mod doors;
mod histogram;
mod writer;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use stator_core::membership::effect::MembershipObservation;
use stator_core::observe::Observation;
use stator_core::request::{Answered, Outcome, RequestError};
use stator_core::store::StoreStats;

pub use doors::{Asked, Came, Door, DoorStats, RequestStats};
pub use histogram::Distribution;
pub use writer::WriterStats;

pub(crate) use doors::DoorCounters;
pub(crate) use writer::WriterCounters;

use histogram::{Histogram, MICROS, SIBLINGS};

/// A node's figures at one moment. Counts are since its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeStats {
    /// The store's own.
    pub store: StoreStats,
    /// Since the node started.
    pub uptime: Duration,
    /// What clients asked, by front door.
    pub doors: Vec<DoorStats>,
    /// Requests of front doors that are under way.
    pub in_flight: u64,
    /// Each shard's queues.
    pub queues: Vec<QueueStats>,
    /// Jobs of shards that wait for the store writer.
    pub writes_queued: u64,
    /// What the store writer did.
    pub writer: WriterStats,
    /// Gets that this node coordinated and answered.
    pub gets: u64,
    /// Gets that failed.
    pub gets_failed: u64,
    /// Time spent in gets, answered or not, in microseconds.
    pub get_micros: Distribution,
    /// Puts and deletes that this node coordinated and that were acknowledged.
    pub puts: u64,
    /// Those that were refused: nothing was written.
    pub puts_refused: u64,
    /// Those whose outcome is not known.
    pub puts_indeterminate: u64,
    /// Time spent in puts, whatever came of them, in microseconds.
    pub put_micros: Distribution,
    /// Siblings of the objects that gets returned.
    pub get_siblings: Distribution,
    /// Siblings that objects had after a write was minted here.
    pub put_siblings: Distribution,
    /// Requests that met with fewer replicas than they should.
    pub shortfalls: ShortfallStats,
    /// Writes minted here as a replica.
    pub minted: u64,
    /// States of peers merged here.
    pub merged: u64,
    /// Times that a peer was suspected by a request that waited for it.
    pub suspicions: u64,
    /// Reads that asked one replica more since another was slow.
    pub hedged: u64,
    /// Damaged bytes met in the store.
    pub damaged: u64,
    /// Messages to peers that could not be queued, since the peer was not connected or too slow.
    pub not_sent: u64,
    /// Times that a peer was held to be down.
    pub peers_down: u64,
    /// Times that a peer was held to be up again.
    pub peers_up: u64,
}

/// Requests that met with fewer replicas than they should, as coordinated here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShortfallStats {
    /// Gets for which too few replicas could be reached.
    pub gets_unreachable: u64,
    /// Gets that too few replicas answered in time.
    pub gets_late: u64,
    /// Puts for which too few replicas could be reached: refused.
    pub puts_unreachable: u64,
    /// Puts that too few replicas acknowledged in time: indeterminate.
    pub puts_late: u64,
    /// Puts that were acknowledged with the help of fallbacks.
    pub puts_on_fallbacks: u64,
    /// Puts that were acknowledged where the ring has fewer nodes than the bucket wants replicas.
    pub puts_on_fewer_nodes: u64,
}

/// What waits for a shard. The last three are as the shard last told of its condition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueStats {
    /// Requests of front doors that it has not taken.
    pub calls: u64,
    /// What other threads told it and it has not taken.
    pub events: u64,
    /// Messages of peers that it has not taken.
    pub messages: u64,
    /// Bytes that it has handed to the store writer and that are not on disk.
    pub unsynced_bytes: u64,
    /// Peers that it has a connection to.
    pub links: u64,
}

/// The counters of one shard, or of membership.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Counters {
    gets: AtomicU64,
    gets_failed: AtomicU64,
    get_micros: Histogram<17>,
    puts: AtomicU64,
    puts_refused: AtomicU64,
    puts_indeterminate: AtomicU64,
    put_micros: Histogram<17>,
    get_siblings: Histogram<9>,
    put_siblings: Histogram<9>,
    gets_unreachable: AtomicU64,
    gets_late: AtomicU64,
    puts_unreachable: AtomicU64,
    puts_late: AtomicU64,
    puts_on_fallbacks: AtomicU64,
    puts_on_fewer_nodes: AtomicU64,
    minted: AtomicU64,
    merged: AtomicU64,
    suspicions: AtomicU64,
    hedged: AtomicU64,
    damaged: AtomicU64,
    not_sent: AtomicU64,
    peers_down: AtomicU64,
    peers_up: AtomicU64,
    messages: AtomicU64,
    unsynced_bytes: AtomicU64,
    links: AtomicU64,
}

impl Default for Counters {
    fn default() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            gets: zero(),
            gets_failed: zero(),
            get_micros: Histogram::new(&MICROS),
            puts: zero(),
            puts_refused: zero(),
            puts_indeterminate: zero(),
            put_micros: Histogram::new(&MICROS),
            get_siblings: Histogram::new(&SIBLINGS),
            put_siblings: Histogram::new(&SIBLINGS),
            gets_unreachable: zero(),
            gets_late: zero(),
            puts_unreachable: zero(),
            puts_late: zero(),
            puts_on_fallbacks: zero(),
            puts_on_fewer_nodes: zero(),
            minted: zero(),
            merged: zero(),
            suspicions: zero(),
            hedged: zero(),
            damaged: zero(),
            not_sent: zero(),
            peers_down: zero(),
            peers_up: zero(),
            messages: zero(),
            unsynced_bytes: zero(),
            links: zero(),
        }
    }
}

impl Counters {
    /// Counts and logs what a shard observed.
    pub(crate) fn observe(&self, observation: &Observation) {
        match observation {
            Observation::GetFinished { key, took, result } => {
                self.get_micros.add(micros(*took));
                self.got(result.as_ref());
                tracing::trace!(%key, ?took, ?result, "get finished");
            }
            Observation::PutFinished { key, took, result } => {
                self.put_micros.add(micros(*took));
                self.put(result.as_ref());
                tracing::trace!(%key, ?took, ?result, "put finished");
            }
            Observation::Minted { key, dot, siblings } => {
                add(&self.minted, 1);
                self.put_siblings.add(u64::from(*siblings));
                tracing::trace!(%key, ?dot, siblings, "minted");
            }
            Observation::Merged { key, siblings } => {
                add(&self.merged, 1);
                tracing::trace!(%key, siblings, "merged");
            }
            Observation::PeerSuspected(peer) => {
                add(&self.suspicions, 1);
                tracing::debug!(%peer, "a peer did not answer in time");
            }
            Observation::Hedged { request, to } => {
                add(&self.hedged, 1);
                tracing::trace!(?request, %to, "hedged");
            }
            Observation::Damaged { what } => {
                add(&self.damaged, 1);
                tracing::error!(%what, "damaged bytes were met and not served");
            }
            Observation::Refilled(partition) => {
                tracing::info!(partition = partition.get(), "refilled: it counts in reads again");
            }
            Observation::DamageHealed { key } => {
                tracing::warn!(%key, "a damaged object was replaced by its peers' states");
            }
            Observation::TreeDrifted(partition) => {
                tracing::error!(
                    partition = partition.get(),
                    "the tree of a partition was other than its objects and was put right"
                );
            }
            other => tracing::debug!(?other, "observed"),
        }
    }

    /// Counts and logs what membership observed.
    pub(crate) fn observe_membership(&self, observation: &MembershipObservation) {
        match observation {
            MembershipObservation::RingForced(version) => {
                tracing::error!(
                    version = version.0,
                    "an operator forced a ring without the majority of its members; should those be \
                     alive after all, there are two clusters: stop them"
                );
            }
            MembershipObservation::RingSettled(version) => {
                tracing::info!(version = version.0, "everything that the ring moved is settled");
            }
            MembershipObservation::RingAdopted(version) => {
                tracing::info!(version = version.0, "a new ring is in use");
            }
            MembershipObservation::PeerDown(peer) => {
                add(&self.peers_down, 1);
                tracing::warn!(%peer, "a peer is held to be down");
            }
            MembershipObservation::PeerUp(peer) => {
                add(&self.peers_up, 1);
                tracing::info!(%peer, "a peer is up again");
            }
            MembershipObservation::ForeignCluster { node, cluster } => {
                tracing::warn!(%node, %cluster, "a node of another cluster was met and is ignored");
            }
            MembershipObservation::JoinStaged(node) => {
                tracing::info!(%node, "a join is staged: look at `stator cluster plan` on a member, then commit it");
            }
            other => tracing::debug!(?other, "observed"),
        }
    }

    /// A message could not be queued.
    pub(crate) fn not_sent(&self) {
        add(&self.not_sent, 1);
    }

    /// What waits for the shard and whom it is connected to, as it tells of its condition.
    pub(crate) fn waiting(&self, messages: usize, unsynced_bytes: usize, links: usize) {
        let set = |gauge: &AtomicU64, to: usize| gauge.store(to as u64, Ordering::Relaxed);
        set(&self.messages, messages);
        set(&self.unsynced_bytes, unsynced_bytes);
        set(&self.links, links);
    }

    /// What waits for the shard beside `calls` and `events`.
    pub(crate) fn queues(&self, calls: usize, events: usize) -> QueueStats {
        let read = |gauge: &AtomicU64| gauge.load(Ordering::Relaxed);
        QueueStats {
            calls: calls as u64,
            events: events as u64,
            messages: read(&self.messages),
            unsynced_bytes: read(&self.unsynced_bytes),
            links: read(&self.links),
        }
    }

    /// Adds what was counted here to a node's figures.
    pub(crate) fn add_to(&self, stats: &mut NodeStats) {
        let to = |sum: &mut u64, counter: &AtomicU64| *sum += counter.load(Ordering::Relaxed);
        to(&mut stats.gets, &self.gets);
        to(&mut stats.gets_failed, &self.gets_failed);
        stats.get_micros.absorb(self.get_micros.read());
        to(&mut stats.puts, &self.puts);
        to(&mut stats.puts_refused, &self.puts_refused);
        to(&mut stats.puts_indeterminate, &self.puts_indeterminate);
        stats.put_micros.absorb(self.put_micros.read());
        stats.get_siblings.absorb(self.get_siblings.read());
        stats.put_siblings.absorb(self.put_siblings.read());
        let short = &mut stats.shortfalls;
        to(&mut short.gets_unreachable, &self.gets_unreachable);
        to(&mut short.gets_late, &self.gets_late);
        to(&mut short.puts_unreachable, &self.puts_unreachable);
        to(&mut short.puts_late, &self.puts_late);
        to(&mut short.puts_on_fallbacks, &self.puts_on_fallbacks);
        to(&mut short.puts_on_fewer_nodes, &self.puts_on_fewer_nodes);
        to(&mut stats.minted, &self.minted);
        to(&mut stats.merged, &self.merged);
        to(&mut stats.suspicions, &self.suspicions);
        to(&mut stats.hedged, &self.hedged);
        to(&mut stats.damaged, &self.damaged);
        to(&mut stats.not_sent, &self.not_sent);
        to(&mut stats.peers_down, &self.peers_down);
        to(&mut stats.peers_up, &self.peers_up);
    }

    fn got(&self, result: Result<&u32, &RequestError>) {
        match result {
            Ok(siblings) => {
                add(&self.gets, 1);
                self.get_siblings.add(u64::from(*siblings));
            }
            Err(error) => {
                add(&self.gets_failed, 1);
                short(error, &self.gets_unreachable, &self.gets_late);
            }
        }
    }

    fn put(&self, result: Result<&Answered, &RequestError>) {
        let error = match result {
            Ok(answered) => {
                add(&self.puts, 1);
                if answered.fallbacks > 0 {
                    add(&self.puts_on_fallbacks, 1);
                }
                if answered.existing < answered.wanted {
                    add(&self.puts_on_fewer_nodes, 1);
                }
                return;
            }
            Err(error) => error,
        };
        short(error, &self.puts_unreachable, &self.puts_late);
        match error.outcome() {
            Outcome::Refused => add(&self.puts_refused, 1),
            Outcome::Indeterminate => add(&self.puts_indeterminate, 1),
        }
    }
}

impl NodeStats {
    /// Puts the shell's own figures to those of the shards.
    pub(crate) fn tell(&mut self, doors: &DoorCounters, writer: &WriterCounters) {
        self.doors = doors.read();
        self.writer = writer.read();
    }
}

/// Counts an error that is for want of replicas.
fn short(error: &RequestError, unreachable: &AtomicU64, late: &AtomicU64) {
    match error {
        RequestError::NotEnoughReplicas { .. } => add(unreachable, 1),
        error if error.came_too_late() => add(late, 1),
        _ => {}
    }
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
