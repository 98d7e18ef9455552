//! Which partitions count in reads here. Rule 19: a node that lost its store takes writes at once,
//! and answers reads of a partition only after it has been compared with enough other owners.
//!
//! What it had acknowledged before the loss may still be waited for by its coordinator for the
//! longest deadline there is, so only exchanges that begin after that settle anything. That a
//! partition is unsettled is durable: a restart in the middle goes on, and so does its wait.

use std::collections::{BTreeMap, BTreeSet};

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::collection::Rounds;
use crate::effect::{Effect, Effects};
use crate::exchange::ExchangeEnded;
use crate::identity::NodeId;
use crate::observe::Observation;
use crate::quorum::QuorumOptions;
use crate::quorum::WriteQuorum;
use crate::replica::{self, Journal};
use crate::ring::Ring;
use crate::store::{Batch, KeyRange, Keyspace, ReadStore, StoreError};
use crate::time::{Deadline, Instant};
use crate::token::Partition;
use crate::view::View;

const PREFIX: &[u8] = b"unsettled/";
/// What was here of the partition was lost.
const LOST: &[u8] = &[1];
/// The partition has come here with a change of the ring, and nothing was lost.
const CAME: &[u8] = &[2];
/// The write quorum of a bucket that says nothing of it.
const DEFAULT_W: u8 = 2;

/// The standing of a shard's partitions.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// Partitions that do not count yet, and the counting owners that they agree with.
    unsettled: BTreeMap<Partition, BTreeSet<NodeId>>,
    /// From when on an exchange settles anything.
    settling_from: Instant,
}

impl Standing {
    /// The standing of a shard that starts with the store it had: what was unsettled still is, and
    /// so is the wait for coordinators, if anything was lost.
    pub fn load(&mut self, now: Instant, store: &impl ReadStore) -> Result<(), StoreError> {
        let prefix = Bytes::from_static(PREFIX);
        let range = KeyRange { from: prefix.clone(), to: prefix };
        for row in store.scan(Keyspace::Meta, &range, usize::MAX)? {
            if let Some(partition) = partition_of(&row.key) {
                self.unsettled.entry(partition).or_default();
                if row.value.is_ok_and(|value| value != CAME) {
                    self.settling_from = now.after(Deadline::MAX_TIMEOUT);
                }
            }
        }
        Ok(())
    }

    /// The store was lost, or can't be relied on: none of these partitions counts from now on.
    pub fn lost(
        &mut self,
        now: Instant,
        partitions: impl IntoIterator<Item = Partition>,
        journal: &mut Journal,
        out: &mut Effects,
    ) {
        self.settling_from = now.after(Deadline::MAX_TIMEOUT);
        let mut batch = Batch::new();
        for partition in partitions {
            self.unsettled.entry(partition).or_default();
            mark_unsettled(&mut batch, [partition], LOST);
        }
        if !batch.is_empty() {
            journal.write(batch, out);
        }
    }

    /// A partition comes to this node, which knows nothing of it: it counts once it is confirmed
    /// (rule 17).
    pub fn arrived(&mut self, partition: Partition, journal: &mut Journal, out: &mut Effects) {
        self.unsettled.entry(partition).or_default();
        let mut batch = Batch::new();
        mark_unsettled(&mut batch, [partition], CAME);
        journal.write(batch, out);
    }

    /// A partition that has come to this node is confirmed: it counts from now on.
    pub fn confirmed(&mut self, partition: Partition, batch: &mut Batch, out: &mut Effects) {
        if self.unsettled.remove(&partition).is_some() {
            batch.delete(Keyspace::Meta, row(partition));
            out.push(Effect::Observe(Observation::Refilled(partition)));
        }
    }

    /// A partition was handed over: there is nothing that could count.
    pub fn given_up(&mut self, partition: Partition, batch: &mut Batch) {
        if self.unsettled.remove(&partition).is_some() {
            batch.delete(Keyspace::Meta, row(partition));
        }
    }

    /// Whether this node's answers about a partition count in reads.
    pub fn counts(&self, partition: Partition) -> bool {
        !self.unsettled.contains_key(&partition)
    }

    /// Whether none does that has not been settled yet.
    pub fn is_settled(&self) -> bool {
        self.unsettled.is_empty()
    }

    /// Those that do not count yet.
    pub fn unsettled(&self) -> impl Iterator<Item = Partition> {
        self.unsettled.keys().copied()
    }

    /// From when on exchanges settle.
    pub const fn settling_from(&self) -> Instant {
        self.settling_from
    }

