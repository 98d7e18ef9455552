//! Many proposers, lost, repeated and late messages, crashes at any moment: one ring is chosen.
//!
//! The model is `World`: every message in flight lies in one bag and may be delivered, lost or
//! delivered twice, in any order; a node may crash before or after its votes are saved, and then
//! knows what it saved.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::identity::{ClusterId, NodeId};
use crate::random::Random;
use crate::ring::{Member, Weight};
use crate::token::PartitionCount;

/// The first ring of a cluster with members 1 to `members`, for tests of the register: nothing but
/// the list of members matters.
pub(super) fn base_of(members: u64) -> Arc<Ring> {
    let member = |number: u64| Member {
        name: format!("n{number}"),
        zone: "z".to_owned(),
        weight: Weight::DEFAULT,
    };
    let partitions = PartitionCount::new(1).expect("a power of two");
    let mut ring = Ring::found(ClusterId::new(7), partitions, 3, NodeId::new(1), member(1));
    ring.members = (1..=members).map(|number| (NodeId::new(number), member(number))).collect();
    Arc::new(ring)
}

/// A ring that could follow, told apart by `mark`.
pub(super) fn successor(base: &Ring, mark: u64) -> Arc<Ring> {
    let mut ring = base.clone();
    ring.version = base.version.next();
    ring.removed.insert(NodeId::new(1_000_000 + mark));
    Arc::new(ring)
}

/// What becomes of an acceptor's votes in a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disk {
    Keeps,
    Forgets,
}

struct Node {
    acceptor: Acceptor,
    saved: Votes,
    proposer: Option<Proposer>,
}

struct World {
    random: Random,
    disk: Disk,
    base: Arc<Ring>,
    nodes: BTreeMap<NodeId, Node>,
    /// From, to, what.
    flying: Vec<(NodeId, NodeId, RegisterMessage)>,
    proposals: u64,
    /// Who has ever durably accepted what under which ballot.
    accepted: BTreeMap<Ballot, (Arc<Ring>, BTreeSet<NodeId>)>,
    chosen: Vec<Arc<Ring>>,
}

impl World {
    fn new(seed: u64, members: u64, disk: Disk) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let base = base_of(members);
        let node =
            || Node { acceptor: Acceptor::default(), saved: Votes::default(), proposer: None };
        Self {
            random: Random::from_seed(bytes),
            disk,
            nodes: base.members.keys().map(|id| (*id, node())).collect(),
            base,
            flying: Vec::new(),
            proposals: 0,
            accepted: BTreeMap::new(),
            chosen: Vec::new(),
        }
    }

    fn node(&mut self, id: NodeId) -> &mut Node {
        self.nodes.get_mut(&id).expect("messages go to members only")
    }

    fn any_node(&mut self) -> NodeId {
        let index = self.random.below(self.nodes.len() as u32) as usize;
        *self.nodes.keys().nth(index).expect("the index is below their number")
    }

    /// Anything that can happen, once.
    fn happen(&mut self) {
        match self.random.below(100) {
            0..6 => {
                let id = self.any_node();
                self.propose(id);
            }
            6..10 => {
                let id = self.any_node();
                self.restart(id);
            }
            10..14 => {
                let id = self.any_node();
                self.retry(id);
            }
            _ => self.deliver_any(),
        }
    }

    fn propose(&mut self, id: NodeId) {
        self.proposals += 1;
        let base = Arc::clone(&self.base);
        let proposal = successor(&base, self.proposals);
        let node = self.node(id);
        let seen = node.acceptor.votes().promised.round;
        node.proposer = Some(Proposer::new(id, base, proposal, seen));
        self.retry(id);
    }

    fn retry(&mut self, id: NodeId) {
        let Some(step) = self.node(id).proposer.as_mut().map(Proposer::start) else { return };
        self.follow(id, step);
    }

    fn restart(&mut self, id: NodeId) {
        let disk = self.disk;
        let node = self.node(id);
        if disk == Disk::Forgets {
            node.saved = Votes::default();
        }
        node.acceptor = Acceptor::new(node.saved.clone());
        node.proposer = None;
    }

    fn deliver_any(&mut self) {
        if self.flying.is_empty() {
            return;
        }
        let index = self.random.below(self.flying.len() as u32) as usize;
        let (from, to, message) = match self.random.below(10) {
            0 => {
                self.flying.swap_remove(index);
                return;
            }
            1 => self.flying[index].clone(),
            _ => self.flying.swap_remove(index),
        };
        self.deliver(from, to, message);
    }

    fn deliver(&mut self, from: NodeId, to: NodeId, message: RegisterMessage) {
        let base = self.base.version;
        match message {
            RegisterMessage::Prepare { .. } | RegisterMessage::Accept { .. } => {
                let reply = self.node(to).acceptor.step(base, &message);
                if matches!(reply, AcceptorReply::AfterSaving(_)) && !self.save(to) {
                    return;
                }
                self.flying.extend(reply.into_message().map(|message| (to, from, message)));
            }
            _ => {
                let Some(proposer) = &mut self.node(to).proposer else { return };
                let step = proposer.on_message(from, message);
                self.follow(to, step);
            }
        }
    }

    /// Makes votes durable, unless the node crashes before. Returns whether it did.
    fn save(&mut self, id: NodeId) -> bool {
        if self.random.below(30) == 0 {
            self.restart(id);
            return false;
        }
        let node = self.node(id);
        node.saved = node.acceptor.votes().clone();
        if let Some((ballot, ring)) = node.saved.accepted.clone() {
            let entry = self.accepted.entry(ballot).or_insert((ring, BTreeSet::new()));
            entry.1.insert(id);
            if entry.1.len() >= self.base.majority() {
                self.chosen.push(Arc::clone(&entry.0));
            }
        }
        true
    }

    fn follow(&mut self, id: NodeId, step: ProposerStep) {
        match step {
            ProposerStep::Wait => {}
            ProposerStep::Broadcast(message) => {
                for to in self.base.members.keys() {
                    self.flying.push((id, *to, message.clone()));
                }
            }
            ProposerStep::Chosen(ring) => self.chosen.push(ring),
            ProposerStep::Retry => self.retry(id),
        }
    }

    fn different_chosen(&self) -> usize {
        let marks: BTreeSet<_> = self.chosen.iter().map(|ring| ring.removed.clone()).collect();
        marks.len()
    }
}

