//! The busiest keys of a node: which are read and written most, move most bytes, and have most
//! siblings.
//!
//! Every request that a front door hands to the node is counted, at this node alone: what all nodes
//! say, added up, is what the cluster was asked. Counters are filtered space-saving ones
//! ([`sketch`]), so that memory is bounded however many keys there are. A key is known by its token;
//! its name is cut where it is long. Counts begin anew every [`SPAN`], and what is told covers the
//! present span and the one before it, so that a key which was busy last week does not hide one that
//! is busy now.

mod sketch;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use stator_core::object::{Content, ObjectKey};
use stator_core::request::{Done, Operation};
use stator_core::time::Instant;
use stator_core::token::Token;

use self::sketch::{Counted, Largest, Sketch};

/// How long counts are gathered before they begin anew.
const SPAN: Duration = Duration::from_mins(10);

/// How many bytes of a bucket's name and of a key are kept, each.
const NAME_BYTES: usize = 256;

/// The busiest keys, each list from the busiest on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopKeys {
    /// For how long the counts were gathered.
    pub span: Duration,
    /// By reads.
    pub reads: Vec<TopKey>,
    /// By writes, deletes among them.
    pub writes: Vec<TopKey>,
    /// By bytes of values, read and written.
    pub bytes: Vec<TopKey>,
    /// By siblings, as the last read found them.
    pub siblings: Vec<TopKey>,
}

/// One of the busiest keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopKey {
    /// The object's token.
    pub token: Token,
    /// The bucket, or its beginning.
    pub bucket: Bytes,
    /// The key, or its beginning.
    pub key: Bytes,
    /// Whether bucket or key are only beginnings.
    pub is_cut: bool,
    /// How much was counted: never too little.
    pub count: u64,
    /// How much of that may belong to other keys.
    pub error: u64,
}

/// The name of a counted key.
#[derive(Debug)]
struct Name {
    bucket: Bytes,
    key: Bytes,
    is_cut: bool,
}

impl Name {
    /// Copied: a key's bytes may be a part of a large buffer.
    fn of(key: &ObjectKey) -> Self {
        let cut = |bytes: &[u8]| Bytes::copy_from_slice(&bytes[..bytes.len().min(NAME_BYTES)]);
        let (bucket, key) = (key.bucket().as_bytes(), key.key().as_bytes());
        let is_cut = bucket.len().max(key.len()) > NAME_BYTES;
        Self { bucket: cut(bucket), key: cut(key), is_cut }
    }
}

/// A key that is being counted; its name is made once, and only if some list keeps it.
struct Seen<'a> {
    key: &'a ObjectKey,
    name: Option<Arc<Name>>,
}

impl Seen<'_> {
    fn token(&self) -> Token {
        self.key.token()
    }

    fn name(&mut self) -> Arc<Name> {
        let name = self.name.get_or_insert_with(|| Arc::new(Name::of(self.key)));
        Arc::clone(name)
    }
}

/// What is counted of a request, from before it is handed on.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    key: ObjectKey,
    /// Bytes that it writes; none for a read.
    writes: Option<u64>,
}

impl Request {
    /// Of a request for one object.
    pub(crate) fn of(operation: &Operation) -> Option<Self> {
        let (key, writes) = match operation {
            Operation::Get { key, .. } => (key, None),
            Operation::Delete { key, .. } => (key, Some(0)),
            Operation::Put(order) => (&order.key, Some(size(&order.value))),
            Operation::List(_) => return None,
        };
        Some(Self { key: key.clone(), writes })
    }

    /// Which object it is for.
    pub(crate) const fn key(&self) -> &ObjectKey {
        &self.key
    }
}

fn size(content: &Content) -> u64 {
    match content {
        Content::Value(value) => value.bytes.len() as u64,
        Content::Tombstone => 0,
    }
}

/// What was counted in one span.
#[derive(Debug, Default)]
struct Counts {
    reads: Sketch,
    writes: Sketch,
    bytes: Sketch,
    siblings: Largest,
}

/// What was counted of one shard's keys.
#[derive(Debug, Default)]
struct Spans {
    began: Instant,
    now: Counts,
    before: Counts,
    /// Whether there was a span before this one.
    has_before: bool,
}

impl Spans {
    /// Begins a new span if it is time.
    fn turn(&mut self, now: Instant) {
        let elapsed = now.since(self.began);
        if elapsed < SPAN {
            return;
        }
        self.before = std::mem::take(&mut self.now);
        self.has_before = true;
        self.began = now;
        if elapsed >= 2 * SPAN {
            // Nothing was asked for a whole span: that one was empty.
            self.before = Counts::default();
        }
    }

    fn count(&mut self, request: &Request, done: Option<&Done>) {
        let mut seen = Seen { key: &request.key, name: None };
        let counts = &mut self.now;
        if let Some(written) = request.writes {
            counts.writes.add(&mut seen, 1);
            if done.is_some() {
                counts.bytes.add(&mut seen, written);
            }
            return;
        }
        counts.reads.add(&mut seen, 1);
        let Some(Done::Got(found)) = done else { return };
        let siblings = found.state.siblings();
        let read = siblings.iter().map(|sibling| size(&sibling.content)).sum();
        counts.bytes.add(&mut seen, read);
        counts.siblings.see(&mut seen, siblings.len() as u64);
    }
}

/// The counters of a node, one set for each shard, so that shards don't wait for each other.
#[derive(Debug)]
pub(crate) struct Top {
    shards: Vec<Mutex<Spans>>,
}

impl Top {
    pub(crate) fn new(shards: u8) -> Self {
        Self { shards: (0..shards).map(|_| Mutex::default()).collect() }
    }

    /// Counts a request of a shard, and what was done for it, if anything was.
    pub(crate) fn count(&self, shard: u8, request: &Request, done: Option<&Done>, now: Instant) {
        let Some(spans) = self.shards.get(usize::from(shard)) else { return };
        let mut spans = spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans.turn(now);
        spans.count(request, done);
    }

    /// The busiest keys of all shards, at most so many in each list. A key belongs to one shard, so
    /// that lists are put together and nothing is counted twice.
    pub(crate) fn keys(&self, most: usize, now: Instant) -> TopKeys {
        let mut found = TopKeys::default();
        for spans in &self.shards {
            let mut spans = spans.lock().unwrap_or_else(PoisonError::into_inner);
            spans.turn(now);
            let before = if spans.has_before { SPAN } else { Duration::ZERO };
            found.span = found.span.max(now.since(spans.began) + before);
            let Spans { now, before, .. } = &*spans;
            found.reads.extend(told(now.reads.and(&before.reads)));
            found.writes.extend(told(now.writes.and(&before.writes)));
            found.bytes.extend(told(now.bytes.and(&before.bytes)));
            found.siblings.extend(told(now.siblings.and(&before.siblings)));
        }
        for list in [&mut found.reads, &mut found.writes, &mut found.bytes, &mut found.siblings] {
            list.sort_by_key(|key| (std::cmp::Reverse(key.count), key.token));
            list.truncate(most);
        }
        found
    }
}

fn told(counted: Vec<Counted>) -> impl Iterator<Item = TopKey> {
    counted.into_iter().map(|Counted { token, name, count, error }| TopKey {
        token,
        bucket: name.bucket.clone(),
        key: name.key.clone(),
        is_cut: name.is_cut,
        count,
        error,
    })
}

#[cfg(test)]
mod tests;
