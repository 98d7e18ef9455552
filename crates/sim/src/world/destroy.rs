//! Faults that destroy durable copies, and their limit.
//!
//! The adversary's limit: between two times at which all primaries held everything, faults destroy
//! copies on one node only, so that of a write with `dw` durable copies at least `dw - 1` are left.
//! A write whose only durable copy is destroyed (it was asked for with dw=1, or its bucket has one
//! replica, or the cluster has shrunk to one node) is excused: from then on it counts as one whose
//! fate is not known.

use std::collections::BTreeMap;

use stator_core::effect::{DiskRoom, Input};
use stator_core::identity::NodeId;
use stator_core::object::ObjectKey;
use stator_core::replica::StoreKey;
use stator_core::standing;
use stator_core::store::Batch;
use stator_core::token::Partition;
use stator_core::version::VersionVector;
use std::time::Duration;

use super::World;
use crate::draw::Chance;
use crate::event::Event;
use crate::faults::FaultKind;
use crate::history::{Bits, Fate};
use crate::witness::{durable_object, durable_states, known_in};

impl World {
    /// Whether copies on this node may be destroyed now.
    pub(super) fn may_destroy(&mut self, node: usize) -> bool {
        if !self.victims.is_empty() {
            return self.victims.contains(&node);
        }
        if self.struck.is_some_and(|struck| struck != node)
            && self.unrest().is_empty()
            && self.unlike().is_empty()
        {
            self.struck = None;
        }
        self.struck.is_none_or(|struck| struck == node)
    }

    /// A node dies and its disk is lost. Returns whether that was allowed.
    pub(super) fn lose_store(&mut self, node: usize) -> bool {
        if !self.may_destroy(node) {
            return false;
        }
        (self.struck, self.struck_at) = (Some(node), self.now);
        if self.is_elastic() {
            self.lose_for_good(node);
            self.nodes[node].store_lost = true;
            return true;
        }
        self.note_lost_rounds(node, self.layout.ring.partitions.all());
        self.crash(node);
        for key in 0..self.layout.keys.len() {
            self.excuse(key, node);
        }
        let (me, ring) = (self.layout.nodes[node], self.layout.ring.clone());
        for partition in ring.partitions.all().filter(|partition| ring.owns(me, *partition)) {
            self.lose(node, partition);
        }
        self.nodes[node].disk.wipe();
        self.nodes[node].store_lost = true;
        self.damage_the_rest(node);
        true
    }

    /// A node is gone for good, with its disk.
    pub(super) fn lose_for_good(&mut self, node: usize) {
        (self.struck, self.struck_at) = (Some(node), self.now);
        self.crash(node);
        for key in 0..self.layout.keys.len() {
            self.excuse(key, node);
        }
        self.nodes[node].disk.wipe();
    }

    /// One of two victims has lost its store: of what only the other one has by now, half is damaged.
    fn damage_the_rest(&mut self, lost: usize) {
        let Some(&other) = self.victims.iter().find(|&&victim| victim != lost) else { return };
        for key in 0..self.layout.keys.len() {
            if self.is_only_at(other, key) && self.draw.happens(Chance::percent(50)) {
                let at = StoreKey::of(&self.layout.keys[key]).as_bytes().clone();
                if self.nodes[other].disk.corrupt_at(&at) {
                    self.faults.count(FaultKind::CorruptObject);
                    let loss = self.loss(other, [key]);
                    self.damaged.insert((other, key), loss);
                }
            }
        }
    }

    /// Whether a node's replica has a write of a key that no other disk has.
    fn is_only_at(&self, node: usize, key: usize) -> bool {
        let (history, owners) = (&self.history.keys[key], self.owners(key));
        let Some(here) = durable_object(&self.nodes[node].disk, &history.name) else {
            return false;
        };
        let others = self.nodes.iter().filter(|other| other.place != node);
        let states = others.flat_map(|other| durable_states(&other.disk, &history.name, &owners));
        let mut elsewhere = Bits::default();
        states.for_each(|state| elsewhere.join(&known_in(history, &state)));
        known_in(history, &here).first_missing_in(&elsewhere).is_some()
    }

