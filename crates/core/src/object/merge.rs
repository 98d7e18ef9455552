//! The two rules by which states change: a put at a minting replica (rule 4) and the merge of two
//! states (rule 5), and what last-write-wins makes of both (rule 7).

use super::state::{ConflictRule, ObjectState, Sibling};
use crate::context::Context;

impl ObjectState {
    /// Rule 4: the state after a write. Drops the siblings that the writer's context covers, adds
    /// the new one, and has seen what it had, what the writer had, and the new dot.
    ///
    /// The new sibling's dot must be fresh: minted now, under an id whose holder remembers this
    /// whole state (rule 1).
    pub fn write(&mut self, rule: ConflictRule, context: &Context, new: Sibling) {
        debug_assert!(!self.vector.covers(new.dot), "the dot {:?} is not fresh", new.dot);
        self.rule = self.rule.max(rule);
        self.siblings.retain(|sibling| !context.covers(sibling.dot));
        self.vector.join(&context.vector);
        self.vector.see(new.dot);
        let at = self.siblings.partition_point(|sibling| sibling.dot < new.dot);
        self.siblings.insert(at, new);
        self.settle();
    }

    /// Rule 5: what two replicas know together. Keeps a sibling if both have it, or if one has it
    /// and the other has not seen it. Commutative, associative and idempotent.
    pub fn merge(self, other: Self) -> Self {
        let rule = self.rule.max(other.rule);
        let mut siblings = Vec::with_capacity(self.siblings.len().max(other.siblings.len()));
        let (mut ours, mut theirs) =
            (self.siblings.into_iter().peekable(), other.siblings.into_iter().peekable());
        let last_write_wins = rule == ConflictRule::LastWriteWins;
        loop {
            let (next, both, seen_by_other) = match (ours.peek(), theirs.peek()) {
                (None, None) => break,
                (Some(a), Some(b)) if a.dot == b.dot => {
                    theirs.next();
                    (ours.next(), true, true)
                }
                (Some(a), b) if b.is_none_or(|b| a.dot < b.dot) => {
                    let seen = other.vector.covers(a.dot);
                    (ours.next(), false, seen)
                }
                (_, Some(b)) => {
                    let seen = self.vector.covers(b.dot);
                    (theirs.next(), false, seen)
                }
                (Some(_), None) => unreachable!("the guard above takes every a without a b"),
            };
            // Last-write-wins compares by (stamp, actor) alone: with coverage as well, two versions
            // could cover and outrank each other and both would vanish (rule 7).
            if both || !seen_by_other || last_write_wins {
                siblings.extend(next);
            }
        }
        let mut vector = self.vector;
        vector.join(&other.vector);
        let mut merged = Self { rule, siblings, vector };
        merged.settle();
        merged
    }

    /// Whether the merge with `other` would leave this state as it is. A dot names one value, so that
    /// the versions alone say it.
    pub fn supersedes(&self, other: &Self) -> bool {
        if other.rule > self.rule || !self.vector.includes(&other.vector) {
            return false;
        }
        if self.rule == ConflictRule::LastWriteWins {
            let rank = |sibling: &Sibling| (sibling.stamp, sibling.dot);
            return other.siblings.iter().map(rank).max() <= self.siblings.iter().map(rank).max();
        }
        let stays = |ours: &Sibling| {
            let same = other.siblings.binary_search_by_key(&ours.dot, |theirs| theirs.dot);
            same.is_ok() || !other.vector.covers(ours.dot)
        };
        // Whatever the other has beside that is covered here, and goes.
        self.siblings.iter().all(stays)
    }

    /// Rule 7: a last-write-wins object keeps the version with the highest (stamp, actor).
    fn settle(&mut self) {
        if self.rule != ConflictRule::LastWriteWins || self.siblings.len() < 2 {
            return;
        }
        let newest = self
            .siblings
            .drain(..)
            .max_by_key(|sibling| (sibling.stamp, sibling.dot))
            .expect("there are at least two");
        self.siblings.push(newest);
    }
}
