//! How much background work a shard does: an allowance in bytes a second that shrinks while requests
//! are slower than usual, and grows back.
//!
//! The paper, 6.5: background tasks get slices of a resource, and how many is decided by watching
//! the foreground. Rule 20. Here the resource is bytes that are read or sent for hints on their way
//! home, exchanges, healing and the full look. Requests never ask this module for anything: they
//! only tell how long they took.
//!
//! ```text
//! durations of gets, puts -> Gauge: tail against baseline -> allowance -> bucket <- background work
//! ```
//!
//! What is done otherwise than there, and why:
//! - There is no preset threshold (the paper compares with 50 ms): the foreground is measured
//!   against itself, since machines differ by orders of magnitude. How fast it is without
//!   background work is learned only while there is little of it, so that a long repair does not
//!   become what is usual.
//! - The allowance never falls below a floor: replicas that are never repaired lose data.
//!
//! The bucket goes into debt rather than refuse what is larger than it: the next one waits.

mod gauge;

use std::time::Duration;

use crate::time::Instant;

use gauge::{Gauge, Pace};

/// How often the allowance is thought over.
const WINDOW: Duration = Duration::from_secs(1);
/// The longest time that one good window may count for.
const LONGEST_WINDOW: u64 = 10;
/// Who waits for the budget is woken no more often than this, and then finds this long's worth.
const SLICE: Duration = Duration::from_millis(20);
/// What an idle bucket gathers: the worth of this part of a second.
const BURST_PARTS: u64 = 4;
/// No debt stops background work for longer than this: what is above it is forgiven.
const LONGEST_DEBT: Duration = Duration::from_secs(10);
/// A good window of a second adds this part of the allowance, or the floor if that is more: little
/// where little is too much already, and 22 such windows lead from the floor to the usual ceiling.
const STEP_PARTS: u64 = 4;
/// Micros of a second: the balance is in byte-micros, so that no part of a byte is lost.
const SECOND: i128 = 1_000_000;

/// Bytes a second, never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BytesPerSecond(u64);

impl BytesPerSecond {
    /// The ceiling of one shard unless something else is asked for: 64 MiB/s.
    pub const DEFAULT_CEILING: Self = Self(64 << 20);
    /// What a shard may always do, unless its ceiling is lower: 256 KiB/s. So little that what is
    /// usual can be learned beside it, also by a node that comes back with everything to refill.
    pub const FLOOR: Self = Self(256 << 10);

    /// So many; none if that is 0.
    pub const fn new(bytes: u64) -> Option<Self> {
        if bytes == 0 { None } else { Some(Self(bytes)) }
    }

    /// How many.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// One shard's part of what a node may do.
    pub fn of_one_shard(self, shards: u8) -> Self {
        Self((self.0 / u64::from(shards.max(1))).max(1))
    }
}

/// A kind of request whose speed is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreground {
    /// Gets.
    Get,
    /// Puts, and deletes.
    Put,
}

/// The allowance has taken a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is cut, for the first time since it was last restored.
    Cut(BytesPerSecond),
    /// It is at its ceiling again.
    Restored,
}

/// The background work's allowance and what is left of it.
#[derive(Clone, Debug)]
pub struct Budget {
    floor: BytesPerSecond,
    ceiling: BytesPerSecond,
    allowance: BytesPerSecond,
    /// Byte-micros that may be spent; below zero is debt.
    balance: i128,
    /// Up to when the balance is filled.
    filled: Instant,
    gets: Gauge,
    puts: Gauge,
    window: Window,
    /// Whether it was cut since it was last at its ceiling.
    is_cut: bool,
    spent: u64,
    /// Whether somebody was refused since the last slice: whoever comes later waits as well, and
    /// all are served in turn.
    dry: bool,
    /// Whether somebody waits.
    awaited: bool,
    /// When those who wait are woken.
    wakes: Option<Instant>,
}

/// What happened since the allowance was last thought over.
#[derive(Clone, Copy, Debug)]
struct Window {
    opened: Instant,
    spent: u64,
    /// When a good window was last counted.
    counted: Instant,
}

impl Budget {
    /// A shard that has just started. It begins at the floor: what requests need without background
    /// work is seen before there is much of that.
    pub fn new(ceiling: BytesPerSecond) -> Self {
        let floor = BytesPerSecond::FLOOR.min(ceiling);
        let start = Instant::default();
        Self {
            floor,
            ceiling,
            allowance: floor,
            balance: burst(floor),
            filled: start,
            gets: Gauge::default(),
            puts: Gauge::default(),
            window: Window { opened: start, spent: 0, counted: start },
            is_cut: false,
            spent: 0,
            dry: false,
            awaited: false,
            wakes: None,
        }
    }

    /// What background work may spend at present.
    pub fn allowance(&self) -> BytesPerSecond {
        self.allowance
    }

