//! The membership machine of a simulated node: the one of production, with what it keeps on disk.
//!
//! Only clusters whose rings change have it ([`crate::world::Life::Elastic`]): in the others every
//! node knows the one ring from the start.

use std::sync::Arc;

use stator_core::identity::{BootNonce, BootNumber, ClusterId, NodeId};
use stator_core::membership::effect::{
    Introduction, MembershipEffect, MembershipInput, Save, SaveId,
};
use stator_core::membership::facts::{Addresses, Facts};
use stator_core::membership::{Membership, MembershipConfig, Restored};
use stator_core::register::Votes;
use stator_core::ring::{Ring, Weight};
use stator_core::time::{Instant, Now};
use stator_core::transfer::{MoveLevel, Progress};
use stator_core::view::View;

use crate::draw::Draw;
use crate::layout::Layout;

/// What `identity/` holds, and what is on its way there.
#[derive(Clone, Debug)]
struct Identity {
    cluster: ClusterId,
    facts: Facts,
    votes: Votes,
    unsynced: Vec<(SaveId, Save)>,
}

/// The membership of one node.
#[derive(Debug)]
pub struct Member {
    me: NodeId,
    machine: Option<Membership>,
    identity: Identity,
    /// What shards were shown last.
    view: Arc<View>,
    /// When the machine wants to be woken.
    pub timer: Option<Instant>,
}

impl Member {
    /// A node that knows the first ring: as a member of it, or as one that may join.
    pub fn new(me: NodeId, layout: &Layout) -> Self {
        let facts = Facts {
            ring: Some(Arc::clone(&layout.ring)),
            buckets: (*layout.buckets).clone(),
            ..Facts::default()
        };
        let cluster = layout.ring.cluster;
        let identity = Identity { cluster, facts, votes: Votes::default(), unsynced: Vec::new() };
        Self { me, machine: None, identity, view: Arc::new(View::alone(me)), timer: None }
    }

    /// Starts it with what is on its disk.
    pub fn start(
        &mut self,
        (boot, now): (u64, Now),
        (place, layout): (usize, &Layout),
        draw: Draw,
    ) -> Vec<MembershipEffect> {
        let config = MembershipConfig {
            me: self.me,
            boot: BootNumber(boot),
            nonce: nonce(place, boot),
            name: format!("n{}", place + 1),
            zone: format!("z{}", place % 3),
            weight: Weight::DEFAULT,
            addresses: Addresses { peer: format!("n{}", place + 1), ..Addresses::default() },
            seeds: Vec::new(),
            found: None,
            heartbeat_interval: MembershipConfig::HEARTBEAT_INTERVAL,
            phi_threshold: MembershipConfig::PHI_THRESHOLD,
            shards: layout.shards[place],
        };
        let restored = Restored {
            cluster: Some(self.identity.cluster),
            facts: self.identity.facts.clone(),
            votes: self.identity.votes.clone(),
        };
        let mut machine = Membership::new(config, restored, draw.into_random());
        let mut out = Vec::new();
        machine.start(now, &mut out);
        self.view = Arc::new(View::alone(self.me));
        self.timer = None;
        self.machine = Some(machine);
        self.note(&out);
        out
    }

    /// Tells it what happened.
    pub fn step(&mut self, now: Now, input: MembershipInput) -> Vec<MembershipEffect> {
        let mut out = Vec::new();
        if let Some(machine) = &mut self.machine {
            machine.step(now, input, &mut out);
        }
        self.note(&out);
        out
    }

    fn note(&mut self, effects: &[MembershipEffect]) {
        for effect in effects {
            match effect {
                MembershipEffect::Publish { view, .. } => self.view = Arc::clone(view),
                MembershipEffect::Save { id, save } => {
                    self.identity.unsynced.push((*id, save.clone()));
                }
                _ => {}
            }
        }
    }

    /// What was saved up to this number is on disk.
    pub fn synced(&mut self, id: SaveId) {
        for (_, save) in self.identity.unsynced.extract_if(.., |(save, _)| *save <= id) {
            match save {
                Save::Cluster { facts, .. } => self.identity.facts = *facts,
                Save::Votes(votes) => self.identity.votes = votes,
            }
        }
    }

    /// The process dies; of what was on its way to the disk, the first `kept` are there.
    pub fn die(&mut self, kept: impl FnOnce(usize) -> usize) {
        let unsynced = self.identity.unsynced.len();
        let kept = kept(unsynced);
        if let Some((id, _)) = kept.checked_sub(1).and_then(|last| self.identity.unsynced.get(last))
        {
            self.synced(*id);
        }
        self.identity.unsynced.clear();
        self.machine = None;
        self.timer = None;
    }

    /// The cluster as the shards see it.
    pub const fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// The newest ring that is on disk, and the one that it left if something may still move.
    pub fn rings(&self) -> (Option<&Arc<Ring>>, Option<&Arc<Ring>>) {
        let facts = &self.identity.facts;
        (facts.ring.as_ref(), facts.change_under_way().map(|(_, left)| left))
    }

    /// What is known on disk of how far everybody is with the change under way, for people.
    pub fn progress(&self) -> String {
        let nodes = self.identity.facts.nodes.iter().map(|(node, fact)| {
            let Progress { ring, confirmed, reads_new, handed_over, hints_in_place } =
                &fact.progress;
            let counts = [confirmed.len(), reads_new.len(), handed_over.len()];
            format!("{node} at {}: {counts:?}, hints in place: {hints_in_place}", ring.0)
        });
        let mut lines: Vec<String> = nodes.collect();
        let moves = self.view.transition.iter().flat_map(|moves| {
            let stuck = moves.moving().filter(|(_, level)| *level < MoveLevel::New);
            stuck.take(1).map(|(partition, level)| {
                let (old, new) = (moves.old_owners(partition), moves.new_owners(partition));
                format!("{partition:?} from {old:?} to {new:?} is at {level:?}")
            })
        });
        lines.extend(moves);
        lines.push(format!("dead: {:?}", self.view.dead));
        lines.join("; ")
    }

    /// Who this node is, as its handshakes say.
    pub fn introduction(&self, place: usize, boot: u64) -> Introduction {
        Introduction {
            node: self.me,
            cluster: Some(self.identity.cluster),
            boot: BootNumber(boot),
            nonce: nonce(place, boot),
        }
    }
}

const fn nonce(place: usize, boot: u64) -> BootNonce {
    BootNonce(((place as u64) << 32) | boot)
}