    /// A node dies, and its next start finds that it can't read what it stored of one partition, as
    /// production does (`salvage`): nothing of it is kept, and it is marked as lost. Returns whether
    /// that was allowed, and there was such a partition.
    pub(super) fn lose_partition(&mut self, node: usize) -> bool {
        if !self.may_destroy(node) {
            return false;
        }
        let (me, ring) = (self.layout.nodes[node], &self.layout.ring);
        let partition = ring.partition_of(self.draw.pick(&self.layout.keys).token());
        if !ring.owns(me, partition) {
            return false;
        }
        let (first, last) = ring.partitions.range_of(partition);
        (self.struck, self.struck_at) = (Some(node), self.now);
        self.crash(node);
        for key in 0..self.layout.keys.len() {
            if self.layout.ring.partition_of(self.layout.keys[key].token()) == partition {
                self.excuse(key, node);
            }
        }
        self.note_lost_rounds(node, [partition]);
        self.lose(node, partition);
        let mut marks = Batch::new();
        standing::mark_partitions_lost(&mut marks, [partition]);
        let disk = &mut self.nodes[node].disk;
        disk.drop_objects(&StoreKey::range(first, last));
        disk.write_now(marks);
        true
    }

    /// A stored object's bytes change. Returns whether that was allowed, and there was one.
    pub(super) fn corrupt(&mut self, node: usize) -> bool {
        if !self.may_destroy(node) {
            return false;
        }
        let nth = self.draw.below(1 << 20) as usize;
        // Mostly one that is written again soon: damage is worst where it meets a write.
        let hot = self.draw.index(self.layout.hot_keys.min(self.layout.keys.len()));
        let hot = self.draw.happens(Chance::percent(60)).then(|| &self.layout.keys[hot]);
        let hot = hot.map(|name| StoreKey::of(name).as_bytes().clone());
        let disk = &mut self.nodes[node].disk;
        let damaged = hot.filter(|at| disk.corrupt_at(at)).or_else(|| disk.corrupt(nth));
        let Some(at) = damaged else { return false };
        (self.struck, self.struck_at) = (Some(node), self.now);
        let is_it = |name| *StoreKey::of(name).as_bytes() == at;
        if let Some(key) = self.layout.keys.iter().position(is_it) {
            self.excuse(key, node);
            let loss = self.loss(node, [key]);
            self.damaged.insert((node, key), loss);
        }
        true
    }

    /// What a node's replica has of a partition is about to be lost.
    fn lose(&mut self, node: usize, partition: Partition) {
        let ring = &self.layout.ring;
        let names = self.layout.keys.iter().enumerate();
        let of_partition = names.filter(|(_, name)| ring.partition_of(name.token()) == partition);
        let loss = self.loss(node, of_partition.map(|(key, _)| key));
        self.unsettled.insert((node, partition), loss);
    }

    /// Only the reserve of a disk is left, for a while.
    pub(super) fn fill_disk(&mut self, node: usize) -> bool {
        if !self.nodes[node].is_up() || self.nodes[node].disk_reserved {
            return false;
        }
        self.nodes[node].disk_reserved = true;
        self.tell_all_shards(node, &Input::Disk(DiskRoom::Reserve));
        let lasting = self.draw.wait(Duration::from_secs(20));
        self.after(lasting, Event::Recover(node));
        true
    }

    /// The owners of a key, and so of hints for it.
    pub(super) fn owners(&self, key: usize) -> Vec<NodeId> {
        self.owners_of(&self.layout.keys[key])
    }

