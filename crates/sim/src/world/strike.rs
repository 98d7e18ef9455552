//! Faults that strike by themselves.

use std::time::Duration;

use stator_core::effect::{DiskRoom, Input};

use super::World;
use crate::disk::Cut;
use crate::draw::Chance;
use crate::event::Event;
use crate::faults::FaultKind;
use crate::network::Direction;

impl World {
    pub(super) fn strike_later(&mut self, kind: FaultKind) {
        let Some(&mean) = self.faults.strikes().get(&kind) else { return };
        let wait = self.draw.wait(mean);
        self.after(wait, Event::Strike(kind));
    }

    pub(super) fn strike(&mut self, kind: FaultKind) {
        if self.healing {
            return;
        }
        if self.inject(kind) {
            self.faults.count(kind);
        }
        self.strike_later(kind);
    }

    /// Returns whether the fault has happened (one that counts itself later has not yet).
    fn inject(&mut self, kind: FaultKind) -> bool {
        let node = self.draw.index(self.nodes.len());
        match kind {
            FaultKind::FullPartition => self.split(),
            FaultKind::PartialPartition => self.cut_pairs(),
            FaultKind::OneWayPartition => self.cut_one_way(node),
            FaultKind::Flapping => self.flap(),
            FaultKind::SlowNode => self.slow_down(node),
            FaultKind::SlowDisk => {
                self.nodes[node].disk_slowness = self.short_or_long(20, 2_000);
                let lasting = self.draw.wait(Duration::from_secs(10));
                self.after(lasting, Event::Recover(node));
                true
            }
            FaultKind::Pause => self.pause(node),
            FaultKind::Crash => self.crash(node),
            FaultKind::CrashBeforeSync | FaultKind::CrashInRound => {
                self.lurking.insert(kind);
                false
            }
            FaultKind::CrashInTurn => {
                self.nodes[node].doomed = Some(self.draw.below(64) as usize);
                false
            }
            FaultKind::PowerFailure => {
                (0..self.nodes.len()).fold(false, |any, node| self.crash(node) | any)
            }
            FaultKind::ClockJump => self.jump_clock(node),
            FaultKind::FalseSuspicion => {
                let peer = self.draw.index(self.nodes.len());
                let happens = peer != node && self.nodes[node].is_up();
                if happens {
                    self.doubt(node, peer);
                }
                happens
            }
            FaultKind::Restart => {
                let at = self.nodes[node].process();
                self.after(Duration::ZERO, Event::Stop(at));
                self.nodes[node].is_up()
            }
            FaultKind::CorruptObject => self.corrupt(node),
            // A store put back from a backup is set aside at the start: to its node it is lost.
            FaultKind::DiskWipe | FaultKind::OldBackup => self.lose_store(node),
            FaultKind::DamagedBlock => self.lose_partition(node),
            FaultKind::DiskFull => self.fill_disk(node),
            FaultKind::RingChange => self.change_ring(),
            _ => false,
        }
    }

    pub(super) fn skew_clocks(&mut self) {
        let most = self.faults.clock_skew.as_millis() as u32;
        if most == 0 {
            return;
        }
        for node in 0..self.nodes.len() {
            let skew = self.draw.either_way(most);
            self.nodes[node].wall_ahead = skew;
            self.faults.count(FaultKind::ClockSkew);
        }
    }

    fn jump_clock(&mut self, node: usize) -> bool {
        let most = *self.draw.pick(&[100, 10_000, 3_600_000]);
        let jump = self.draw.either_way(most);
        self.nodes[node].wall_ahead += jump;
        jump != 0
    }

    fn short_or_long(&mut self, short_ms: u64, long_ms: u64) -> Duration {
        let most = if self.draw.happens(Chance::percent(70)) { short_ms } else { long_ms };
        Duration::from_millis(self.draw.between(1, most))
    }

    fn cut_for(&mut self, pairs: &[Direction]) {
        let lasting = self.faults.longest_cut().mul_f64(0.4);
        let lasting = self.draw.wait(lasting).min(self.faults.longest_cut());
        let until = self.now.after(lasting);
        for &way in pairs {
            self.after(Duration::ZERO, Event::Cut(way, until));
        }
    }

    fn split(&mut self) -> bool {
        let sides: Vec<bool> =
            self.nodes.iter().map(|_| self.draw.happens(Chance::percent(50))).collect();
        let mut pairs = Vec::new();
        for from in 0..sides.len() {
            pairs.extend(
                (0..sides.len())
                    .filter(|&to| sides[to] != sides[from])
                    .map(|to| Direction { from, to }),
            );
        }
        self.cut_for(&pairs);
        !pairs.is_empty()
    }

