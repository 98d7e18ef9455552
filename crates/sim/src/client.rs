//! Simulated clients: what they do next, and what they remember.
//!
//! Each has one call under way at a time and a habit of its own. What a client holds of a key is
//! the sealed context and, apart from it, the truth of what it was shown ([`Seen`]).

use std::collections::BTreeMap;
use std::time::Duration;

use stator_core::context::SealedContext;
use stator_core::quorum::{Level, QuorumMode, QuorumOptions};

use crate::draw::{Chance, Draw};
use crate::history::Seen;
use crate::layout::Layout;

/// How a client behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// Reads, then writes with what the read gave.
    ReadModifyWrite,
    /// Writes without a context.
    Blind,
    /// Reads rarely and writes with contexts that have grown old.
    Stale,
    /// Writes again and again with the context of its last write.
    Chained,
    /// Reads, deletes with or without a context, and creates again.
    Deleter,
    /// Reads only.
    Reader,
    /// Reads its own cart and writes it back changed; now and then somebody else's.
    Shopper,
}

/// The shoppers of a service: together they make one call a second.
pub const SHOPPERS: usize = 8;
const SHOPPERS_PAUSE: Duration = Duration::from_secs(8);

impl Habit {
    const ALL: [Self; 6] = [
        Self::ReadModifyWrite,
        Self::Blind,
        Self::Stale,
        Self::Chained,
        Self::Deleter,
        Self::Reader,
    ];
}

/// A context with the truth behind it.
#[derive(Clone, Debug)]
pub struct Held {
    /// As the client sends it back.
    pub context: SealedContext,
    /// What it was shown.
    pub seen: Seen,
}

/// What a client wants to do.
#[derive(Clone, Debug)]
pub enum Action {
    /// Read.
    Get,
    /// Store a value of so many bytes.
    Put {
        /// Its length.
        len: usize,
        /// With which context.
        held: Option<Held>,
    },
    /// Store a tombstone with a context.
    Delete(Held),
    /// Delete what the coordinator reads.
    DeleteWhatIsRead,
}

/// A call that a client is about to make.
#[derive(Clone, Debug)]
pub struct Intent {
    /// The key's place.
    pub key: usize,
    /// The node to call, by its place.
    pub node: usize,
    /// What.
    pub action: Action,
    /// The quorum it names.
    pub quorum: QuorumOptions,
    /// How long it lets the cluster work.
    pub timeout: Duration,
}

/// One client.
#[derive(Debug)]
pub struct Client {
    habit: Habit,
    number: usize,
    draw: Draw,
    held: BTreeMap<usize, Held>,
    /// The key that it has just read and will write next.
    read: Option<usize>,
    /// The cart that was not there when it was read: a shopper begins it.
    begins: Option<usize>,
    /// What it will try once more, elsewhere.
    again: Option<Intent>,
    /// What is under way.
    current: Option<Intent>,
    think: Duration,
}

impl Client {
    /// The `number`-th client of a run; `think` is its mean pause between calls.
    pub fn new(number: usize, think: Duration, draw: Draw) -> Self {
        Self {
            habit: Habit::ALL[number % Habit::ALL.len()],
            number,
            draw,
            held: BTreeMap::new(),
            read: None,
            begins: None,
            again: None,
            current: None,
            think,
        }
    }

    /// The `number`-th client of a run in which many delete: every second one does.
    pub fn deleting(number: usize, think: Duration, draw: Draw) -> Self {
        let client = Self::new(number, think, draw);
        let habit = if number % 2 == 1 { Habit::Deleter } else { client.habit };
        Self { habit, ..client }
    }

    /// The `number`-th shopper of a service.
    pub fn shopper(number: usize, draw: Draw) -> Self {
        Self { habit: Habit::Shopper, number, ..Self::new(number, SHOPPERS_PAUSE, draw) }
    }

    /// How long it pauses before its next call.
    pub fn pause(&mut self) -> Duration {
        self.draw.wait(self.think)
    }

    /// Its next call.
    pub fn next(&mut self, layout: &Layout) -> Intent {
        let intent = match self.again.take() {
            Some(intent) => Intent { node: self.draw.index(layout.nodes.len()), ..intent },
            None => self.fresh(layout),
        };
        self.current = Some(intent.clone());
        intent
    }

