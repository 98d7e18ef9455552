//! Every object is read through every node, with one answer and with two.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::join_all;
use serde_json::{Value, json};
use stator_client::{Client, Fetched, ObjectName, RequestOptions};
use stator_core::quorum::{Level, QuorumOptions};

use crate::filling::{BUCKET, key};
use crate::tally::Tally;
use crate::values::Values;

/// Gets under way at a time.
const AT_ONCE: usize = 16;
/// Answers that a get waits for.
const LEVELS: [u8; 2] = [1, 2];

/// What reading came to.
#[derive(Clone, Default)]
pub(super) struct Read {
    answers: Tally,
    /// Values of which a byte is other than it was written.
    pub(super) wrong: u64,
    /// Objects that were said not to exist.
    pub(super) absent: u64,
}

/// Reads everything once through each node and at each level.
pub(super) async fn read_all(clients: Vec<Client>, objects: u64, values: Values) -> Read {
    let (clients, next) = (Arc::new(clients), Arc::new(AtomicU64::new(0)));
    let readers = (0..AT_ONCE).map(|_| {
        let (clients, next) = (Arc::clone(&clients), Arc::clone(&next));
        tokio::spawn(async move {
            let mut read = Read::default();
            let ways = (clients.len() * LEVELS.len()) as u64;
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                if place >= objects * ways {
                    return read;
                }
                let (number, way) = (place % objects, (place / objects) as usize);
                let client = &clients[way % clients.len()];
                read.one(client, number, LEVELS[way / clients.len()], values).await;
            }
        })
    });
    let mut all = Read::default();
    for read in join_all(readers).await.into_iter().flatten() {
        all.answers.absorb(&read.answers);
        all.wrong += read.wrong;
        all.absent += read.absent;
    }
    all
}

impl Read {
    async fn one(&mut self, client: &Client, number: u64, level: u8, values: Values) {
        let key = key(number);
        let name = ObjectName { bucket: BUCKET, key: key.as_bytes() };
        let quorum = QuorumOptions { r: Some(Level::Count(level)), ..QuorumOptions::default() };
        let begun = std::time::Instant::now();
        let got = client.get(name, &RequestOptions { quorum, timeout: None }).await;
        let given = match got {
            Ok(Fetched::Object(object)) => vec![object.value],
            Ok(Fetched::Siblings(all)) => all.siblings.into_iter().map(|each| each.value).collect(),
            Ok(Fetched::NotFound { .. }) => {
                self.absent += 1;
                return;
            }
            Err(error) => return self.answers.failed(&error),
        };
        self.answers.done(begun.elapsed());
        let right = |value: &bytes::Bytes| values.number(value) == Some(number);
        self.wrong += u64::from(!given.iter().all(right));
    }

    /// Gets that were not answered.
    pub(super) fn failed(&self) -> u64 {
        self.answers.refused + self.answers.indeterminate
    }

    /// For programs.
    pub(super) fn document(&self) -> Value {
        json!({ "answers": self.answers.document(), "wrong": self.wrong, "absent": self.absent })
    }
}

impl std::fmt::Display for Read {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} wrong, {} absent; {}", self.wrong, self.absent, self.answers)
    }
}
