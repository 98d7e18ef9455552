//! Connections between nodes and a simple failure detector.
//!
//! A node notices a broken connection after a while, and makes a new one when frames pass in both
//! directions. A peer that can't be reached, or that a shard waited for in vain, is suspected until
//! it is judged again. This detector sees the truth, late; production's judges by heartbeats.

use std::collections::BTreeSet;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use stator_core::effect::Input;
use stator_core::membership::effect::MembershipInput;
use stator_core::time::Instant;
use stator_core::view::Suspicion;

use super::World;
use crate::event::{Event, Process};
use crate::faults::FaultKind;
use crate::network::Direction;
use crate::node::Stop;

impl World {
    pub(super) fn cut(&mut self, way: Direction, until: Instant) {
        if self.healing {
            return;
        }
        self.network.cut(self.now, way, until);
        self.trouble_between(way.from, way.to, until);
        self.look_both_ways(way.from, way.to, Duration::ZERO);
        self.look_both_ways(way.from, way.to, until.since(self.now));
    }

    pub(super) fn check_all_links(&mut self) {
        for a in 0..self.nodes.len() {
            for b in a + 1..self.nodes.len() {
                self.look_both_ways(a, b, Duration::ZERO);
            }
        }
    }

    /// Something has changed between two nodes, or will in a while: each notices in its own time.
    pub(super) fn look_both_ways(&mut self, a: usize, b: usize, later: Duration) {
        for way in [Direction { from: a, to: b }, Direction { from: b, to: a }] {
            let noticed = self.draw.duration(Duration::from_millis(1), Duration::from_millis(800));
            self.after(later + noticed, Event::CheckLink(way));
            let judged = self.draw.duration(Duration::from_millis(200), Duration::from_secs(2));
            self.after(later + judged, Event::Detect(way));
        }
    }

    pub(super) fn check_link(&mut self, way: Direction) {
        let Direction { from, to } = way;
        if !self.nodes[from].is_up() {
            return;
        }
        let boot = self.nodes[to].boot;
        let usable = self.nodes[to].is_up() && self.network.passes(self.now, from, to);
        let connected = self.nodes[from].connected.get(&to).copied();
        if connected.is_some_and(|known| known != boot || !usable) {
            self.nodes[from].connected.remove(&to);
            let peer = self.layout.nodes[to];
            self.tell_all_shards(from, &Input::LinkDown(peer));
            self.tell_membership(from, MembershipInput::LinkDown(peer));
        }
        if usable && connected != Some(boot) {
            self.nodes[from].connected.insert(to, boot);
            self.tell_all_shards(from, &Input::LinkUp(self.layout.nodes[to]));
            let met = self.nodes[to].member.as_ref().map(|there| there.introduction(to, boot));
            if let Some(met) = met {
                self.tell_membership(from, MembershipInput::Introduced(met));
            }
        }
    }

    /// A node doubts a peer, rightly or not. That is no trouble: a doubt refuses nothing.
    pub(super) fn doubt(&mut self, node: usize, peer: usize) {
        if self.is_elastic() {
            let peer = self.layout.nodes[peer];
            return self.tell_membership(node, MembershipInput::Suspect(peer));
        }
        let again = self.draw.duration(Duration::from_secs(1), Duration::from_secs(4));
        self.after(again, Event::Detect(Direction { from: node, to: peer }));
        if let Entry::Vacant(trusted) = self.nodes[node].suspected.entry(peer) {
            trusted.insert(Suspicion::Doubted);
            self.publish(node);
        }
    }

    pub(super) fn detect(&mut self, way: Direction) {
        let Direction { from, to } = way;
        if !self.nodes[from].is_up() || self.is_elastic() {
            return;
        }
        let stands_still = self.nodes[to].paused_until.is_some_and(|until| until > self.now);
        let reachable =
            self.nodes[to].is_up() && !stands_still && self.network.passes(self.now, from, to);
        let before = if reachable {
            self.nodes[from].suspected.remove(&to)
        } else {
            self.nodes[from].suspected.insert(to, Suspicion::Down)
        };
        if before != (!reachable).then_some(Suspicion::Down) {
            self.publish(from);
        }
    }

    /// Two nodes can't rely on each other until then: notes it for the checker of availability.
    pub(super) fn trouble_between(&mut self, a: usize, b: usize, until: Instant) {
        let noted = self.troubled.entry((a.min(b), a.max(b))).or_default();
        *noted = until.max(*noted);
    }

    fn publish(&mut self, node: usize) {
        let view = Arc::new(self.nodes[node].view(&self.layout));
        self.tell_all_shards(node, &Input::View(view));
    }

    pub(super) fn tell_all_shards(&mut self, node: usize, input: &Input) {
        let at = self.nodes[node].process();
        for shard in 0..self.layout.shards[node] {
            let turn = Event::turn(at, shard, input.clone());
            self.after(Duration::ZERO, turn);
        }
    }

    pub(super) fn start(&mut self, node: usize) {
        if self.nodes[node].is_up() || self.nodes[node].is_away {
            return;
        }
        let effects = self.nodes[node].start(self.now, &self.layout, self.limits, self.pace);
        self.tell_all_shards(node, &Input::Started);
        self.heed_membership(node, effects);
        let peers: BTreeSet<usize> = (0..self.nodes.len()).filter(|&peer| peer != node).collect();
        for peer in peers {
            self.look_both_ways(node, peer, Duration::ZERO);
        }
    }

    pub(super) fn stop(&mut self, at: Process) {
        if !self.is_current(at) {
            return;
        }
        if self.nodes[at.node].stop == Stop::NotAsked {
            self.nodes[at.node].stop = Stop::TakesNoCalls;
        }
        if self.nodes[at.node].open.is_empty() && self.nodes[at.node].stop != Stop::ShardsTold {
            self.nodes[at.node].stop = Stop::ShardsTold;
            self.slow_the_stop(at.node);
            self.tell_all_shards(at.node, &Input::Stopping);
            self.after(Duration::from_millis(20), Event::Stop(at));
            return;
        }
        let node = &self.nodes[at.node];
        if !node.disk.is_idle() || !node.open.is_empty() {
            self.after(Duration::from_millis(20), Event::Stop(at));
            return;
        }
        self.crash(at.node);
        self.nodes[at.node].disk_slowness = Duration::ZERO;
    }

    /// Where disks are slow, a stop takes long as well: others go on meanwhile.
    fn slow_the_stop(&mut self, node: usize) {
        if self.faults.is_on(FaultKind::SlowDisk) {
            let name = format!("stop of n{node}, start {}", self.nodes[node].boot);
            let slowness = self.draw.child(&name).between(0, 3_000);
            self.nodes[node].disk_slowness = Duration::from_millis(slowness);
        }
    }
}
