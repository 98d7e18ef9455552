//! A client's write: what it is made of, what stands against it, and what it makes of a state.
//! Rules 2, 4 and 7; the same for a replica and for a hint.

use super::Unreadable;
use crate::context::Context;
use crate::message::EncodedState;
use crate::object::{ConflictRule, NewValue, ObjectKey, ObjectState, Sibling};
use crate::request::Precedence;
use crate::time::{Stamp, WallTime};
use crate::token::Partition;
use crate::version::Dot;

/// A write to be minted.
#[derive(Debug)]
pub struct Write<'a> {
    /// Which object.
    pub key: &'a ObjectKey,
    /// Its partition.
    pub partition: Partition,
    /// What the writer has seen.
    pub context: Context,
    /// What it wants stored.
    pub value: NewValue,
    /// Which writes it goes before.
    pub precedence: Precedence,
    /// How the bucket settles conflicts.
    pub rule: ConflictRule,
    /// The bucket's bound on siblings.
    pub max_siblings: u32,
}

/// A write that has been minted.
#[derive(Clone, Debug)]
pub struct Minted {
    /// Its name.
    pub dot: Dot,
    /// The whole state after it, encoded.
    pub encoded: EncodedState,
    /// What the writer may send back with its next put.
    pub context: Context,
}

/// Why a write was not minted. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MintError {
    /// The current state can't be read.
    Unreadable(Unreadable),
    /// The object would have more siblings than its bucket allows.
    TooManySiblings {
        /// How many it would have.
        siblings: u32,
    },
    /// It would have to be kept as a hint, and no more hints are taken.
    HintsFull,
}

/// The newest stamp that this shard has minted: the next is above it even if the wall clock jumps
/// back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamps {
    newest: Stamp,
}

impl Write<'_> {
    /// `max_siblings` refuses only a put that would raise the count above it, never one that
    /// resolves (rule 2).
    pub(crate) fn check_siblings(&self, current: &ObjectState) -> Result<(), MintError> {
        if self.rule == ConflictRule::LastWriteWins {
            return Ok(());
        }
        let before = current.siblings().len();
        let kept = current.siblings().iter().filter(|s| !self.context.covers(s.dot)).count();
        let after = kept + 1;
        if after > before && after > self.max_siblings as usize {
            return Err(MintError::TooManySiblings { siblings: after as u32 });
        }
        Ok(())
    }

    /// Whether nothing of a state stays beside the write: no sibling that its context does not cover,
    /// or the newest write wins, and it is that.
    pub(crate) fn replaces_all(&self, current: &ObjectState) -> bool {
        let is_newest =
            self.rule == ConflictRule::LastWriteWins && self.precedence == Precedence::Newest;
        is_newest || current.siblings().iter().all(|sibling| self.context.covers(sibling.dot))
    }

    /// The state after the write, and what its writer may send back with its next put.
    pub(crate) fn apply(
        self,
        current: ObjectState,
        dot: Dot,
        wall: WallTime,
        stamps: &mut Stamps,
    ) -> (ObjectState, Context) {
        let stamp = match self.precedence {
            Precedence::Newest => {
                let seen = [stamps.newest, current.newest_stamp(), self.context.stamp];
                Stamp::mint(wall, seen)
            }
            Precedence::AboveSeen => self.context.stamp.next(),
        };
        stamps.newest = stamps.newest.max(stamp);
        let mut state = current;
        state.write(self.rule, &self.context, Sibling { dot, stamp, content: self.value });
        let context = self.context.after_put(dot, &state);
        (state, context)
    }
}

#[cfg(test)]
mod tests;
