//! A small world of nodes: a queue of events in virtual time, a network that delays, loses,
//! doubles and reorders, and directories of which a crash forgets what was not synced. Everything
//! is drawn from one seed.

mod network;
mod operator;
mod storage;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub(super) use operator::{assert_committed, assert_nothing_planned, assert_refused};

use crate::identity::{BootNonce, BootNumber, ClusterId, NodeId};
use crate::membership::MembershipMessage;
use crate::membership::admin::{AdminId, AdminReply};
use crate::membership::effect::{
    Introduction, MembershipEffect, MembershipInput, MembershipObservation, Save, SaveId,
};
use crate::membership::facts::{Addresses, Facts};
use crate::membership::machine::{FoundCluster, Membership, MembershipConfig, Restored};
use crate::random::Random;
use crate::register::Votes;
use crate::ring::{Ring, RingVersion, Weight};
use crate::time::{Instant, Now, WallTime};
use crate::token::{Partition, PartitionCount};
use crate::transfer::MoveLevel;
use crate::view::View;

pub(super) const CLUSTER: ClusterId = ClusterId::new(0xc1);
pub(super) const PARTITIONS: u32 = 16;
const SHARDS: u8 = 2;

/// What is durable of a node.
#[derive(Clone, Debug, Default)]
pub(super) struct Directory {
    pub(super) cluster: Option<ClusterId>,
    pub(super) facts: Facts,
    pub(super) votes: Votes,
    pub(super) boot: u64,
}

/// How a node is started for the first time.
#[derive(Clone, Debug, Default)]
pub(super) struct Flags {
    pub(super) found: Option<ClusterId>,
    pub(super) seeds: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) directory: Directory,
    machine: Option<Membership>,
    unsynced: Vec<(SaveId, Save)>,
    timer: Option<Instant>,
    pub(super) view: Option<Arc<View>>,
    addresses: Arc<BTreeMap<NodeId, String>>,
    met: BTreeSet<NodeId>,
    nonce: u64,
    pub(super) observed: Vec<MembershipObservation>,
    pub(super) stop: Option<String>,
}

impl Node {
    pub(super) fn ring(&self) -> Option<&Arc<Ring>> {
        self.view.as_ref().and_then(|view| view.ring.as_ref())
    }
}

#[derive(Debug)]
enum Event {
    Message { from: NodeId, message: MembershipMessage },
    Link { peer: NodeId, seed: Option<String> },
    LinkDown { peer: NodeId },
    Synced { boot: u64, id: SaveId },
    ShardMoved { boot: u64, shard: u8 },
}

/// The network's manners.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weather {
    pub(super) lost_percent: u32,
    pub(super) doubled_percent: u32,
    pub(super) delay_max_millis: u32,
}

pub(super) struct World {
    pub(super) now: Instant,
    pub(super) nodes: BTreeMap<NodeId, Node>,
    events: BTreeMap<(Instant, u64), (NodeId, Event)>,
    event_number: u64,
    turns_at_once: u32,
    pub(super) cut: BTreeSet<(NodeId, NodeId)>,
    pub(super) weather: Weather,
    /// Nodes whose shards get nothing done.
    pub(super) idle: BTreeSet<NodeId>,
    /// By node and ring, the levels that it has shown: they never go down.
    levels: BTreeMap<(NodeId, RingVersion), BTreeMap<Partition, MoveLevel>>,
    pub(super) random: Random,
    replies: BTreeMap<AdminId, AdminReply>,
    asked: u64,
    /// Every ring that was ever in use, by version: the checker of rule 15.
    pub(super) rings: BTreeMap<(ClusterId, RingVersion), Arc<Ring>>,
    /// Messages sent, to show that a message of a kind was sent at all.
    pub(super) sent: Vec<(NodeId, NodeId, &'static str)>,
}

pub(super) fn id(number: u64) -> NodeId {
    NodeId::new(number)
}

pub(super) fn name(node: NodeId) -> String {
    format!("n{}", node.get())
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        Self {
            now: Instant::from_micros(1_000_000),
            nodes: BTreeMap::new(),
            events: BTreeMap::new(),
            event_number: 0,
            turns_at_once: 0,
            cut: BTreeSet::new(),
            idle: BTreeSet::new(),
            levels: BTreeMap::new(),
            weather: Weather { delay_max_millis: 10, ..Weather::default() },
            random: Random::from_seed(bytes),
            replies: BTreeMap::new(),
            asked: 0,
            rings: BTreeMap::new(),
            sent: Vec::new(),
        }
    }