    fn cut_pairs(&mut self) -> bool {
        let count = self.nodes.len();
        let mut pairs = Vec::new();
        for _ in 0..self.draw.between(1, 3) {
            let (a, b) = (self.draw.index(count), self.draw.index(count));
            if a != b {
                pairs.extend([Direction { from: a, to: b }, Direction { from: b, to: a }]);
            }
        }
        self.cut_for(&pairs);
        !pairs.is_empty()
    }

    fn cut_one_way(&mut self, from: usize) -> bool {
        let mut pairs = Vec::new();
        for to in 0..self.nodes.len() {
            if to != from && self.draw.happens(Chance::percent(60)) {
                pairs.push(Direction { from, to });
            }
        }
        self.cut_for(&pairs);
        !pairs.is_empty()
    }

    fn flap(&mut self) -> bool {
        let count = self.nodes.len();
        let (a, b) = (self.draw.index(count), self.draw.index(count));
        if a == b {
            return false;
        }
        let mut start = Duration::ZERO;
        for _ in 0..self.draw.between(5, 30) {
            let lasting = self.draw.wait(Duration::from_millis(300));
            let until = self.now.after(start + lasting);
            for way in [Direction { from: a, to: b }, Direction { from: b, to: a }] {
                self.after(start, Event::Cut(way, until));
            }
            start += lasting + self.draw.wait(Duration::from_millis(300));
        }
        true
    }

    fn slow_down(&mut self, node: usize) -> bool {
        if !self.nodes[node].is_up() {
            return false;
        }
        self.nodes[node].slowness = self.short_or_long(50, 3_000);
        self.nodes[node].troubled_at = self.now;
        let lasting = self.draw.wait(Duration::from_secs(10));
        self.after(lasting, Event::Recover(node));
        true
    }

    fn pause(&mut self, node: usize) -> bool {
        if !self.nodes[node].is_up() || self.nodes[node].paused_until.is_some() {
            return false;
        }
        let lasting = self.draw.heavy(Duration::from_millis(100), Duration::from_secs(30));
        let until = self.now.after(lasting);
        self.nodes[node].paused_until = Some(until);
        self.queue.push(until, Event::Recover(node));
        for peer in (0..self.nodes.len()).filter(|&peer| peer != node).collect::<Vec<_>>() {
            self.look_both_ways(peer, node, Duration::ZERO);
        }
        true
    }

    /// A pause, a slow node or a slow disk is over.
    pub(super) fn recover(&mut self, node: usize) {
        let was_paused =
            self.nodes[node].paused_until.take_if(|until| *until <= self.now).is_some();
        self.nodes[node].slowness = Duration::ZERO;
        self.nodes[node].disk_slowness = Duration::ZERO;
        if std::mem::take(&mut self.nodes[node].disk_reserved) && self.nodes[node].is_up() {
            self.tell_all_shards(node, &Input::Disk(DiskRoom::Enough));
        }
        self.nodes[node].troubled_at = self.now;
        if was_paused {
            for peer in (0..self.nodes.len()).filter(|&peer| peer != node).collect::<Vec<_>>() {
                self.look_both_ways(peer, node, Duration::ZERO);
            }
        }
    }

    /// The node's process dies; it is started again after a while. Returns whether it was up.
    pub(super) fn crash(&mut self, node: usize) -> bool {
        if !self.nodes[node].is_up() {
            return false;
        }
        let calls = self.nodes[node].die(self.now);
        if let Some(member) = &mut self.nodes[node].member {
            let draw = &mut self.draw;
            member.die(|unsynced| draw.below(unsynced as u64 + 1) as usize);
        }
        for call in calls {
            let noticed = self.draw.duration(Duration::from_micros(100), Duration::from_millis(5));
            self.after(noticed, Event::ConnectionLost(call));
        }
        self.lose_tail(node);
        for peer in (0..self.nodes.len()).filter(|&peer| peer != node).collect::<Vec<_>>() {
            self.look_both_ways(node, peer, Duration::ZERO);
        }
        let (least, most) = self.faults.outage();
        let down = self.draw.heavy(least, most);
        let down = if self.healing { Duration::from_millis(100) } else { down };
        self.after(down, Event::Start(node));
        true
    }

    fn lose_tail(&mut self, node: usize) {
        let unsynced = self.nodes[node].disk.unsynced();
        let mut cut = Cut { survivors: unsynced, torn: false };
        if unsynced > 0 && self.faults.is_on(FaultKind::LostTail) {
            cut.survivors = self.draw.below(unsynced as u64 + 1) as usize;
            if cut.survivors < unsynced {
                self.faults.count(FaultKind::LostTail);
                let may_tear = self.faults.is_on(FaultKind::TornTail);
                cut.torn = may_tear && self.draw.happens(Chance::percent(50));
            }
        } else if unsynced > 0 && self.faults.is_on(FaultKind::TornTail) {
            cut = Cut { survivors: unsynced - 1, torn: true };
        }
        if cut.torn {
            self.faults.count(FaultKind::TornTail);
        }
        self.nodes[node].disk.crash(cut);
    }
}
