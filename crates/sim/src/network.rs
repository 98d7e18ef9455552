//! The simulated network: what becomes of a frame on its way from one node to another.
//!
//! # Fault model
//!
//! Every frame takes its own time. Frames may be lost, doubled, delayed for seconds and overtaken,
//! on healthy connections too, which is more than TCP would do. A cut direction loses its frames,
//! or holds them until it is whole again (as TCP does with unacknowledged bytes). A frame reaches
//! only the process that it was sent to: one that was started later never sees it.

use std::time::Duration;

use stator_core::time::Instant;

use crate::draw::{Chance, Draw};
use crate::faults::{FaultKind, Faults};

/// The latest that a frame arrives once more.
const LATEST: Duration = Duration::from_secs(30);

/// A direction between two nodes, by their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Direction {
    /// The sender.
    pub from: usize,
    /// The receiver.
    pub to: usize,
}

#[derive(Clone, Copy, Debug)]
struct Cut {
    direction: Direction,
    until: Instant,
}

/// The network of one cluster.
#[derive(Debug)]
pub struct Network {
    draw: Draw,
    cuts: Vec<Cut>,
}

impl Network {
    /// A whole network.
    pub const fn new(draw: Draw) -> Self {
        Self { draw, cuts: Vec::new() }
    }

    /// Cuts a direction until the given time.
    pub fn cut(&mut self, now: Instant, direction: Direction, until: Instant) {
        self.cuts.retain(|cut| cut.until > now);
        self.cuts.push(Cut { direction, until });
    }

    /// Until when a direction is cut, if it is.
    pub fn cut_until(&self, now: Instant, direction: Direction) -> Option<Instant> {
        let cuts = self.cuts.iter().filter(|cut| cut.direction == direction && cut.until > now);
        cuts.map(|cut| cut.until).max()
    }

    /// Whether frames pass in both directions between two nodes.
    pub fn passes(&self, now: Instant, a: usize, b: usize) -> bool {
        self.cut_until(now, Direction { from: a, to: b }).is_none()
            && self.cut_until(now, Direction { from: b, to: a }).is_none()
    }

    /// Everything is whole again.
    pub fn heal(&mut self) {
        self.cuts.clear();
    }

    /// When a frame that carries a state arrives once more, if it does: long after. What a resend on
    /// a new connection, or a peer that stood still, would do.
    pub fn late_double(&mut self, now: Instant, faults: &mut Faults) -> Option<Instant> {
        let chance = faults.weather.late_double;
        if chance == Chance::NEVER || !self.draw.happens(chance) {
            return None;
        }
        faults.count(FaultKind::LateDouble);
        Some(now.after(self.draw.duration(Duration::from_millis(500), LATEST)))
    }

    /// How much later than other frames a hint arrives, where rounds come often: now and then long
    /// after its coordinator has asked another fallback for the same, while rounds go on.
    pub fn slow_hint(&mut self, faults: &mut Faults) -> Duration {
        let happens = faults.weather.late_double != Chance::NEVER;
        if !happens || !self.draw.happens(Chance::percent(10)) {
            return Duration::ZERO;
        }
        faults.count(FaultKind::HeavyTail);
        self.draw.duration(Duration::from_millis(200), Duration::from_secs(5))
    }

    /// When a frame sent now arrives: never, once, or twice.
    pub fn arrivals(&mut self, now: Instant, way: Direction, faults: &mut Faults) -> Vec<Instant> {
        let weather = faults.weather;
        let mut start = now;
        if let Some(until) = self.cut_until(now, way) {
            if !self.draw.happens(Chance::percent(30)) {
                return Vec::new();
            }
            start = until;
        }
        if self.draw.happens(weather.loss) {
            faults.count(FaultKind::Loss);
            return Vec::new();
        }
        let mut delay = self.draw.duration(weather.delay_least, weather.delay_most);
        if self.draw.happens(weather.heavy_tail) {
            faults.count(FaultKind::HeavyTail);
            delay = self.draw.heavy(Duration::from_millis(50), Duration::from_secs(12));
        } else if self.draw.happens(weather.reordering) {
            faults.count(FaultKind::Reordering);
            delay += self.draw.wait(weather.delay_most * 8);
        }
        let mut arrivals = vec![start.after(delay)];
        if self.draw.happens(weather.duplication) {
            faults.count(FaultKind::Duplication);
            let later = self.draw.heavy(Duration::from_millis(1), Duration::from_secs(12));
            arrivals.push(start.after(delay + later));
        }
        arrivals
    }
}
