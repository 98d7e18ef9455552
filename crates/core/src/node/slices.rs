//! Who gets the next slice of the budget of background work (the paper, 6.5; rule 20).
//!
//! While the bucket has something, everybody takes from it as things happen. Once somebody was
//! refused, all wait for the next slice, and kinds of work and owners of hints take turns in being
//! the first: the one whose acknowledgements come fastest must not have it all.

use super::Shard;
use crate::budget::Change;
use crate::effect::{Effect, Effects, Timer};
use crate::identity::NodeId;
use crate::observe::Observation;
use crate::store::ReadStore;
use crate::time::Now;
use crate::upkeep::TaskEvent;

/// Whose turn it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slices {
    first: Work,
    /// The owner whose hints were the first to be sent in the last slice of hints.
    owner: Option<NodeId>,
}

/// A kind of background work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Work {
    #[default]
    Hints,
    Tasks,
    Look,
}

impl Work {
    const fn next(self) -> Self {
        match self {
            Self::Hints => Self::Tasks,
            Self::Tasks => Self::Look,
            Self::Look => Self::Hints,
        }
    }
}

impl Shard {
    /// The next slice is there.
    pub(super) fn on_budget(&mut self, now: Now, store: &impl ReadStore, out: &mut Effects) {
        self.budget.woken();
        let first = self.slices.first;
        self.slices.first = first.next();
        let mut more = false;
        for work in [first, first.next(), first.next().next()] {
            more |= match work {
                Work::Hints => self.go_on_sending_hints(now, store, out),
                Work::Look => self.look(now, store, out),
                Work::Tasks => {
                    self.advance_all_tasks(now, &TaskEvent::Room, store, out);
                    self.begin_tasks(now, store, out);
                    false
                }
            };
        }
        if more {
            self.budget.wait();
        }
    }

    /// Goes on with the hints that were being sent when there was no room for more.
    fn go_on_sending_hints(&mut self, now: Now, store: &impl ReadStore, out: &mut Effects) -> bool {
        let mut owners: Vec<NodeId> = self.hints_home.keys().copied().collect();
        let last = self.slices.owner;
        let after = owners.partition_point(|&owner| last.is_some_and(|last| owner <= last));
        owners.rotate_left(after);
        self.slices.owner = owners.first().copied();
        let mut more = false;
        for owner in owners {
            more |= self.send_hints_to(now, owner, store, out);
        }
        more
    }

    /// After every step: the allowance is thought over, and who was refused is woken in time.
    pub(super) fn settle_budget(&mut self, now: Now, out: &mut Effects) {
        match self.budget.settle(now.instant) {
            Some(Change::Cut(allowance)) => {
                out.push(Effect::Observe(Observation::BudgetCut { allowance }));
            }
            Some(Change::Restored) => out.push(Effect::Observe(Observation::BudgetRestored)),
            None => {}
        }
        if let Some(at) = self.budget.wake_at(now.instant) {
            out.push(Effect::SetTimer { at, timer: Timer::Budget });
        }
    }
}
