//! What happened lately, as this node saw it: made by comparing what it sees with what it saw a
//! second before.

use std::collections::BTreeMap;

use stator_core::identity::NodeId;
use stator_core::membership::admin::{ClusterStatus, MemberState};
use stator_core::status::ShardStatus;
use stator_core::time::WallTime;

/// Hints that were held for so many looks are told of.
const LASTING: u32 = 3;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Event {
    /// When it was noticed, by this node's clock.
    pub(in super::super) at: WallTime,
    pub(in super::super) text: String,
}

/// What was seen last.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    members: BTreeMap<NodeId, (String, MemberState)>,
    ring: Option<u64>,
    moving: Option<u64>,
    /// For whom hints are held, and for how many looks that has been so.
    hints: BTreeMap<NodeId, u32>,
    not_counting: usize,
}

impl Seen {
    /// What has changed since, in words, and remembers what is seen now.
    pub(super) fn compare(
        &mut self,
        me: &str,
        cluster: &ClusterStatus,
        condition: &ShardStatus,
    ) -> Vec<String> {
        let mut told = Vec::new();
        // Without a ring nothing is known: the node has just started, or did not say in time.
        if let Some(ring) = &cluster.ring {
            self.compare_ring(ring.version.0, &mut told);
            self.compare_members(cluster, &mut told);
            self.compare_change(cluster, &mut told);
            self.compare_hints(me, condition, &mut told);
        }
        self.compare_refill(me, condition, &mut told);
        told
    }

    fn compare_ring(&mut self, ring: u64, told: &mut Vec<String>) {
        if self.ring.is_some_and(|before| before != ring) {
            told.push(format!("ring {ring} is in use"));
        }
        self.ring = Some(ring);
    }

    fn compare_members(&mut self, cluster: &ClusterStatus, told: &mut Vec<String>) {
        let now: BTreeMap<NodeId, (String, MemberState)> = cluster
            .members
            .iter()
            .map(|member| (member.id, (member.name.clone(), member.state)))
            .collect();
        for (node, (name, state)) in &now {
            let before = self.members.get(node).map(|(_, state)| *state);
            if before != Some(*state) && !self.members.is_empty() {
                told.push(format!("{name} {}", became(*state)));
            }
        }
        self.members = now;
    }

    fn compare_change(&mut self, cluster: &ClusterStatus, told: &mut Vec<String>) {
        let now = cluster.change.as_ref();
        match (self.moving, now) {
            (None, Some(change)) => told.push(format!(
                "{} partitions begin to move to their owners in ring {}",
                change.partitions, change.version.0
            )),
            (Some(version), None) => {
                told.push(format!("all that ring {version} moved is settled"));
            }
            _ => {}
        }
        self.moving = now.map(|change| change.version.0);
    }

    /// Hints that go home at once are no news: a peer was slow for a moment.
    fn compare_hints(&mut self, me: &str, condition: &ShardStatus, told: &mut Vec<String>) {
        let named = |node: &NodeId| {
            self.members.get(node).map_or_else(|| node.to_string(), |(name, _)| name.clone())
        };
        let looks = |owner: &NodeId| self.hints.get(owner).copied().unwrap_or(0);
        let now: BTreeMap<NodeId, u32> =
            condition.hints.keys().map(|owner| (*owner, looks(owner).saturating_add(1))).collect();
        for (owner, _) in now.iter().filter(|(_, looks)| **looks == LASTING) {
            told.push(format!("{me} keeps hints for {}", named(owner)));
        }
        for (owner, looks) in self.hints.iter().filter(|(owner, _)| !now.contains_key(owner)) {
            if *looks >= LASTING {
                told.push(format!("{me} has no hint for {} any more", named(owner)));
            }
        }
        self.hints = now;
    }

    fn compare_refill(&mut self, me: &str, condition: &ShardStatus, told: &mut Vec<String>) {
        let now = condition.partitions.values().filter(|partition| !partition.counts).count();
        match (self.not_counting, now) {
            (0, 1..) => {
                told.push(format!("{me} lost its store: {now} replicas do not count in reads"));
            }
            (1.., 0) => told.push(format!("all replicas of {me} count in reads")),
            _ => {}
        }
        self.not_counting = now;
    }
}

const fn became(state: MemberState) -> &'static str {
    match state {
        MemberState::Up => "is up",
        MemberState::Down => "is down",
        MemberState::Joining => "wants to join",
        MemberState::Leaving => "is leaving: its partitions are taken over",
        MemberState::Removed => "is no member any more",
    }
}
