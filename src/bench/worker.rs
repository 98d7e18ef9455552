//! One connection's loop: take what is due, choose operations and keys, have them carried out, count.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rand::rngs::SmallRng;
use rand::{Rng, RngCore, SeedableRng};

use crate::bench::clock::Clock;
use crate::bench::door::{Door, Operation, Task};
use crate::bench::keys::Keys;
use crate::bench::pace::Pace;
use crate::bench::tally::Tally;
use crate::cli::{Mix, Part, ValueSize};

/// By how much the places lie apart at which values begin.
const VARIETY: usize = 4096;

/// What all workers have in common.
#[derive(Clone, Debug)]
pub(super) struct Work {
    pub(super) mix: Mix,
    pub(super) keys: Keys,
    pub(super) values: Values,
    /// Operations of a batch.
    pub(super) pipeline: usize,
    pub(super) slot: Duration,
}

/// Random bytes of which values are pieces.
#[derive(Clone, Debug)]
pub(super) struct Values {
    bytes: Bytes,
    size: ValueSize,
}

impl Values {
    /// Values of this size.
    pub(super) fn new(size: ValueSize) -> Self {
        let mut bytes = vec![0; size.max + VARIETY];
        SmallRng::seed_from_u64(0x5eed).fill_bytes(&mut bytes);
        Self { bytes: bytes.into(), size }
    }

    fn next(&self, random: &mut SmallRng) -> Bytes {
        let length = random.random_range(self.size.min..=self.size.max);
        let from = random.random_range(0..VARIETY);
        self.bytes.slice(from..from + length)
    }
}

/// A connection with what it needs to choose.
pub(super) struct Worker<D, C> {
    work: Arc<Work>,
    door: D,
    clock: C,
    random: SmallRng,
    batch: Vec<Operation>,
}

impl<D: Door, C: Clock> Worker<D, C> {
    /// A worker; its number makes its choices its own.
    pub(super) fn new(work: Arc<Work>, door: D, clock: C, number: u64) -> Self {
        let random = SmallRng::seed_from_u64(number);
        Self { batch: Vec::with_capacity(work.pipeline), work, door, clock, random }
    }

    /// Stores those of these keys that are not there, and learns the contexts of the others. Gives
    /// back how many could not be.
    pub(super) async fn fill(&mut self, keys: impl Iterator<Item = u32>) -> usize {
        let mut keys = keys.peekable();
        let mut missing = 0;
        while keys.peek().is_some() {
            let now = self.clock.now();
            let looks = keys.by_ref().take(self.work.pipeline);
            self.batch.clear();
            self.batch.extend(looks.map(|key| Operation::new(key, Task::Look, now)));
            self.door.carry_out(&mut self.batch).await;
            self.batch.retain(|operation| !succeeded(operation));
            for operation in &mut self.batch {
                operation.task = Task::Put(self.work.values.next(&mut self.random));
                operation.answer = None;
            }
            self.door.carry_out(&mut self.batch).await;
            missing += self.batch.iter().filter(|operation| !succeeded(operation)).count();
        }
        missing
    }

    /// Sends one batch after the other, for as long as anything is due.
    pub(super) async fn run(mut self, pace: Arc<Pace>) -> Tally {
        let mut tally = Tally::default();
        while let Some(due) = pace.next(self.clock.now()) {
            self.clock.until(due).await;
            self.batch.clear();
            let operation = self.choose(due);
            self.batch.push(operation);
            while self.batch.len() < self.work.pipeline {
                let Some(due) = pace.next_due(self.clock.now()) else { break };
                let operation = self.choose(due);
                self.batch.push(operation);
            }
            self.door.carry_out(&mut self.batch).await;
            self.count(&pace, &mut tally);
        }
        tally
    }

    fn choose(&mut self, due: std::time::Instant) -> Operation {
        let random = &mut self.random;
        let key = self.work.keys.next(random);
        let task = match self.work.mix.part(random.random_range(0..100)) {
            Part::Put => Task::Put(self.work.values.next(random)),
            Part::Get => Task::Get,
            Part::Modify => Task::Modify(self.work.values.next(random)),
        };
        Operation::new(key, task, due)
    }

    fn count(&mut self, pace: &Pace, tally: &mut Tally) {
        let window = pace.window();
        for operation in self.batch.drain(..) {
            let part = operation.task.part();
            let Some((answered, outcome)) = operation.answer else { continue };
            let latency = answered.saturating_duration_since(operation.due);
            if window.has(answered) {
                let since = answered - window.from;
                let slot = (since.as_nanos() / self.work.slot.as_nanos().max(1)) as usize;
                tally.count_in_slot(slot, latency, outcome.is_ok());
            }
            if pace.counts(operation.due, answered) {
                tally.count(part, latency, outcome);
            }
        }
    }
}

fn succeeded(operation: &Operation) -> bool {
    matches!(&operation.answer, Some((_, Ok(()))))
}

#[cfg(test)]
mod tests;
