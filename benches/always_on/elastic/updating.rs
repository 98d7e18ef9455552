//! Clients that read, append and write back, at a pace that does not change (open loop: an update
//! counts from when it was meant to begin).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use stator_client::{ClientError, NewObject, ObjectName, Outcome, RequestOptions};
use tokio::task::JoinHandle;

use super::ledger::{Ledger, Merged};
use super::phases::{Now, PHASES, Phase};
use crate::Failed;
use crate::doors::Doors;
use crate::filling::BUCKET;
use crate::tally::Tally;
use crate::values::split_mix;

/// Objects of each client's own.
const OWN_KEYS: u64 = 16;

/// What all clients share.
pub(super) struct Shared {
    pub(super) doors: Arc<Doors>,
    /// Where the node listens that will be killed.
    pub(super) struck: String,
    pub(super) now: Now,
    /// Between two updates of one client, in microseconds; 0 if each follows the last at once.
    gap_micros: AtomicU64,
    done: AtomicU64,
    is_over: AtomicBool,
}

/// The clients at work.
pub(super) struct Updating {
    pub(super) shared: Arc<Shared>,
    clients: Vec<JoinHandle<Seen>>,
}

/// What was seen in one part of the run.
#[derive(Clone, Default)]
pub(super) struct Part {
    /// Reads, put or no put after them.
    pub(super) gets: Tally,
    /// Reads and writes together, as they were meant.
    pub(super) updates: Tally,
    /// Gets and puts whose connection to the struck node broke.
    pub(super) cut_off: CutOff,
    /// Reads that lacked what was acknowledged before.
    pub(super) behind: u64,
}

/// Requests in flight to the node that was killed.
#[derive(Clone, Copy, Default)]
pub(super) struct CutOff {
    pub(super) gets: u64,
    pub(super) puts: u64,
}

/// What a client, or all, have seen.
pub(super) struct Seen {
    pub(super) parts: Vec<Part>,
    pub(super) ledger: Ledger,
}

impl Updating {
    /// So many clients begin, each as fast as it can.
    pub(super) fn start(clients: u64, doors: Arc<Doors>, struck: String) -> Self {
        let (gap_micros, done) = (AtomicU64::new(0), AtomicU64::new(0));
        let (now, is_over) = (Now::default(), AtomicBool::new(false));
        let shared = Arc::new(Shared { doors, struck, now, gap_micros, done, is_over });
        let clients = (0..clients).map(|number| {
            let (shared, seen) = (Arc::clone(&shared), Seen::nothing());
            let client = OneClient { number, random: number, appended: 0, shared, seen };
            tokio::spawn(client.run())
        });
        Self { clients: clients.collect(), shared }
    }

    /// Updates begun a second from now on, by all clients together.
    pub(super) fn pace(&self, rate: f64) {
        let gap = self.clients.len() as f64 / rate.max(1.0);
        self.shared.gap_micros.store((gap * 1e6).max(1.0) as u64, Ordering::Relaxed);
    }

    /// Updates done so far.
    pub(super) fn done(&self) -> u64 {
        self.shared.done.load(Ordering::Relaxed)
    }

    /// Ends it.
    pub(super) async fn stop(self) -> Result<Seen, Failed> {
        self.shared.is_over.store(true, Ordering::Relaxed);
        let mut all = Seen::nothing();
        for seen in try_join_all(self.clients).await? {
            for (sum, part) in all.parts.iter_mut().zip(&seen.parts) {
                sum.absorb(part);
            }
            all.ledger.absorb(seen.ledger);
        }
        Ok(all)
    }
}

struct OneClient {
    number: u64,
    random: u64,
    appended: u64,
    shared: Arc<Shared>,
    seen: Seen,
}

impl OneClient {
    async fn run(mut self) -> Seen {
        let mut meant = Instant::now();
        while !self.shared.is_over.load(Ordering::Relaxed) {
            self.update(meant).await;
            self.shared.done.fetch_add(1, Ordering::Relaxed);
            match self.shared.gap_micros.load(Ordering::Relaxed) {
                0 => meant = Instant::now(),
                gap => {
                    meant += Duration::from_micros(gap);
                    tokio::time::sleep_until(meant.into()).await;
                }
            }
        }
        self.seen
    }

    /// Reads one of its objects, appends a number, writes it back.
    async fn update(&mut self, meant: Instant) {
        let phase = self.shared.now.phase();
        let options = RequestOptions::default();
        let key = format!("set/{}/{}", self.number, split_mix(&mut self.random) % OWN_KEYS);
        let name = ObjectName { bucket: BUCKET, key: key.as_bytes() };
        let mut read = match self.shared.doors.get(name, &options).await {
            Ok(fetched) => Merged::of(fetched),
            Err(error) => return self.get_failed(phase, &error),
        };
        let is_all_in = self.seen.ledger.is_all_in(&key, &read.numbers);
        let part = &mut self.seen.parts[phase as usize];
        part.gets.done(meant.elapsed());
        part.behind += u64::from(!is_all_in);

        let number = self.number << 40 | self.appended;
        self.appended += 1;
        read.numbers.insert(number);
        let object = NewObject { value: read.encoded(), ..NewObject::default() };
        let written = self.shared.doors.put(name, &object, read.context.as_ref(), &options).await;
        let part = &mut self.seen.parts[phase as usize];
        match written {
            Ok(_) => {
                part.updates.done(meant.elapsed());
                self.seen.ledger.acknowledged(&key, number);
            }
            Err(error) => {
                part.updates.failed(&error);
                part.cut_off.puts += u64::from(self.shared.is_cut_off(&error));
                if error.outcome() == Outcome::Indeterminate {
                    self.seen.ledger.in_doubt(&key, number);
                }
            }
        }
    }

    fn get_failed(&mut self, phase: Phase, error: &ClientError) {
        let part = &mut self.seen.parts[phase as usize];
        part.gets.failed(error);
        part.cut_off.gets += u64::from(self.shared.is_cut_off(error));
    }
}

impl Shared {
    /// Whether a request was in flight to the node that was killed.
    fn is_cut_off(&self, error: &ClientError) -> bool {
        matches!(error, ClientError::Broken { endpoint, .. } if *endpoint == self.struck)
    }
}

impl Part {
    /// Adds what was seen by another client, or in another part.
    pub(super) fn absorb(&mut self, other: &Self) {
        self.gets.absorb(&other.gets);
        self.updates.absorb(&other.updates);
        self.cut_off.gets += other.cut_off.gets;
        self.cut_off.puts += other.cut_off.puts;
        self.behind += other.behind;
    }

    /// Gets and puts that were refused, but for those in flight to the struck node.
    pub(super) fn refused(&self) -> u64 {
        // A get that gets no answer counts as refused, whatever the reason.
        self.gets.refused + self.gets.indeterminate + self.updates.refused - self.cut_off.gets
    }

    /// Puts that may have been made, but for those in flight to the struck node.
    pub(super) fn in_doubt(&self) -> u64 {
        self.updates.indeterminate - self.cut_off.puts
    }
}

impl Seen {
    fn nothing() -> Self {
        Self { parts: vec![Part::default(); PHASES.len()], ledger: Ledger::default() }
    }

    /// Some parts together.
    pub(super) fn during(&self, phases: &[Phase]) -> Part {
        let mut sum = Part::default();
        for phase in phases {
            sum.absorb(&self.parts[*phase as usize]);
        }
        sum
    }
}