fn run(seed: u64, members: u64, disk: Disk) -> World {
    let mut world = World::new(seed, members, disk);
    for _ in 0..300 {
        world.happen();
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn at_most_one_ring_follows(
        seed in any::<u64>(),
        members in prop::sample::select(vec![1_u64, 2, 3, 4, 5]),
    ) {
        let world = run(seed, members, Disk::Keeps);
        prop_assert!(world.different_chosen() <= 1, "{:?}", world.chosen);
    }

    #[test]
    fn whoever_proposes_once_all_is_well_learns_the_chosen_ring(
        seed in any::<u64>(),
        members in prop::sample::select(vec![1_u64, 3, 4, 5]),
    ) {
        let mut world = run(seed, members, Disk::Keeps);
        let before = world.chosen.first().cloned();
        world.flying.clear();
        for node in world.nodes.values_mut() {
            node.proposer = None;
        }
        world.chosen.clear();
        world.propose(NodeId::new(1));
        let mut turns = 0;
        while let Some((from, to, message)) = world.flying.pop() {
            world.deliver(from, to, message);
            turns += 1;
            // A save may still fail, and then the attempt is repeated.
            if world.flying.is_empty() && world.chosen.is_empty() {
                world.propose(NodeId::new(1));
            }
            prop_assert!(turns < 10_000, "no ring is chosen though nothing is lost");
        }
        prop_assert!(world.different_chosen() == 1);
        if let Some(before) = before {
            prop_assert_eq!(&before, &world.chosen[0]);
        }
    }
}

#[test]
fn most_runs_choose_something() {
    let chosen = (0..100).filter(|seed| run(*seed, 3, Disk::Keeps).different_chosen() == 1).count();
    assert!(chosen > 50, "only {chosen} of 100 runs chose a ring: the model has become too harsh");
}

#[test]
fn forgotten_votes_let_two_rings_be_chosen() {
    let bad = (0..500).filter(|seed| run(*seed, 3, Disk::Forgets).different_chosen() > 1).count();
    assert!(bad > 0, "the model does not find what rule 19 is there to prevent");
}

#[test]
fn without_faults_one_round_chooses() {
    for members in 1..=5 {
        let base = base_of(members);
        let proposal = successor(&base, 1);
        let mut acceptors: BTreeMap<NodeId, Acceptor> =
            base.members.keys().map(|id| (*id, Acceptor::default())).collect();
        let mut proposer =
            Proposer::new(NodeId::new(1), Arc::clone(&base), Arc::clone(&proposal), 0);
        let mut asked = vec![proposer.start()];
        let mut chosen = None;
        while let Some(ProposerStep::Broadcast(message)) = asked.pop() {
            for (id, acceptor) in &mut acceptors {
                let reply = acceptor.step(base.version, &message).into_message();
                match proposer.on_message(*id, reply.expect("acceptors answer")) {
                    ProposerStep::Chosen(ring) => chosen = Some(ring),
                    ProposerStep::Wait => {}
                    step => asked.push(step),
                }
            }
        }
        assert_eq!(chosen, Some(proposal), "{members} members");
    }
}
