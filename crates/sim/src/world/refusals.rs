//! Puts that were refused, and whether they may have been: for the checker `availability`.

use std::time::Duration;

use stator_core::identity::NodeId;
use stator_core::quorum::QuorumMode;

use super::World;
use crate::history::{CallId, WriteKind};

/// How long after the end of a trouble others may go by it.
const NOTICED: Duration = Duration::from_secs(10);
/// How long after it they have their connections again.
const CONNECTED: Duration = Duration::from_secs(1);

impl World {
    /// A put was refused for want of replicas: it must not be if enough nodes could be relied on.
    pub(super) fn judge_refusal(&mut self, coordinator: usize, call: CallId) {
        let Some((key, place)) = self.history.write_of(call) else { return };
        let write = &self.history.keys[key].writes[place];
        let (needs, kind) = (write.needs, write.kind);
        // Of a delete that reads first, it may be the read that was refused.
        if self.is_elastic()
            || needs.mode == QuorumMode::Strict
            || kind == WriteKind::DeleteWhatIsRead
            || !self.is_reliable(coordinator, NOTICED)
        {
            return;
        }
        let ring = &self.layout.ring;
        let partition = ring.partition_of(self.layout.keys[key].token());
        let n = self.layout.properties(key).fixed.n;
        let primaries = ring.primaries(partition, n);
        let fallbacks = ring.fallbacks(partition, n);
        let places = |nodes: &[NodeId]| -> Vec<usize> {
            nodes.iter().map(|&node| self.layout.place_of(node)).collect()
        };
        let (primaries, fallbacks) = (places(primaries), places(fallbacks));
        // A node whose disk has reached its reserve takes no new values.
        let takes_it =
            |node: usize| kind == WriteKind::Tombstone || !self.nodes[node].disk_reserved;
        let can_rely = |a: usize, b: usize| (a == b || self.can_rely(a, b, NOTICED)) && takes_it(b);
        let reaches_enough = |from: usize| {
            let reached =
                |nodes: &[usize]| nodes.iter().filter(|&&node| can_rely(from, node)).count() as u8;
            let of_primaries = reached(&primaries);
            of_primaries + reached(&fallbacks) >= needs.w && of_primaries >= needs.pw
        };
        // Whoever mints it has to reach them as well; who refuses it is not the last to be asked.
        let may_mint = |&minter: &usize| can_rely(coordinator, minter) && reaches_enough(minter);
        if reaches_enough(coordinator) && primaries.iter().chain(&fallbacks).any(may_mint) {
            self.history.unavailable.push(call);
        }
    }

    /// A put was told that its partition moves: it must not be if all who own it by any ring that
    /// somebody goes by could be relied on. At each moment of a move there are owners who take it.
    pub(super) fn judge_moving(&mut self, coordinator: usize, call: CallId) {
        let Some((key, _)) = self.history.write_of(call) else { return };
        let partition = self.layout.ring.partition_of(self.layout.keys[key].token());
        let owners: Vec<usize> = self
            .owners_in_use(partition)
            .into_iter()
            .map(|node| self.layout.place_of(node))
            .collect();
        let relies = |from: usize| {
            self.is_reliable(from, CONNECTED)
                && owners
                    .iter()
                    .all(|&owner| owner == from || self.can_rely(from, owner, CONNECTED))
        };
        if relies(coordinator) && owners.iter().all(|&owner| relies(owner)) {
            self.history.unavailable.push(call);
        }
    }

    /// Whether a node has run without trouble for so long.
    fn is_reliable(&self, node: usize, long: Duration) -> bool {
        let node = &self.nodes[node];
        node.is_up()
            && node.paused_until.is_none()
            && node.slowness.is_zero()
            && node.troubled_at.after(long) < self.now
    }

    fn can_rely(&self, a: usize, b: usize, long: Duration) -> bool {
        let troubled = self.troubled.get(&(a.min(b), a.max(b)));
        self.is_reliable(b, long)
            && self.network.passes(self.now, a, b)
            && troubled.is_none_or(|until| until.after(long) < self.now)
    }
}
