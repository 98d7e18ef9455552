//! A steady load of gets and puts, with latencies counted from when each request was meant to be
//! sent, so that what waits behind a slow one counts as slow (open loop).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use stator_client::{Context, NewObject, ObjectName, RequestOptions};
use tokio::task::JoinHandle;

use crate::doors::Doors;
use crate::filling::{BUCKET, key};
use crate::tally::Tally;
use crate::values::{Values, split_mix};

/// Keys that each client writes.
const OWN_KEYS: u64 = 64;
/// Of a hundred requests, puts.
const PUTS_IN_HUNDRED: u64 = 50;

/// Keys that so many clients write, beside the stored objects.
pub(crate) fn live_keys(clients: u64) -> impl Iterator<Item = String> {
    (0..clients).flat_map(|client| (0..OWN_KEYS).map(move |place| live_key(client, place)))
}

fn live_key(client: u64, place: u64) -> String {
    format!("live/{client}/{place}")
}

/// Who asks for what.
#[derive(Clone)]
pub(crate) struct Mix {
    pub(crate) doors: Arc<Doors>,
    pub(crate) clients: u64,
    /// Stored objects, of which any is read.
    pub(crate) objects: u64,
    pub(crate) values: Values,
}

/// A load that goes on until it is stopped.
pub(crate) struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
}

struct Shared {
    over: AtomicBool,
    done: AtomicU64,
    part: Mutex<Part>,
}

/// What was seen since the last part was taken.
#[derive(Clone, Default)]
pub(crate) struct Part {
    pub(crate) gets: Tally,
    pub(crate) puts: Tally,
}

/// Between two requests of one client; none if the next follows at once.
type Gap = Option<Duration>;

impl Mix {
    /// Requests a second that the clients do when each sends its next at once.
    pub(crate) async fn most(&self, during: Duration) -> f64 {
        let load = self.start(None);
        // The first second warms up.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let (before, begun) = (load.shared.done.load(Ordering::Relaxed), Instant::now());
        tokio::time::sleep(during).await;
        let done = load.shared.done.load(Ordering::Relaxed) - before;
        let rate = done as f64 / begun.elapsed().as_secs_f64();
        load.stop().await;
        rate
    }

    /// Begins with so many requests a second.
    pub(crate) fn steadily(&self, rate: f64) -> Load {
        self.start(Some(Duration::from_secs_f64(self.clients as f64 / rate.max(1.0))))
    }

    fn start(&self, gap: Gap) -> Load {
        let (over, done) = (AtomicBool::new(false), AtomicU64::new(0));
        let shared = Arc::new(Shared { over, done, part: Mutex::new(Part::default()) });
        let clients = (0..self.clients).map(|number| {
            let client = OneClient {
                mix: self.clone(),
                number,
                random: rand::random(),
                contexts: vec![None; OWN_KEYS as usize],
                shared: Arc::clone(&shared),
            };
            tokio::spawn(client.run(gap))
        });
        Load { clients: clients.collect(), shared }
    }
}

impl Load {
    /// What was seen since this was asked last.
    pub(crate) fn part(&self) -> Part {
        std::mem::take(&mut *self.shared.part.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends it.
    pub(crate) async fn stop(self) {
        self.shared.over.store(true, Ordering::Relaxed);
        join_all(self.clients).await;
    }
}

struct OneClient {
    mix: Mix,
    number: u64,
    random: u64,
    contexts: Vec<Option<Context>>,
    shared: Arc<Shared>,
}

impl OneClient {
    async fn run(mut self, gap: Gap) {
        // Clients don't all send at the same moments.
        let place = self.number as f64 / self.mix.clients as f64;
        let mut next = Instant::now() + gap.unwrap_or_default().mul_f64(place);
        while !self.shared.over.load(Ordering::Relaxed) {
            match gap {
                None => next = Instant::now(),
                Some(_) => tokio::time::sleep_until(next.into()).await,
            }
            self.ask(next).await;
            self.shared.done.fetch_add(1, Ordering::Relaxed);
            next += gap.unwrap_or_default();
        }
    }

    async fn ask(&mut self, meant: Instant) {
        let options = RequestOptions::default();
        let draw = split_mix(&mut self.random);
        if draw % 100 < PUTS_IN_HUNDRED {
            let place = (draw >> 32) % OWN_KEYS;
            let key = live_key(self.number, place);
            let name = ObjectName { bucket: BUCKET, key: key.as_bytes() };
            let object = NewObject { value: self.mix.values.of(draw), ..NewObject::default() };
            let context = self.contexts[place as usize].as_ref();
            let written = self.mix.doors.put(name, &object, context, &options).await;
            let mut part = self.shared.part.lock().unwrap_or_else(PoisonError::into_inner);
            match written {
                Ok(written) => {
                    part.puts.done(meant.elapsed());
                    self.contexts[place as usize] = written.context;
                }
                Err(error) => part.puts.failed(&error),
            }
        } else {
            let key = key((draw >> 32) % self.mix.objects);
            let name = ObjectName { bucket: BUCKET, key: key.as_bytes() };
            let got = self.mix.doors.get(name, &options).await;
            let mut part = self.shared.part.lock().unwrap_or_else(PoisonError::into_inner);
            match got {
                Ok(_) => part.gets.done(meant.elapsed()),
                Err(error) => part.gets.failed(&error),
            }
        }
    }
}

impl Part {
    /// Gets and puts alike.
    pub(crate) fn both(&self) -> Tally {
        let mut both = self.gets.clone();
        both.absorb(&self.puts);
        both
    }

    /// Adds another part.
    pub(crate) fn absorb(&mut self, other: &Self) {
        self.gets.absorb(&other.gets);
        self.puts.absorb(&other.puts);
    }
}
