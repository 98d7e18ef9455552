//! What a get returned, with each version traced to the write that made it.

use stator_core::object::{Content, ObjectState};
use stator_core::quorum::QuorumMode;
use stator_core::time::{Instant, Stamp};
use stator_core::version::Dot;

use super::{CallId, History, WriteKind};
use crate::payload::author;

/// Whose version it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Author {
    /// This write of the key, by its place.
    Write(usize),
    /// A tombstone that the world saw minted and could not trace to its call.
    Untraced,
    /// Nobody's, or more than one's: what is wrong with it.
    Nobody(String),
}

/// One version of an object, as it was read.
#[derive(Clone, Debug)]
pub struct Version {
    /// Its dot.
    pub dot: Dot,
    /// Its stamp.
    pub stamp: Stamp,
    /// Whose it is.
    pub author: Author,
}

/// What one get returned.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Its call.
    pub call: CallId,
    /// When it was called.
    pub began: Instant,
    /// Answers it waited for.
    pub r: u8,
    /// Sloppy or strict.
    pub mode: QuorumMode,
    /// Whether it was made at the end, of all replicas, when everything had healed.
    pub last: bool,
    /// The versions.
    pub versions: Vec<Version>,
    /// Actors in the state's vector.
    pub vector_len: usize,
}

impl Reading {
    /// The writes that it shows, by place.
    pub fn writes(&self) -> impl Iterator<Item = usize> + '_ {
        self.versions.iter().filter_map(|version| match version.author {
            Author::Write(place) => Some(place),
            Author::Untraced | Author::Nobody(_) => None,
        })
    }
}

/// Traces the versions of a state of `key` to their writes.
pub fn read_versions(history: &History, key: usize, state: &ObjectState) -> Vec<Version> {
    let versions = state.siblings().iter().map(|sibling| Version {
        dot: sibling.dot,
        stamp: sibling.stamp,
        author: trace(history, key, sibling.dot, &sibling.content),
    });
    versions.collect()
}

fn trace(history: &History, key: usize, dot: Dot, content: &Content) -> Author {
    let Some(minted) = history.keys[key].dots.get(&dot) else {
        return Author::Nobody(format!("{dot:?} was never minted for this key"));
    };
    let value = match (content, minted) {
        (Content::Tombstone, None) => return Author::Untraced,
        (Content::Tombstone, Some(place)) => {
            return match history.keys[key].writes[*place].kind {
                WriteKind::Value(_) => Author::Nobody(format!("{dot:?} lost its value")),
                WriteKind::Tombstone | WriteKind::DeleteWhatIsRead => Author::Write(*place),
            };
        }
        (Content::Value(value), _) => value,
    };
    let call = match author(value) {
        Ok(call) => call,
        Err(wrong) => return Author::Nobody(wrong),
    };
    match history.write_of(call) {
        Some((of, place)) if of == key && minted.is_none_or(|minted| minted == place) => {
            Author::Write(place)
        }
        Some((of, _)) if of != key => {
            Author::Nobody(format!("#{} was written to {}", call.0, history.keys[of].name))
        }
        Some(_) => Author::Nobody(format!("#{} stands under another write's {dot:?}", call.0)),
        None => Author::Nobody(format!("#{} is no write", call.0)),
    }
}
