//! One connection's loop: choose an operation and a key, send, wait, record.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use stator_client::object_path;

use crate::bench::LoadPlan;
use crate::bench::connection::Connection;
use crate::bench::tally::{Tally, record};

const CONTEXT: HeaderName = HeaderName::from_static("stator-context");

/// When an operation counts: its answer came between these.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) from: Instant,
    pub(super) to: Instant,
}

/// A connection with the keys that it alone writes: those of its number modulo the connections.
pub(super) struct Worker {
    plan: Arc<LoadPlan>,
    prefix: Arc<str>,
    number: u32,
    connection: Connection,
    /// The context of the last put, by the key's place among this worker's own.
    contexts: Vec<Option<HeaderValue>>,
    value: Bytes,
    random: SplitMix,
}

impl Worker {
    /// The worker with this number.
    pub(super) fn new(plan: Arc<LoadPlan>, prefix: Arc<str>, number: usize) -> Self {
        let endpoint = plan.endpoints[number % plan.endpoints.len()].clone();
        let mut random = SplitMix(0x5eed_0000 + number as u64);
        let value: Vec<u8> = (0..plan.value_size).map(|_| random.next() as u8).collect();
        let number = number as u32;
        let all = plan.keys.get();
        let own = (all / plan.workers()) + u32::from(number < all % plan.workers());
        Self {
            connection: Connection::new(endpoint),
            contexts: vec![None; own as usize],
            value: value.into(),
            random,
            plan,
            prefix,
            number,
        }
    }

    /// Stores each of its keys that is not there, and learns the contexts of those that are.
    /// Gives back how many could not be.
    pub(super) async fn fill(&mut self) -> usize {
        let mut missing = 0;
        for place in 0..self.contexts.len() {
            let path = self.path(self.own(place));
            let found = self.connection.send(Method::HEAD, &path, None, Bytes::new()).await;
            let context = found.ok().and_then(|answer| {
                let there =
                    matches!(answer.status(), StatusCode::OK | StatusCode::MULTIPLE_CHOICES);
                there.then(|| answer.headers().get(CONTEXT).cloned()).flatten()
            });
            self.contexts[place] = context;
            if self.contexts[place].is_none() && self.put(place).await.is_err() {
                missing += 1;
            }
        }
        missing
    }

    /// Sends one operation after the other until the window closes.
    pub(super) async fn run(mut self, window: Window) -> Tally {
        let mut tally = Tally::default();
        while Instant::now() < window.to {
            let puts = self.random.below(100) < u32::from(self.plan.mix.puts_in_hundred());
            let begun = Instant::now();
            let result = if puts && !self.contexts.is_empty() {
                let place = self.random.below(self.contexts.len() as u32) as usize;
                self.put(place).await
            } else {
                let key = self.random.below(self.plan.keys.get());
                self.get(key).await
            };
            let ended = Instant::now();
            if ended < window.from || ended > window.to {
                continue;
            }
            match result {
                Ok(()) if puts => record(&mut tally.puts, ended - begun),
                Ok(()) => record(&mut tally.gets, ended - begun),
                Err(kind) => tally.error(kind),
            }
        }
        tally
    }

    async fn put(&mut self, place: usize) -> Result<(), String> {
        let path = self.path(self.own(place));
        let (context, value) = (self.contexts[place].as_ref(), self.value.clone());
        let answer = self.connection.send(Method::PUT, &path, context, value).await;
        let answer = answer.map_err(|error| error.0.to_owned())?;
        if !answer.status().is_success() {
            return Err(format!("put {}", answer.status()));
        }
        self.contexts[place] = answer.headers().get(CONTEXT).cloned();
        Ok(())
    }

    async fn get(&mut self, key: u32) -> Result<(), String> {
        let path = self.path(key);
        let answer = self.connection.send(Method::GET, &path, None, Bytes::new()).await;
        let status = answer.map_err(|error| error.0.to_owned())?.status();
        let found = matches!(status, StatusCode::OK | StatusCode::MULTIPLE_CHOICES);
        if found { Ok(()) } else { Err(format!("get {status}")) }
    }

    /// The key at a place among this worker's own.
    fn own(&self, place: usize) -> u32 {
        self.number + place as u32 * self.plan.workers()
    }

    fn path(&self, key: u32) -> String {
        object_path(self.plan.bucket.as_bytes(), format!("{}{key:08}", self.prefix).as_bytes())
    }
}

/// `SplitMix64`: keys are drawn in a few instructions, and each run draws the same.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    fn below(&mut self, bound: u32) -> u32 {
        (((self.next() >> 32) * u64::from(bound)) >> 32) as u32
    }
}

#[cfg(test)]
mod tests;
