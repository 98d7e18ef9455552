//! What shards, front doors and links are shown, whenever something in it changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Membership, Turn};
use crate::identity::NodeId;
use crate::membership::effect::MembershipEffect;
use crate::view::View;

/// What was shown last.
#[derive(Debug, Default)]
pub(super) struct Shown {
    view: Option<Arc<View>>,
    addresses: Arc<BTreeMap<NodeId, String>>,
    /// The state of the facts from which the addresses were taken.
    edition: Option<u64>,
}

impl Membership {
    /// Shows what has changed: of ring, buckets and moves only what is durable.
    pub(super) fn show(&mut self, turn: &mut Turn<'_>) {
        let new_addresses = self.take_addresses();
        let hints_in_place = self.are_hints_in_place();
        let view = View {
            me: self.config.me,
            ring: self.disk.ring().cloned(),
            suspected: Arc::clone(self.peers.suspected()),
            buckets: Arc::clone(self.disk.buckets()),
            transition: self.disk.transition().cloned(),
            dead: Arc::clone(self.disk.dead()),
            hints_in_place,
        };
        let same_view = match &self.shown.view {
            Some(shown) => is_same(shown, &view),
            None => false,
        };
        if same_view && !new_addresses {
            return;
        }
        let view = Arc::new(view);
        self.shown.view = Some(Arc::clone(&view));
        let addresses = Arc::clone(&self.shown.addresses);
        turn.act(MembershipEffect::Publish { view, addresses });
    }

    /// Takes the addresses of all known peers from the facts; says whether they have changed.
    fn take_addresses(&mut self) -> bool {
        if self.shown.edition == Some(self.disk.edition()) {
            return false;
        }
        self.shown.edition = Some(self.disk.edition());
        let nodes = self.facts.facts().nodes.iter();
        let peers = nodes
            .filter(|(node, fact)| **node != self.config.me && !fact.addresses.peer.is_empty());
        let addresses = peers.map(|(&node, fact)| (node, fact.addresses.peer.clone())).collect();
        if *self.shown.addresses == addresses {
            return false;
        }
        self.shown.addresses = Arc::new(addresses);
        true
    }
}

/// Whether two views show the same. Rings are told apart by their version, buckets by whether the
/// map was made anew, which happens only when one has changed.
fn is_same(one: &View, other: &View) -> bool {
    let version = |view: &View| view.ring.as_ref().map(|ring| ring.version);
    version(one) == version(other)
        && one.suspected == other.suspected
        && Arc::ptr_eq(&one.buckets, &other.buckets)
        && Arc::ptr_eq(&one.dead, &other.dead)
        && one.hints_in_place == other.hints_in_place
        && match (&one.transition, &other.transition) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, Some(_)) | (Some(_), None) => false,
        }
}