    /// The same by the key's name.
    pub(super) fn owners_of(&self, name: &ObjectKey) -> Vec<NodeId> {
        let ring = &self.layout.ring;
        let partition = ring.partition_of(name.token());
        if self.is_elastic() {
            return self.owners_in_use(partition);
        }
        ring.table[partition.index()].clone()
    }

    /// Excuses writes of a key that no other disk has: not those that were acknowledged on the
    /// strength of two copies or more, since faults destroy one of them at most; but in a cluster of
    /// one node there is only one by now.
    fn excuse(&mut self, key: usize, node: usize) {
        let has_one_copy = self.fewest_replicas(key) == 1;
        let (name, owners) = (&self.layout.keys[key], self.owners(key));
        let mut elsewhere = VersionVector::new();
        for other in self.nodes.iter().filter(|other| other.place != node) {
            for state in durable_states(&other.disk, name, &owners) {
                elsewhere.join(state.vector());
            }
        }
        let lost = |write: &crate::history::Write| {
            let copies = write.needs.dw.min(write.existing_at_ack);
            let is_done = self.history.call(write.call).fate == Fate::Done;
            let is_safe = copies > 1 && is_done && !has_one_copy;
            !is_safe && write.mints.first().is_some_and(|mint| !elsewhere.covers(mint.dot))
        };
        let writes = self.history.keys[key].writes.iter().enumerate();
        let lost: Vec<usize> =
            writes.filter(|(_, write)| lost(write)).map(|(place, _)| place).collect();
        for place in lost {
            self.history.destroyed(key, place);
        }
    }

    /// What keeps the cluster from being whole: all replicas alike and settled, nothing damaged,
    /// and no hint left. As nodes tell it of themselves, and as their disks show it.
    pub(super) fn unrest(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut roots: BTreeMap<Partition, BTreeMap<u128, Vec<usize>>> = BTreeMap::new();
        if self.is_elastic() {
            found.extend(self.ring_unrest());
        }
        for node in self.nodes.iter().filter(|node| !node.is_away) {
            let name = format!("n{}", node.place + 1);
            if !node.is_up() {
                found.push(format!("{name} is down"));
            }
            if node.disk.is_damaged() {
                found.push(format!("{name} has damaged objects"));
            }
            for status in node.shards.iter().map(stator_core::node::Shard::condition) {
                for (owner, held) in status.hints {
                    let (objects, owner) = (held.objects, self.layout.place_of(owner) + 1);
                    found.push(format!("{name} holds {objects} hints for n{owner}"));
                }
                for (partition, status) in status.partitions {
                    let p = partition.get();
                    match status.root {
                        Some(root) => {
                            let alike = roots.entry(partition).or_default();
                            alike.entry(root.to_bits()).or_default().push(node.place + 1);
                        }
                        None => found.push(format!("{name} has no tree of partition {p}")),
                    }
                    if !status.counts {
                        found.push(format!("partition {p} does not count at {name}"));
                    }
                    if status.quarantined > 0 {
                        found.push(format!("{name} has objects of partition {p} set aside"));
                    }
                }
            }
        }
        for (partition, alike) in roots.into_iter().filter(|(_, alike)| alike.len() > 1) {
            let sides: Vec<String> = alike.values().map(|nodes| format!("{nodes:?}")).collect();
            let p = partition.get();
            found.push(format!("the owners of partition {p} differ: {}", sides.join(" / ")));
        }
        found
    }

    /// Keys of which the primaries' disks do not hold the same.
    pub(super) fn unlike(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (key, name) in self.layout.keys.iter().enumerate() {
            let primaries = usize::from(self.layout.replicas(key));
            let owners = self.owners(key);
            let states: Vec<_> = owners[..primaries]
                .iter()
                .map(|&owner| &self.nodes[self.layout.place_of(owner)].disk)
                .map(|disk| durable_object(disk, name))
                .collect();
            if states.windows(2).any(|pair| pair[0] != pair[1]) {
                found.push(format!("the primaries of {name} do not hold the same"));
            }
        }
        found
    }
}
