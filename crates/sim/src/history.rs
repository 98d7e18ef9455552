//! Everything clients asked and were told, and which writes the replicas minted: what the checkers
//! judge. It knows nothing of the world, so that tests can make histories by hand.
//!
//! # What superseded what
//!
//! The truth is kept apart from the core's version vectors. For each write there are two sets of
//! earlier writes of its key:
//!
//! - `must`: what its client had truly been shown by the get whose context it sent, with all that
//!   those writes had seen in turn. The write supersedes every one of them.
//!   A context that came with a put's reply stands for that put as well, but where the put left
//!   siblings beside it only by a single dot, which a replica that never had the put can't cover:
//!   then the put is in `may` alone.
//! - `may`: what it is allowed to supersede. The same and, for a delete without a context, which
//!   deletes what its coordinator reads, anything minted before it.

mod bits;
mod reading;

use std::collections::BTreeMap;
use std::time::Duration;

pub use bits::Bits;
pub use reading::{Author, Reading, Version, read_versions};
use stator_core::identity::NodeId;
use stator_core::object::{ConflictRule, ObjectKey};
use stator_core::quorum::QuorumMode;
use stator_core::time::{Instant, Stamp};
use stator_core::version::Dot;

/// A call of a client, counted from 0 over the whole run; a write's name in its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// How a call ended, as the client knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// No answer yet.
    Open,
    /// Carried out: a put acknowledged, a get answered.
    Done,
    /// Refused: nothing was written.
    Refused(String),
    /// Unknown.
    Indeterminate(String),
}

impl Fate {
    /// Its name in summaries.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => "done",
            Self::Refused(_) => "refused",
            Self::Indeterminate(_) => "indeterminate",
        }
    }
}

/// What a call asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A get that needs `r` answers.
    Get {
        /// Answers needed.
        r: u8,
        /// Of those, from primaries.
        pr: u8,
        /// Sloppy or strict.
        mode: QuorumMode,
    },
    /// A write: its place among the key's writes.
    Write(usize),
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Which of the history's keys.
    pub key: usize,
    /// Who called.
    pub client: usize,
    /// The node that was called, by its place.
    pub node: usize,
    /// When.
    pub began: Instant,
    /// When the client knew the fate.
    pub ended: Option<Instant>,
    /// What was asked.
    pub asked: Asked,
    /// How many replicas there are by the smallest ring that was in use while it was looked at.
    pub existing: u8,
    /// How it ended.
    pub fate: Fate,
}

/// How a write came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteKind {
    /// A put of so many bytes.
    Value(usize),
    /// A delete with a context.
    Tombstone,
    /// A delete of whatever the coordinator reads first.
    DeleteWhatIsRead,
}

/// The quorum that a write needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteNeeds {
    /// Acknowledgements.
    pub w: u8,
    /// Of those, durable.
    pub dw: u8,
    /// Of those, from primaries.
    pub pw: u8,
    /// Sloppy or strict.
    pub mode: QuorumMode,
}

/// A write that was minted by a replica.
#[derive(Clone, Debug)]
pub struct Mint {
    /// Its name for ever.
    pub dot: Dot,
    /// Who minted it.
    pub node: NodeId,
    /// When.
    pub at: Instant,
    /// Its stamp, where the world could see it.
    pub stamp: Option<Stamp>,
}

/// One write.
#[derive(Clone, Debug)]
pub struct Write {
    /// Its call.
    pub call: CallId,
    /// How it came to be.
    pub kind: WriteKind,
    /// What it needed.
    pub needs: WriteNeeds,
    /// What it supersedes for certain.
    pub must: Bits,
    /// What it is allowed to supersede.
    pub may: Bits,
    /// When it was minted: at most once, or a rule is broken.
    pub mints: Vec<Mint>,
    /// Siblings in the state in which it was minted, itself among them.
    pub beside: Bits,
    /// How many disks held it, or what superseded it, when the coordinator acknowledged it.
    pub durable_at_ack: Option<u8>,
    /// How many nodes had answered when the coordinator acknowledged it, as it said.
    pub answers_at_ack: Option<u8>,
    /// How many of those were primaries.
    pub primaries_at_ack: Option<u8>,
    /// How many replicas there were by the smallest ring that was in use until then.
    pub existing_at_ack: u8,
    /// Whether a fault has destroyed its only durable copy: nothing is promised then.
    pub destroyed: bool,
    /// When a replica first dropped its tombstone, if it was a delete: from then on it may be there
    /// or not, but what it superseded must not.
    pub collected: Option<Instant>,
}