    fn fresh(&mut self, layout: &Layout) -> Intent {
        let key = self.read.take().unwrap_or_else(|| self.any_key(layout));
        let action = self.action(key);
        if matches!(action, Action::Get) && self.habit != Habit::Reader {
            self.read = Some(key);
        }
        let timeouts = [100, 500, 1_000, 2_000, 2_000, 10_000];
        Intent {
            key,
            node: self.draw.index(layout.nodes.len()),
            action,
            quorum: self.quorum(layout.replicas(key)),
            timeout: Duration::from_millis(*self.draw.pick(&timeouts)),
        }
    }

    fn any_key(&mut self, layout: &Layout) -> usize {
        if self.habit == Habit::Shopper {
            let key = self.draw.index(layout.keys.len());
            let own = key / SHOPPERS * SHOPPERS + self.number;
            let is_own = own < layout.keys.len() && self.draw.happens(Chance::percent(99));
            return if is_own { own } else { key };
        }
        let hot = layout.hot_keys.min(layout.keys.len());
        if self.draw.happens(Chance::percent(50)) {
            return self.draw.index(hot);
        }
        self.draw.index(layout.keys.len())
    }

    fn action(&mut self, key: usize) -> Action {
        let held = self.held.get(&key).cloned();
        let begins = self.begins.take() == Some(key);
        let dice = self.draw.below(100);
        match (self.habit, held) {
            (Habit::ReadModifyWrite | Habit::Shopper, Some(_)) => {
                Action::Put { len: self.len(), held: self.held.remove(&key) }
            }
            (Habit::Shopper, None) if begins => Action::Put { len: self.len(), held: None },
            (Habit::Stale, Some(held)) if dice < 85 => {
                Action::Put { len: self.len(), held: Some(held) }
            }
            (Habit::Deleter, Some(held)) if dice < 50 => Action::Delete(held),
            (Habit::Deleter, _) if dice < 65 => Action::DeleteWhatIsRead,
            (Habit::Deleter, _) if dice < 80 => Action::Put { len: self.len(), held: None },
            (Habit::Blind, _) if dice < 90 => Action::Put { len: self.len(), held: None },
            (Habit::Chained, held) if dice < 95 => Action::Put { len: self.len(), held },
            _ => Action::Get,
        }
    }

    /// Mostly small; now and then 1 MB.
    fn len(&mut self) -> usize {
        match self.draw.below(2_000) {
            0 => 1 << 20,
            1..=100 => 0,
            101..=200 => self.draw.between(1_000, 20_000) as usize,
            _ => self.draw.between(1, 200) as usize,
        }
    }

    /// Quorums that `n` replicas can meet.
    fn quorum(&mut self, n: u8) -> QuorumOptions {
        let none = QuorumOptions::default();
        if self.habit == Habit::Shopper || n < 3 || self.draw.happens(Chance::percent(50)) {
            return none;
        }
        let count = |number| Some(Level::Count(number));
        let strict = Some(QuorumMode::Strict);
        let choices = [
            QuorumOptions { r: count(1), w: count(3), mode: strict, ..none },
            QuorumOptions { r: count(3), w: count(1), mode: strict, ..none },
            QuorumOptions { r: count(2), w: count(2), mode: strict, ..none },
            QuorumOptions { r: count(3), w: count(3), dw: count(1), mode: strict, ..none },
            QuorumOptions { r: count(1), w: count(1), ..none },
            QuorumOptions { w: count(3), dw: count(2), pw: count(2), ..none },
            QuorumOptions { pr: count(2), w: count(2), dw: count(1), ..none },
        ];
        *self.draw.pick(&choices)
    }

    /// What it asked for is answered: it holds this now.
    pub fn got(&mut self, key: usize, held: Option<Held>) {
        self.begins = held.is_none().then_some(key);
        let old = self.habit == Habit::Stale && self.draw.happens(Chance::percent(70));
        if let Some(held) = held
            && !(old && self.held.contains_key(&key))
        {
            self.held.insert(key, held);
        }
        self.current = None;
    }

    /// Its write was acknowledged; the reply's context is worth keeping for some.
    pub fn wrote(&mut self, key: usize, held: Held) {
        let keeps = match self.habit {
            Habit::Chained => true,
            Habit::Stale => false,
            _ => self.draw.happens(Chance::percent(20)),
        };
        if keeps {
            self.held.insert(key, held);
        }
        self.current = None;
    }

    /// Its call failed, or nobody knows: it may try the same once more, elsewhere.
    pub fn failed(&mut self) {
        let current = self.current.take();
        if self.draw.happens(Chance::percent(50)) {
            self.again = current;
        }
    }
}
