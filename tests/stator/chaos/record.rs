//! The history of a round as its clients know it, written down while it happens.
//!
//! Which write a value is stands in the value ([`stator_sim::payload`]). What only a world inside
//! the nodes could know is left empty: when replicas minted, and under which stamps.

use std::time::{Duration, Instant};

use stator_client::{Context, Fetched, Sibling};
use stator_core::context::SealedContext;
use stator_core::identity::ActorId;
use stator_core::object::{Metadata, Value};
use stator_core::time::Stamp;
use stator_core::version::Dot;
use stator_sim::client::Held;
use stator_sim::history::{
    Asked, Author, Begun, CallId, Fate, History, KeyHistory, Reading, Seen, Version, WriteKind,
    WriteNeeds,
};
use stator_sim::payload::author;

use super::tombstones::{cover_tombstones, may_be_collected};

/// A history that grows.
#[derive(Debug)]
pub(super) struct Record {
    history: History,
    began: Instant,
    /// Answers that this interface never gives.
    pub(super) odd: Vec<String>,
}

impl Record {
    /// A history of these keys that begins now.
    pub(super) fn of(keys: Vec<KeyHistory>) -> Self {
        let history = History { keys, ..History::default() };
        Self { history, began: Instant::now(), odd: Vec::new() }
    }

    /// What was written down so far.
    pub(super) fn history(&self) -> &History {
        &self.history
    }

    /// How long ago the history began.
    pub(super) fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// The time, as the history tells it.
    fn now(&self) -> stator_core::time::Instant {
        stator_core::time::Instant::default().after(self.began.elapsed())
    }

    /// Who calls, whom, about what: now.
    pub(super) fn begun(&self, key: usize, client: usize, node: usize) -> Begun {
        Begun { key, client, node, at: self.now() }
    }

    /// Notes a get.
    pub(super) fn begin_get(
        &mut self,
        begun: Begun,
        quorum: stator_core::quorum::ReadQuorum,
    ) -> CallId {
        self.history.begin_get(begun, (quorum.r(), quorum.pr()), quorum.mode())
    }

    /// Notes a write by a client that has been shown `seen`.
    pub(super) fn begin_write(
        &mut self,
        begun: Begun,
        kind: WriteKind,
        quorum: stator_core::quorum::WriteQuorum,
        seen: &Seen,
    ) -> CallId {
        let needs =
            WriteNeeds { w: quorum.w(), dw: quorum.dw(), pw: quorum.pw(), mode: quorum.mode() };
        self.history.begin_write(begun, kind, needs, seen)
    }

    /// Notes how a call ended.
    pub(super) fn end(&mut self, call: CallId, fate: Fate) {
        let at = self.now();
        if let Some((key, place)) = self.history.write_of(call) {
            let earlier = self.history.keys[key].writes.len();
            let write = &mut self.history.keys[key].writes[place];
            if write.kind == WriteKind::DeleteWhatIsRead {
                // It read at some moment of its own: any write that had begun may have been there.
                (0..earlier).filter(|&other| other != place).for_each(|e| write.may.insert(e));
            }
        }
        self.history.end(call, at, fate);
    }

    /// Notes an acknowledged write, with the durable copies that the reply claims, and what its
    /// client holds with the reply's context.
    pub(super) fn acknowledged(&mut self, call: CallId, durable: u32) -> Seen {
        self.end(call, Fate::Done);
        let (key, place) = self.history.write_of(call).expect("it began as a write");
        let write = &mut self.history.keys[key].writes[place];
        write.durable_at_ack = Some(u8::try_from(durable).unwrap_or(u8::MAX));
        self.history.seen_by_writer(key, place)
    }

    /// A node that runs has not answered in time.
    pub(super) fn unanswered(&mut self, call: CallId) {
        self.history.unanswered.push(call);
    }

