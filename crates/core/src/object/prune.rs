//! Pruning of version vectors (rule 13): entries of ids that nobody mints under any more.

use std::collections::BTreeSet;

use super::state::ObjectState;
use crate::identity::ActorId;

impl ObjectState {
    /// Whether anything is left out if only `live` may still mint.
    pub fn has_prunable(&self, live: Option<ActorId>) -> bool {
        let needed = |actor| live == Some(actor) || self.is_sibling_of(actor);
        self.vector.entries().iter().any(|&(actor, _)| !needed(actor))
    }

    /// The state without the entries of ids that are not `live` and have no sibling here. Only safe
    /// once every replica holds this very state and no older one is under way (rule 13).
    #[must_use]
    pub fn pruned(mut self, live: &BTreeSet<ActorId>) -> Self {
        let siblings: BTreeSet<ActorId> =
            self.siblings.iter().map(|sibling| sibling.dot.actor).collect();
        self.vector.keep(|actor| live.contains(&actor) || siblings.contains(&actor));
        self
    }

    fn is_sibling_of(&self, actor: ActorId) -> bool {
        self.siblings.iter().any(|sibling| sibling.dot.actor == actor)
    }
}