/// A key and all that happened to it.
#[derive(Clone, Debug)]
pub struct KeyHistory {
    /// Its name.
    pub name: ObjectKey,
    /// How its conflicts are settled.
    pub rule: ConflictRule,
    /// Replicas that exist of it.
    pub replicas: u8,
    /// Its writes, in the order of their calls.
    pub writes: Vec<Write>,
    /// What gets returned, in the order in which they ended.
    pub readings: Vec<Reading>,
    /// Which write each minted dot is.
    pub dots: BTreeMap<Dot, Option<usize>>,
}

/// What a client has been shown of a key.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// What its next write supersedes for certain.
    pub must: Bits,
    /// What its next write may supersede.
    pub may: Bits,
}

/// All calls and what became of them.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The keys.
    pub keys: Vec<KeyHistory>,
    /// The calls.
    pub calls: Vec<Call>,
    /// Mints that no call could be found for.
    pub unattributed_mints: u64,
    /// Frames between nodes that were still under way after the end, when all should be quiet.
    pub restless_frames: u64,
    /// Calls to healthy nodes that had no answer although their deadline had long passed.
    pub unanswered: Vec<CallId>,
    /// The gets made at the end, of all replicas, when everything had healed.
    pub last_reads: Vec<CallId>,
    /// Calls that were answered twice.
    pub answered_twice: Vec<CallId>,
    /// Puts that were refused for want of replicas although enough could be reached for long.
    pub unavailable: Vec<CallId>,
    /// Collection rounds carried out by a replica, tombstones dropped and vectors pruned.
    pub collections: Collections,
    /// What nodes were seen to do that they must not.
    pub amiss: Vec<String>,
    /// What stood in the way of convergence at the end.
    pub unconverged: Vec<String>,
    /// How long after everything had healed all replicas agreed; none if they never did.
    pub converged_after: Option<Duration>,
}

/// What collection came to, over all replicas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collections {
    /// Rounds.
    pub rounds: u64,
    /// Tombstones dropped.
    pub dropped: u64,
    /// Vectors pruned.
    pub pruned: u64,
}

/// Who calls, whom, about which key and when.
#[derive(Clone, Copy, Debug)]
pub struct Begun {
    /// The key's place.
    pub key: usize,
    /// The client.
    pub client: usize,
    /// The node called.
    pub node: usize,
    /// When.
    pub at: Instant,
}

impl KeyHistory {
    /// A key that nothing has happened to.
    pub fn new(name: ObjectKey, rule: ConflictRule, replicas: u8) -> Self {
        Self {
            name,
            rule,
            replicas,
            writes: Vec::new(),
            readings: Vec::new(),
            dots: BTreeMap::new(),
        }
    }

    /// What the given writes of this key have superseded, by either measure, with themselves.
    pub fn seen_in(&self, writes: impl IntoIterator<Item = usize>) -> Seen {
        let mut seen = Seen::default();
        for place in writes {
            let write = &self.writes[place];
            seen.must.join(&write.must);
            seen.may.join(&write.may);
            seen.must.insert(place);
            seen.may.insert(place);
        }
        seen
    }

    /// Deletes whose tombstones were dropped by then; by now if none is said.
    pub fn collected(&self, by: Option<Instant>) -> impl Iterator<Item = usize> + '_ {
        let until = by.unwrap_or(Instant::from_micros(u64::MAX));
        let writes = self.writes.iter().enumerate();
        let dropped =
            writes.filter(move |(_, write)| write.collected.is_some_and(|at| at <= until));
        dropped.map(|(place, _)| place)
    }

    /// What was read after everything had healed, if it was.
    pub fn last_reading(&self) -> Option<&Reading> {
        self.readings.iter().rev().find(|reading| reading.last)
    }
}

impl History {
    /// Notes a get that needs `r` answers, `pr` of them from primaries.
    pub fn begin_get(&mut self, begun: Begun, (r, pr): (u8, u8), mode: QuorumMode) -> CallId {
        self.begin(begun, Asked::Get { r, pr, mode })
    }

    /// Notes a write by a client that has been shown `seen`.
    pub fn begin_write(
        &mut self,
        begun: Begun,
        kind: WriteKind,
        needs: WriteNeeds,
        seen: &Seen,
    ) -> CallId {
        let place = self.keys[begun.key].writes.len();
        let call = self.begin(begun, Asked::Write(place));
        self.keys[begun.key].writes.push(Write {
            call,
            kind,
            needs,
            must: seen.must.clone(),
            may: seen.may.clone(),
            mints: Vec::new(),
            beside: Bits::default(),
            durable_at_ack: None,
            answers_at_ack: None,
            primaries_at_ack: None,
            existing_at_ack: u8::MAX,
            destroyed: false,
            collected: None,
        });
        call
    }

