//! One turn: clients that ask for a while, each one thing after the other, with latencies counted
//! from when each request was meant to be sent (open loop).

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use stator_client::{Context, NewObject, ObjectName};

use super::way::Way;
use crate::filling::{BUCKET, key};
use crate::load::Part;
use crate::values::{Values, split_mix};

/// Keys that each client writes.
const OWN_KEYS: u64 = 64;

/// One client: it reads any of the stored objects, and writes keys of its own.
pub(super) struct Asker {
    number: u64,
    random: u64,
    objects: u64,
    values: Values,
    contexts: Vec<Option<Context>>,
}

/// How a turn is spent.
pub(super) struct Turn<'a> {
    pub(super) way: &'a Way,
    /// Between two requests of one client; none if the next follows at once.
    pub(super) gap: Option<Duration>,
    pub(super) during: Duration,
}

impl Part {
    /// Requests a second that were answered.
    pub(super) fn rate(&self, during: Duration) -> f64 {
        self.both().acknowledged.len() as f64 / during.as_secs_f64()
    }
}

impl Turn<'_> {
    /// All clients at once.
    pub(super) async fn run(&self, askers: &mut [Asker]) -> Part {
        let begun = Instant::now();
        let clients = askers.len() as f64;
        let asked = askers.iter_mut().enumerate().map(|(place, asker)| {
            let first = begun + self.gap.unwrap_or_default().mul_f64(place as f64 / clients);
            asker.run(self, first)
        });
        let mut all = Part::default();
        for part in join_all(asked).await {
            all.absorb(&part);
        }
        all
    }
}

impl Asker {
    pub(super) fn new(number: u64, objects: u64, values: Values) -> Self {
        let contexts = vec![None; OWN_KEYS as usize];
        Self { number, random: rand::random(), objects, values, contexts }
    }

    async fn run(&mut self, turn: &Turn<'_>, first: Instant) -> Part {
        let (mut part, mut next, until) = (Part::default(), first, first + turn.during);
        while next < until {
            match turn.gap {
                None => next = Instant::now(),
                Some(_) => tokio::time::sleep_until(next.into()).await,
            }
            self.ask(turn.way, next, &mut part).await;
            next += turn.gap.unwrap_or_default();
        }
        part
    }

    async fn ask(&mut self, way: &Way, meant: Instant, part: &mut Part) {
        let draw = split_mix(&mut self.random);
        if draw.is_multiple_of(2) {
            let place = (draw >> 32) % OWN_KEYS;
            let key = format!("driven/{}/{place}", self.number);
            let name = ObjectName { bucket: BUCKET, key: key.as_bytes() };
            let object = NewObject { value: self.values.of(draw), ..NewObject::default() };
            match way.put(name, object, self.contexts[place as usize].as_ref()).await {
                Ok(written) => {
                    part.puts.done(meant.elapsed());
                    self.contexts[place as usize] = written.context;
                }
                Err(error) => part.puts.failed(&error),
            }
            return;
        }
        let key = key((draw >> 32) % self.objects);
        match way.get(ObjectName { bucket: BUCKET, key: key.as_bytes() }).await {
            Ok(_) => part.gets.done(meant.elapsed()),
            Err(error) => part.gets.failed(&error),
        }
    }
}