    /// Bytes spent since the start.
    pub fn spent(&self) -> u64 {
        self.spent
    }

    /// A request that reached other nodes, or could have, has ended after `took`.
    pub fn finished(&mut self, now: Instant, what: Foreground, took: Duration) {
        match what {
            Foreground::Get => self.gets.add(now, took),
            Foreground::Put => self.puts.add(now, took),
        }
    }

    /// Whether background work may go on now. Who may not is woken ([`Self::wake_at`]).
    pub fn allows(&mut self, now: Instant) -> bool {
        self.fill(now);
        self.dry |= self.balance <= 0;
        self.awaited |= self.dry;
        !self.dry
    }

    /// Somebody has more to do and is to be woken although nobody was refused.
    pub fn wait(&mut self) {
        self.awaited = true;
    }

    /// Bytes that can be spent now without debt.
    pub fn room(&mut self, now: Instant) -> u64 {
        self.fill(now);
        u64::try_from(self.balance.max(0) / SECOND).unwrap_or(u64::MAX)
    }

    /// Background work has read or sent so much.
    pub fn spend(&mut self, now: Instant, bytes: u64) {
        self.fill(now);
        self.spent = self.spent.saturating_add(bytes);
        self.window.spent = self.window.spent.saturating_add(bytes);
        let most = worth(self.allowance, LONGEST_DEBT);
        self.balance = (self.balance - i128::from(bytes) * SECOND).max(-most);
    }

    /// When a timer is to be set for those who wait; none if nobody does, or if one is set.
    pub fn wake_at(&mut self, now: Instant) -> Option<Instant> {
        if !self.awaited || self.wakes.is_some() {
            return None;
        }
        let missing = worth(self.allowance, SLICE) - self.balance;
        let micros = missing.max(0) / i128::from(self.allowance.0) + 1;
        let wait = Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX));
        let at = now.after(wait.max(SLICE));
        self.wakes = Some(at);
        Some(at)
    }

    /// The timer has come.
    pub fn woken(&mut self) {
        (self.dry, self.awaited, self.wakes) = (false, false, None);
    }

    /// Thinks the allowance over, if it is time to. Returns what is worth telling.
    pub fn settle(&mut self, now: Instant) -> Option<Change> {
        let open = now.since(self.window.opened);
        if open < WINDOW {
            return None;
        }
        // What was gathered so far was gathered at the rate that held so far.
        self.fill(now);
        let calm = worth(self.floor, open) * 2 >= i128::from(self.window.spent) * SECOND;
        let paces = [&mut self.gets, &mut self.puts].map(|gauge| gauge.judge(now, calm));
        let gathering = self.gets.is_gathering() || self.puts.is_gathering();
        let change = match paces.into_iter().flatten().max() {
            Some(Pace::Slow) => self.cut(),
            Some(Pace::Fair) => None,
            Some(Pace::Good) => self.grow(self.step(now)),
            None if gathering => None,
            // Nobody is there to be held up.
            None => self.grow(self.allowance.0),
        };
        let counted = if gathering && paces == [None, None] { self.window.counted } else { now };
        self.window = Window { opened: now, spent: 0, counted };
        change
    }

    /// What good windows since the last counted one are worth.
    fn step(&self, now: Instant) -> u64 {
        let seconds = now.since(self.window.counted).as_secs().clamp(1, LONGEST_WINDOW);
        (self.allowance.0 / STEP_PARTS).max(self.floor.0).saturating_mul(seconds)
    }

    fn cut(&mut self) -> Option<Change> {
        if self.allowance == self.floor {
            return None;
        }
        self.allowance = BytesPerSecond(self.allowance.0 / 2).max(self.floor);
        self.balance = self.balance.min(burst(self.allowance));
        let news = !std::mem::replace(&mut self.is_cut, true);
        news.then_some(Change::Cut(self.allowance))
    }

    fn grow(&mut self, by: u64) -> Option<Change> {
        self.allowance = BytesPerSecond(self.allowance.0.saturating_add(by)).min(self.ceiling);
        let restored = self.is_cut && self.allowance == self.ceiling;
        self.is_cut &= !restored;
        restored.then_some(Change::Restored)
    }

    fn fill(&mut self, now: Instant) {
        let gathered = worth(self.allowance, now.since(self.filled));
        self.balance = (self.balance + gathered).min(burst(self.allowance));
        self.filled = self.filled.max(now);
    }
}

/// Byte-micros that a rate makes in a time.
fn worth(rate: BytesPerSecond, time: Duration) -> i128 {
    i128::from(rate.0) * i128::try_from(time.as_micros()).unwrap_or(i128::from(u64::MAX))
}

fn burst(rate: BytesPerSecond) -> i128 {
    i128::from(rate.0.div_ceil(BURST_PARTS)) * SECOND
}

#[cfg(test)]
mod tests;
