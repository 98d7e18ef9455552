//! What a node counts of its own doing, made from the core's observations alone, so that logs and
//! figures never disagree.

mod latency;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use stator_core::membership::effect::MembershipObservation;
use stator_core::observe::Observation;
use stator_core::request::{Outcome, RequestError};
use stator_core::store::StoreStats;

pub use latency::Latencies;
use latency::LatencyCounters;

/// A node's figures at one moment. Counts are since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeStats {
    /// The store's own.
    pub store: StoreStats,
    /// Since the node started.
    pub uptime: Duration,
    /// Gets that this node coordinated and answered.
    pub gets: u64,
    /// Gets that failed.
    pub gets_failed: u64,
    /// Time spent in gets, answered or not, in microseconds.
    pub get_micros: u64,
    /// The same by duration.
    pub get_latencies: Latencies,
    /// Puts and deletes that this node coordinated and that were acknowledged.
    pub puts: u64,
    /// Those that were refused: nothing was written.
    pub puts_refused: u64,
    /// Those whose outcome is not known.
    pub puts_indeterminate: u64,
    /// Time spent in puts, whatever came of them, in microseconds.
    pub put_micros: u64,
    /// The same by duration.
    pub put_latencies: Latencies,
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

/// The counters behind it, shared by all threads.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    gets: AtomicU64,
    gets_failed: AtomicU64,
    get_micros: AtomicU64,
    get_latencies: LatencyCounters,
    puts: AtomicU64,
    puts_refused: AtomicU64,
    puts_indeterminate: AtomicU64,
    put_micros: AtomicU64,
    put_latencies: LatencyCounters,
    minted: AtomicU64,
    merged: AtomicU64,
    suspicions: AtomicU64,
    hedged: AtomicU64,
    damaged: AtomicU64,
    not_sent: AtomicU64,
    peers_down: AtomicU64,
    peers_up: AtomicU64,
}

impl Counters {
    /// Counts and logs what a shard observed.
    pub(crate) fn observe(&self, observation: &Observation) {
        match observation {
            Observation::GetFinished { key, took, result } => {
                add(&self.get_micros, micros(*took));
                self.get_latencies.add(micros(*took));
                add(if result.is_ok() { &self.gets } else { &self.gets_failed }, 1);
                tracing::trace!(%key, ?took, ?result, "get finished");
            }
            Observation::PutFinished { key, took, result } => {
                add(&self.put_micros, micros(*took));
                self.put_latencies.add(micros(*took));
                add(self.put_counter(result.as_ref().err()), 1);
                tracing::trace!(%key, ?took, ?result, "put finished");
            }
            Observation::Minted { key, dot, siblings } => {
                add(&self.minted, 1);
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

    /// The figures now.
    pub(crate) fn read(&self, store: StoreStats, uptime: Duration) -> NodeStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        NodeStats {
            store,
            uptime,
            gets: read(&self.gets),
            gets_failed: read(&self.gets_failed),
            get_micros: read(&self.get_micros),
            get_latencies: self.get_latencies.read(),
            puts: read(&self.puts),
            puts_refused: read(&self.puts_refused),
            puts_indeterminate: read(&self.puts_indeterminate),
            put_micros: read(&self.put_micros),
            put_latencies: self.put_latencies.read(),
            minted: read(&self.minted),
            merged: read(&self.merged),
            suspicions: read(&self.suspicions),
            hedged: read(&self.hedged),
            damaged: read(&self.damaged),
            not_sent: read(&self.not_sent),
            peers_down: read(&self.peers_down),
            peers_up: read(&self.peers_up),
        }
    }

    fn put_counter(&self, error: Option<&RequestError>) -> &AtomicU64 {
        match error.map(RequestError::outcome) {
            None => &self.puts,
            Some(Outcome::Refused) => &self.puts_refused,
            Some(Outcome::Indeterminate) => &self.puts_indeterminate,
        }
    }
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}