    /// Notes what a get returned; what its client holds now, if there was anything.
    pub(super) fn read(&mut self, call: CallId, fetched: Fetched, ended: End) -> Option<Held> {
        let &stator_sim::history::Call { key, began, asked, .. } = self.history.call(call);
        let Asked::Get { r, mode, .. } = asked else { return None };
        let (context, versions) = self.versions(key, fetched);
        let last = ended == End::Last;
        if last {
            self.history.last_reads.push(call);
        }
        let reading = Reading { call, began, r, mode, last, versions, vector_len: 0 };
        let mut seen = self.history.keys[key].seen_in(reading.writes());
        cover_tombstones(&self.history, key, &reading, &mut seen.may);
        self.history.keys[key].readings.push(reading);
        self.end(call, Fate::Done);
        Some(Held { context: SealedContext(context?.0.into()), seen })
    }

    /// Notes that a key could not be read from all its replicas at the end.
    pub(super) fn unreadable(&mut self, call: CallId) {
        self.history.last_reads.push(call);
    }

    /// Whether what is not there may be a delete whose tombstone was collected: nobody can tell from
    /// outside.
    fn may_be_collected(&self, key: usize) -> bool {
        self.history.keys[key].writes.iter().any(|write| may_be_collected(&self.history, write))
    }

    fn versions(&mut self, key: usize, fetched: Fetched) -> (Option<Context>, Vec<Version>) {
        match fetched {
            Fetched::NotFound { context } => {
                let deleted = context.is_some() || self.may_be_collected(key);
                let deleted = deleted.then(|| version(Author::Untraced));
                (context, deleted.into_iter().collect())
            }
            Fetched::Object(object) => {
                let value = value(object.value, object.head.content_type, object.head.meta);
                let author = self.trace(key, &value);
                (object.head.context, vec![version(author)])
            }
            Fetched::Siblings(siblings) => {
                let versions = siblings.siblings.into_iter();
                (siblings.context, versions.map(|sibling| self.sibling(key, sibling)).collect())
            }
        }
    }

    /// A sibling's entity tag is its dot, which stands for one write for ever.
    fn sibling(&mut self, key: usize, sibling: Sibling) -> Version {
        let dot = sibling.etag.as_deref().and_then(dot);
        let author = if sibling.deleted {
            Author::Untraced
        } else {
            self.trace(key, &value(sibling.value, sibling.content_type, sibling.meta))
        };
        let Some(dot) = dot else {
            return version(Author::Nobody(format!("the tag {:?} is no dot", sibling.etag)));
        };
        let write = match author {
            Author::Write(place) => Some(place),
            Author::Untraced | Author::Nobody(_) => None,
        };
        let first = *self.history.keys[key].dots.entry(dot).or_insert(write);
        let author = match author {
            Author::Nobody(wrong) => Author::Nobody(wrong),
            _ if first != write => Author::Nobody(format!("{dot:?} stands for two writes")),
            author => author,
        };
        Version { dot, ..version(author) }
    }

    fn trace(&self, key: usize, value: &Value) -> Author {
        let call = match author(value) {
            Ok(call) => call,
            Err(wrong) => return Author::Nobody(wrong),
        };
        match self.history.write_of(call) {
            Some((of, place)) if of == key => Author::Write(place),
            Some((of, _)) => {
                let of = &self.history.keys[of].name;
                Author::Nobody(format!("#{} was written to {of}", call.0))
            }
            None => Author::Nobody(format!("#{} is no write", call.0)),
        }
    }
}

/// Whether a get is one of those that are made when everything has healed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Made during the chaos.
    Before,
    /// Made of all replicas, at the end.
    Last,
}

fn version(author: Author) -> Version {
    let dot = Dot { actor: ActorId::new(0), counter: 0 };
    Version { dot, stamp: Stamp::default(), author }
}

fn value(
    bytes: bytes::Bytes,
    content_type: Option<String>,
    meta: impl IntoIterator<Item = (String, String)>,
) -> Value {
    let user = meta.into_iter().map(|(name, text)| (name.into(), text.into())).collect();
    let content_type = content_type.unwrap_or_default().into();
    Value { bytes, metadata: Metadata { content_type, user, expires_at: None } }
}

/// `"ACTOR-COUNTER"`, both in hex.
fn dot(tag: &str) -> Option<Dot> {
    let (actor, counter) = tag.strip_prefix('"')?.strip_suffix('"')?.split_once('-')?;
    let hex = |text| u64::from_str_radix(text, 16).ok();
    Some(Dot { actor: ActorId::new(hex(actor)?), counter: hex(counter)? })
}