    /// Whether a partition has still to be compared with this owner.
    pub fn wants(&self, partition: Partition, owner: NodeId) -> bool {
        self.unsettled.get(&partition).is_some_and(|agreed| !agreed.contains(&owner))
    }

    /// An exchange that this node began has ended.
    pub fn compared(&mut self, ended: &ExchangeEnded) {
        let settles = ended.pulled && ended.counts && ended.began >= self.settling_from;
        if settles && let Some(agreed) = self.unsettled.get_mut(&ended.partition) {
            agreed.insert(ended.peer);
        }
    }

    /// Lets the partitions count that agree with enough owners. Should the node crash before that
    /// is on disk, they are only compared once more.
    pub fn settle(&mut self, view: &View, journal: &mut Journal, out: &mut Effects) {
        let Some(ring) = &view.ring else { return };
        let settled: Vec<Partition> = self
            .unsettled
            .iter()
            .filter(|(partition, agreed)| enough(view, ring, **partition, agreed))
            .map(|(partition, _)| *partition)
            .collect();
        let mut batch = Batch::new();
        for partition in settled {
            self.unsettled.remove(&partition);
            batch.delete(Keyspace::Meta, row(partition));
            out.push(Effect::Observe(Observation::Refilled(partition)));
        }
        if !batch.is_empty() {
            journal.write(batch, out);
        }
    }
}

/// Notes in a batch that the store was lost: which partitions do not count, and that the collection
/// round of none is known. For a shell that finds it lost, so that the note is written together with
/// the mark that the store is in use again: a start that crashes at once must not make the next one
/// take it for whole. While a change of the ring is under way, `left` is the ring that it left.
pub fn mark_lost(batch: &mut Batch, ring: &Ring, left: Option<&Ring>, me: NodeId) {
    let owned = |partition: &Partition| {
        ring.owns(me, *partition) || left.is_some_and(|left| left.owns(me, *partition))
    };
    mark_unsettled(batch, ring.partitions.all().filter(owned), LOST);
    Rounds::mark_unknown(batch, ring.partitions.all());
}

fn mark_unsettled(
    batch: &mut Batch,
    partitions: impl IntoIterator<Item = Partition>,
    why: &'static [u8],
) {
    for partition in partitions {
        batch.put(Keyspace::Meta, row(partition), Bytes::from_static(why));
    }
}

/// As [`mark_lost`], of these partitions alone while everything else is still there: for a shell that
/// salvages a damaged store. Their trees are built anew.
pub fn mark_partitions_lost(batch: &mut Batch, partitions: impl IntoIterator<Item = Partition>) {
    for partition in partitions {
        mark_unsettled(batch, [partition], LOST);
        Rounds::mark_unknown(batch, [partition]);
        replica::delete_snapshot(batch, partition);
    }
}

fn enough(view: &View, ring: &Ring, partition: Partition, agreed: &BTreeSet<NodeId>) -> bool {
    let ring = view.placement(ring, partition, None).reads;
    let Some(owners) = ring.table.get(partition.index()) else { return false };
    // Who comes to a partition confirms it: there is nothing that it has lost.
    if view.is_moving(partition) && !owners.contains(&view.me) {
        return false;
    }
    let others = owners.iter().filter(|owner| **owner != view.me);
    let agreed = others.filter(|owner| agreed.contains(owner)).count();
    agreed >= others_needed(view, owners.len() as u8)
}

/// With how many of the `n` owners of a partition a replica must agree, besides itself, to know
/// every write that was acknowledged: any write quorum has one of them, or itself.
pub fn others_needed(view: &View, n: u8) -> usize {
    usize::from(n.saturating_sub(1).min((n + 1).saturating_sub(smallest_w(view, n))))
}

/// The fewest of the `n` owners of a partition that a write of any bucket waits for.
fn smallest_w(view: &View, n: u8) -> u8 {
    // Any bucket may be made at any time with the default quorum, also unknown to this node.
    let default = DEFAULT_W.min(n);
    let of_buckets = view.buckets.values().filter_map(|fact| {
        let quorum = fact.properties().write_quorum(n, &QuorumOptions::default());
        quorum.ok().map(WriteQuorum::w)
    });
    of_buckets.fold(default, u8::min)
}

fn row(partition: Partition) -> Bytes {
    let mut key = BytesMut::with_capacity(PREFIX.len() + 4);
    key.put_slice(PREFIX);
    key.put_u32(partition.get());
    key.freeze()
}

fn partition_of(row: &Bytes) -> Option<Partition> {
    row.strip_prefix(PREFIX)?.try_get_u32().ok().map(Partition::new)
}

#[cfg(test)]
mod tests;