    /// Node 1 has founded the cluster; nodes 2 to `count` have staged their joins.
    pub(super) fn with_joiners(seed: u64, count: u64) -> Self {
        let mut world = Self::new(seed);
        world.start(id(1), &Flags { found: Some(CLUSTER), seeds: vec![] });
        for number in 2..=count {
            world.start(id(number), &Flags { found: None, seeds: vec!["n1".into()] });
        }
        world.run(Duration::from_secs(5));
        world
    }

    /// A cluster of `count` members.
    pub(super) fn cluster(seed: u64, count: u64) -> Self {
        let mut world = Self::with_joiners(seed, count);
        if count > 1 {
            assert_committed(&world.commit(id(1), 2));
        }
        world.run(Duration::from_secs(5));
        assert!(world.nodes.values().all(|node| node.view.as_ref().is_some_and(|view| {
            view.ring_as_member().is_some_and(|ring| ring.members.len() as u64 == count)
        })));
        let settled = |world: &Self| world.nodes.keys().all(|&node| world.is_settled(node));
        world.run_until("the ring is settled", settled);
        world
    }

    pub(super) fn start(&mut self, node: NodeId, flags: &Flags) {
        self.start_as(&name(node), node, flags);
    }

    /// Starts a node under a name that need not be that of its number.
    pub(super) fn start_as(&mut self, label: &str, node: NodeId, flags: &Flags) {
        let nonce = self.random.bits();
        let random = Random::from_seed([self.random.bits() as u8; 32]);
        let entry = self.nodes.entry(node).or_default();
        assert!(entry.machine.is_none(), "{node} runs already");
        entry.directory.boot += 1;
        entry.nonce = nonce;
        let partitions = PartitionCount::new(PARTITIONS).expect("a power of two");
        let config = MembershipConfig {
            me: node,
            boot: BootNumber(entry.directory.boot),
            nonce: BootNonce(nonce),
            name: label.to_owned(),
            zone: String::new(),
            weight: Weight::DEFAULT,
            addresses: Addresses { peer: name(node), ..Addresses::default() },
            seeds: flags.seeds.clone(),
            found: flags.found.map(|cluster| FoundCluster { cluster, partitions, replicas: 3 }),
            heartbeat_interval: Duration::from_secs(1),
            phi_threshold: 8.0,
            shards: SHARDS,
        };
        let restored = Restored {
            cluster: entry.directory.cluster,
            facts: entry.directory.facts.clone(),
            votes: entry.directory.votes.clone(),
        };
        let mut machine = Membership::new(config, restored, random);
        let mut out = Vec::new();
        machine.start(self.clock(), &mut out);
        self.node(node).machine = Some(machine);
        self.perform(node, out);
    }

    pub(super) fn restart(&mut self, node: NodeId) {
        self.start(node, &Flags::default());
    }

    /// Kills a node. Of what it had not synced, a random first part is on disk.
    pub(super) fn kill(&mut self, node: NodeId) {
        let unsynced = std::mem::take(&mut self.node(node).unsynced);
        let kept = self.random.below(unsynced.len() as u32 + 1) as usize;
        for (_, save) in unsynced.into_iter().take(kept) {
            self.node(node).write(save);
        }
        let dead = self.node(node);
        (dead.machine, dead.timer, dead.view) = (None, None, None);
        dead.met.clear();
        for peer in self.nodes.keys().copied().collect::<Vec<_>>() {
            if self.node(peer).met.remove(&node) {
                self.later(peer, Event::LinkDown { peer: node }, 1);
            }
        }
    }

    pub(super) fn is_up(&self, node: NodeId) -> bool {
        self.nodes[&node].machine.is_some()
    }

    fn node(&mut self, node: NodeId) -> &mut Node {
        self.nodes.get_mut(&node).expect("the test started this node")
    }

    fn clock(&self) -> Now {
        let wall = WallTime::from_millis(1_700_000_000_000 + self.now.as_micros() / 1000);
        Now { instant: self.now, wall }
    }

    fn later(&mut self, node: NodeId, event: Event, delay_max_millis: u32) {
        let micros = 100 + u64::from(self.random.below(delay_max_millis * 1000));
        self.event_number += 1;
        let at = self.now.after(Duration::from_micros(micros));
        self.events.insert((at, self.event_number), (node, event));
    }

