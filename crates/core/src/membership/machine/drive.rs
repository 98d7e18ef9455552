//! An attempt at the next ring: who asked for it, how far it has come, and who has not answered.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::identity::NodeId;
use crate::membership::admin::AdminId;
use crate::register::Proposer;
use crate::ring::Ring;
use crate::time::{Deadline, Instant};

/// How long votes are waited for before they are asked for again.
pub(super) const ROUND: Duration = Duration::from_millis(500);
/// The longest such wait, after many rounds in vain.
pub(super) const LONGEST_ROUND: Duration = Duration::from_secs(8);

/// An operator who waits for a commit.
#[derive(Debug)]
pub(super) struct Asker {
    pub(super) id: AdminId,
    pub(super) deadline: Deadline,
    pub(super) wanted: Arc<Ring>,
}

/// One attempt at the ring that follows `base`.
#[derive(Debug)]
pub(super) struct Drive {
    pub(super) base: Arc<Ring>,
    pub(super) asker: Option<Asker>,
    /// Puts a ring into the register, unless one is found there.
    pub(super) proposer: Proposer,
    pub(super) voted: BTreeSet<NodeId>,
    pub(super) reached: Reached,
    pub(super) round: Duration,
    pub(super) next_round: Instant,
}

/// How far an attempt has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    /// Nobody was asked to accept a ring: the attempt can be given up.
    Asking,
    /// Somebody was: the ring may be chosen at any time.
    Accepting,
}

impl Drive {
    pub(super) fn due(&self) -> Instant {
        let deadline = self.asker.as_ref().map(|asker| asker.deadline.at());
        deadline.map_or(self.next_round, |deadline| deadline.min(self.next_round))
    }

    /// Who has not answered.
    pub(super) fn silent(&self) -> Vec<NodeId> {
        let members = self.base.members.keys();
        members.filter(|node| !self.voted.contains(node)).copied().collect()
    }
}
