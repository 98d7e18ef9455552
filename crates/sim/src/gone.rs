//! Versions that rounds of collection have superseded for good: what a round drops or prunes stands
//! for all that its vector covers, and from then on no disk may hold any of that again. Rule 13.

use std::collections::{BTreeMap, BTreeSet};

use stator_core::collection::Round;
use stator_core::object::ObjectState;
use stator_core::version::Dot;

/// The versions of one key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gone {
    minted: BTreeSet<Dot>,
    gone: BTreeMap<Dot, Round>,
}

impl Gone {
    /// A version was minted.
    pub(crate) fn minted(&mut self, dot: Dot) {
        self.minted.insert(dot);
    }

    /// A round has dropped or pruned this state, to which all owners had agreed: whatever it has
    /// seen and does not hold is gone. Returns what was not gone before.
    pub(crate) fn collected(&mut self, state: &ObjectState, round: Round) -> Vec<Dot> {
        let holds = |dot: Dot| state.siblings().iter().any(|sibling| sibling.dot == dot);
        let seen = self.minted.iter().copied().filter(|&dot| state.vector().covers(dot));
        let new: Vec<Dot> = seen.filter(|&dot| !holds(dot)).collect();
        for &dot in &new {
            self.minted.remove(&dot);
            self.gone.insert(dot, round);
        }
        new
    }

    /// Whether nothing of the key is gone.
    pub(crate) fn is_empty(&self) -> bool {
        self.gone.is_empty()
    }

    /// A version that a state holds although a round up to this one had made it go.
    pub(crate) fn held_by(&self, state: &ObjectState, until: Round) -> Option<(Dot, Round)> {
        let dots = state.siblings().iter().map(|sibling| sibling.dot);
        let gone = dots.filter_map(|dot| Some((dot, *self.gone.get(&dot)?)));
        gone.filter(|(_, round)| *round <= until).min_by_key(|(_, round)| *round)
    }
}

#[cfg(test)]
mod tests {
    use stator_core::context::Context;
    use stator_core::identity::ActorId;
    use stator_core::object::{ConflictRule, Content, Sibling};
    use stator_core::time::Stamp;

    use super::*;

    const fn dot(counter: u64) -> Dot {
        Dot { actor: ActorId::new(1), counter }
    }

    /// `before`, and a delete of all of it.
    fn deleted(mut before: ObjectState, counter: u64) -> ObjectState {
        let (dot, content) = (dot(counter), Content::Tombstone);
        let sibling = Sibling { dot, stamp: Stamp::default(), content };
        before.write(ConflictRule::Siblings, &Context::of(&before), sibling);
        before
    }

    #[test]
    fn what_a_collected_state_had_seen_is_gone_and_what_it_held_is_not() {
        let mut gone = Gone::default();
        (1..=3).for_each(|counter| gone.minted(dot(counter)));
        let (first, both) =
            (deleted(ObjectState::default(), 1), deleted(deleted(ObjectState::default(), 1), 2));
        assert_eq!(gone.collected(&both, Round(7)), [dot(1)]);
        assert_eq!(gone.collected(&both, Round(8)), [], "it is gone already");
        assert_eq!(gone.held_by(&first, Round(7)), Some((dot(1), Round(7))));
        assert_eq!(gone.held_by(&first, Round(6)), None, "it was not gone by then");
        assert_eq!(gone.held_by(&both, Round(7)), None, "a tombstone may come back");
    }
}