    /// Lets so much time pass.
    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now.after(time);
        while self.turn(end) {}
        self.now = end;
    }

    /// Lets time pass until something holds; panics if it takes longer than a minute.
    pub(super) fn run_until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let end = self.now.after(Duration::from_mins(1));
        while !holds(self) {
            assert!(self.turn(end), "in vain: {what}");
        }
    }

    /// The next event or timer, if it comes before `end`.
    fn turn(&mut self, end: Instant) -> bool {
        let timers = self.nodes.iter().filter_map(|(&id, node)| Some((node.timer?, id)));
        let timer = timers.min();
        let event = self.events.first_key_value().map(|(&key, _)| key);
        let next = timer.map(|(at, _)| at).into_iter().chain(event.map(|(at, _)| at)).min();
        let Some(next) = next.filter(|next| *next <= end) else { return false };
        self.turns_at_once = if self.now < next { 0 } else { self.turns_at_once + 1 };
        assert!(self.turns_at_once < 10_000, "time stands still: a timer comes due for ever");
        self.now = self.now.max(next);
        match event {
            Some(key) if key.0 == next => {
                let (node, event) = self.events.remove(&key).expect("it was there just now");
                self.happen(node, event);
            }
            _ => {
                let (_, node) = timer.expect("nothing else is next");
                self.node(node).timer = None;
                self.step(node, MembershipInput::Tick);
            }
        }
        true
    }

    fn happen(&mut self, node: NodeId, event: Event) {
        let boot = self.nodes[&node].directory.boot;
        match event {
            Event::Message { from, message } => {
                self.step(node, MembershipInput::Peer { from, message });
            }
            Event::Link { peer, seed } if self.is_up(peer) => {
                let there = &self.nodes[&peer];
                let introduction = Introduction {
                    node: peer,
                    cluster: there.directory.cluster,
                    boot: BootNumber(there.directory.boot),
                    nonce: BootNonce(there.nonce),
                };
                let input = match seed {
                    Some(seed) => MembershipInput::SeedReached { seed, introduction },
                    None => MembershipInput::Introduced(introduction),
                };
                self.step(node, input);
            }
            Event::LinkDown { peer } => self.step(node, MembershipInput::LinkDown(peer)),
            Event::Synced { boot: of, id } if of == boot => {
                let node_state = self.node(node);
                let synced: Vec<_> =
                    node_state.unsynced.extract_if(.., |(save, _)| *save <= id).collect();
                for (_, save) in synced {
                    node_state.write(save);
                }
                self.step(node, MembershipInput::Saved(id));
            }
            Event::ShardMoved { boot: of, shard } if of == boot => {
                let progress = self.progress_of(node, shard);
                self.step(node, MembershipInput::ShardMoved { shard, progress });
            }
            Event::Link { .. } | Event::Synced { .. } | Event::ShardMoved { .. } => {}
        }
    }

    pub(super) fn step(&mut self, node: NodeId, input: MembershipInput) {
        let now = self.clock();
        let mut out = Vec::new();
        let Some(machine) = &mut self.node(node).machine else { return };
        machine.step(now, input, &mut out);
        self.perform(node, out);
    }

    fn perform(&mut self, node: NodeId, effects: Vec<MembershipEffect>) {
        let mut published = Vec::new();
        for effect in effects {
            match effect {
                MembershipEffect::Send { to, message } => self.send(node, to, message),
                MembershipEffect::Introduce(address) => self.introduce(node, address),
                MembershipEffect::Reply { id, reply } => {
                    assert!(self.replies.insert(id, reply).is_none(), "{id:?} answered twice");
                }
                MembershipEffect::Save { id, save } => {
                    self.node(node).unsynced.push((id, save));
                    let boot = self.nodes[&node].directory.boot;
                    self.later(node, Event::Synced { boot, id }, 5);
                }
                MembershipEffect::Publish { view, addresses } => {
                    let shown = self.node(node);
                    shown.addresses = addresses;
                    shown.view = Some(Arc::clone(&view));
                    published.push(view);
                }
                MembershipEffect::SetTimer(at) => self.node(node).timer = Some(at),
                MembershipEffect::Stop(why) => self.node(node).stop = Some(why),
                MembershipEffect::Observe(seen) => self.node(node).observed.push(seen),
            }
        }
        for view in published {
            self.check_view(node, &view);
            self.shards_see(node);
        }
    }

    pub(super) fn version(&self, node: NodeId) -> u64 {
        self.nodes[&node].ring().map_or(0, |ring| ring.version.0)
    }

    pub(super) fn facts(&self, node: NodeId) -> &Facts {
        self.nodes[&node].machine.as_ref().expect("the node is up").facts.facts()
    }

    /// Whether the node knows that everything which the newest ring moved is settled.
    pub(super) fn is_settled(&self, node: NodeId) -> bool {
        let moves = self.nodes[&node].view.as_ref().and_then(|view| view.transition.as_ref());
        moves.is_none_or(|moves| moves.is_over())
    }
}

impl Node {
    fn write(&mut self, save: Save) {
        match save {
            Save::Cluster { cluster, facts } => {
                self.directory.cluster = Some(cluster);
                self.directory.facts = *facts;
            }
            Save::Votes(votes) => self.directory.votes = votes,
        }
    }
}