    /// So many replicas exist of a call's object by some ring that is in use: more can't be asked for.
    pub fn exist(&mut self, call: CallId, existing: u8) {
        let call = &mut self.calls[call.0 as usize];
        call.existing = call.existing.min(existing);
    }

    fn begin(&mut self, begun: Begun, asked: Asked) -> CallId {
        let Begun { key, client, node, at } = begun;
        self.calls.push(Call {
            key,
            client,
            node,
            began: at,
            ended: None,
            asked,
            existing: u8::MAX,
            fate: Fate::Open,
        });
        CallId(self.calls.len() as u64 - 1)
    }

    /// A call.
    pub fn call(&self, call: CallId) -> &Call {
        &self.calls[call.0 as usize]
    }

    /// The key and the place of a call's write; none if it is not one.
    pub fn write_of(&self, call: CallId) -> Option<(usize, usize)> {
        let call = self.calls.get(usize::try_from(call.0).ok()?)?;
        match call.asked {
            Asked::Write(place) => Some((call.key, place)),
            Asked::Get { .. } => None,
        }
    }

    /// The call of a key's write.
    pub fn call_of(&self, key: usize, place: usize) -> &Call {
        self.call(self.keys[key].writes[place].call)
    }

    /// A fault has destroyed the only durable copy of a write: it may appear or not.
    pub fn destroyed(&mut self, key: usize, place: usize) {
        let write = &mut self.keys[key].writes[place];
        write.destroyed = true;
        let call = &mut self.calls[write.call.0 as usize];
        if call.fate == Fate::Done {
            call.fate = Fate::Indeterminate("a fault destroyed its only durable copy".to_owned());
        }
    }

    /// A replica has dropped the tombstones with these dots.
    pub fn collected(&mut self, key: usize, at: Instant, dots: &[Dot]) {
        let history = &mut self.keys[key];
        for place in dots.iter().filter_map(|dot| history.dots.get(dot).copied().flatten()) {
            let write = &mut history.writes[place];
            if !matches!(write.kind, WriteKind::Value(_)) {
                write.collected.get_or_insert(at);
            }
        }
    }

    /// Notes how a call ended; the first answer counts.
    pub fn end(&mut self, call: CallId, at: Instant, fate: Fate) {
        let destroyed =
            self.write_of(call).is_some_and(|(key, place)| self.keys[key].writes[place].destroyed);
        let call = &mut self.calls[call.0 as usize];
        if call.fate == Fate::Open {
            call.ended = Some(at);
            call.fate = match fate {
                Fate::Done if destroyed => {
                    Fate::Indeterminate("a fault destroyed its only durable copy".to_owned())
                }
                fate => fate,
            };
        }
    }

    /// Notes that a replica minted a write, in a state that holds `siblings`.
    pub fn minted(&mut self, key: usize, call: Option<CallId>, mint: Mint, siblings: &[Dot]) {
        let place = call.and_then(|call| self.write_of(call)).map(|(_, place)| place);
        let history = &mut self.keys[key];
        history.dots.insert(mint.dot, place);
        let Some(place) = place else {
            self.unattributed_mints += 1;
            return;
        };
        let beside: Bits =
            siblings.iter().filter_map(|dot| history.dots.get(dot).copied().flatten()).collect();
        let earlier: Vec<usize> = match history.writes[place].kind {
            WriteKind::DeleteWhatIsRead => history.dots.values().copied().flatten().collect(),
            WriteKind::Value(_) | WriteKind::Tombstone => Vec::new(),
        };
        let write = &mut history.writes[place];
        write.mints.push(mint);
        write.beside = beside;
        earlier.into_iter().filter(|&other| other != place).for_each(|e| write.may.insert(e));
    }

    /// What the client of an acknowledged write holds with the context of its reply.
    pub fn seen_by_writer(&self, key: usize, place: usize) -> Seen {
        let write = &self.keys[key].writes[place];
        let mut seen = Seen { must: write.must.clone(), may: write.may.clone() };
        seen.may.insert(place);
        if write.beside.contains(place) && write.beside.iter().count() == 1 {
            seen.must.insert(place);
        }
        seen
    }
}
