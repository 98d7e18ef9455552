//! One client that writes: to keys of its own, each put with the context of the last, and now and
//! then to one that all share, which it reads first.

use std::sync::Arc;
use std::time::Instant;

use stator_client::{Context, Fetched, NewObject, ObjectName, Outcome, RequestOptions};

use super::ledger::{Ledger, Write};
use super::phases::{PHASES, Timeline};
use crate::doors::Doors;
use crate::filling::BUCKET;
use crate::tally::Tally;
use crate::values::{Values, split_mix};

/// Keys of each writer's own.
const OWN_KEYS: u64 = 16;
/// Keys that all share.
const SHARED_KEYS: u64 = 64;
/// Of a hundred puts, those to shared keys.
const SHARED_IN_HUNDRED: u64 = 10;

/// A writer; in the end what it has seen.
pub(super) struct Writer {
    number: u64,
    values: Values,
    doors: Arc<Doors>,
    timeline: Arc<Timeline>,
    random: u64,
    /// Writes begun.
    begun: u64,
    /// What it holds of its own keys: the context of its last acknowledged put, and which it was.
    own: Vec<Option<(Context, u64)>>,
    /// Puts.
    pub(super) puts: Vec<Tally>,
    /// Gets of shared keys.
    pub(super) reads: Vec<Tally>,
    pub(super) ledger: Ledger,
}

impl Writer {
    pub(super) fn new(
        number: u64,
        values: Values,
        doors: Arc<Doors>,
        timeline: Arc<Timeline>,
    ) -> Self {
        Self {
            number,
            values,
            doors,
            timeline,
            random: number,
            begun: 0,
            own: vec![None; OWN_KEYS as usize],
            puts: vec![Tally::default(); PHASES.len()],
            reads: vec![Tally::default(); PHASES.len()],
            ledger: Ledger::default(),
        }
    }

    /// One put after the other until the end.
    pub(super) async fn run(mut self, end: tokio::time::Instant) -> Self {
        while tokio::time::Instant::now() < end {
            if split_mix(&mut self.random) % 100 < SHARED_IN_HUNDRED {
                self.put_shared().await;
            } else {
                self.put_own().await;
            }
        }
        self
    }

    async fn put_own(&mut self) {
        let place = (split_mix(&mut self.random) % OWN_KEYS) as usize;
        let key = format!("own/{}/{place}", self.number);
        let (context, covers) = match self.own[place].clone() {
            Some((context, last)) => (Some(context), vec![last]),
            None => (None, Vec::new()),
        };
        if let Some((context, id)) = self.put(key, context, covers).await {
            self.own[place] = Some((context, id));
        }
    }

    async fn put_shared(&mut self) {
        let key = format!("shared/{}", split_mix(&mut self.random) % SHARED_KEYS);
        let name = ObjectName { bucket: BUCKET, key: key.as_bytes() };
        let begun = Instant::now();
        let got = self.doors.get(name, &RequestOptions::default()).await;
        let phase = self.timeline.phase(begun, Instant::now());
        let reads = &mut self.reads[phase as usize];
        let (context, values) = match got {
            Ok(Fetched::NotFound { context }) => (context, Vec::new()),
            Ok(Fetched::Object(object)) => (object.head.context, vec![object.value]),
            Ok(Fetched::Siblings(all)) => {
                (all.context, all.siblings.into_iter().map(|sibling| sibling.value).collect())
            }
            Err(error) => return reads.failed(&error),
        };
        reads.done(begun.elapsed());
        let covers = values.iter().filter_map(|value| self.values.number(value)).collect();
        self.put(key, context, covers).await;
    }

    /// Puts a value that nobody has put before, and books what became of it.
    async fn put(
        &mut self,
        key: String,
        context: Option<Context>,
        covers: Vec<u64>,
    ) -> Option<(Context, u64)> {
        let id = self.number << 32 | self.begun;
        self.begun += 1;
        let name = ObjectName { bucket: BUCKET, key: key.as_bytes() };
        let object = NewObject { value: self.values.of(id), ..NewObject::default() };
        let options = RequestOptions::default();
        let begun = Instant::now();
        let result = self.doors.put(name, &object, context.as_ref(), &options).await;
        let phase = self.timeline.phase(begun, Instant::now());
        let tally = &mut self.puts[phase as usize];
        match result {
            Ok(written) => {
                tally.done(begun.elapsed());
                self.ledger.add(key, Write { id, acknowledged: true, covers });
                Some((written.context?, id))
            }
            Err(error) => {
                tally.failed(&error);
                if error.outcome() == Outcome::Indeterminate {
                    self.ledger.add(key, Write { id, acknowledged: false, covers });
                }
                None
            }
        }
    }
}
