//! The membership machines of one cluster under virtual time: who is a member is settled from the
//! start, and nothing happens but heartbeats and gossip.

use std::sync::Arc;
use std::time::Duration;

use stator_core::identity::{BootNonce, BootNumber, ClusterId, NodeId};
use stator_core::membership::effect::{
    Introduction, MembershipEffect, MembershipInput, Save, SaveId,
};
use stator_core::membership::facts::{Addresses, Facts};
use stator_core::membership::{Membership, MembershipConfig, MembershipMessage, Restored};
use stator_core::ring::{Member, Ring, Weight};
use stator_core::time::{Instant, Now, WallTime};
use stator_core::token::PartitionCount;

use super::links::{Links, Network};
use super::verdicts::Verdicts;
use crate::draw::Draw;
use crate::queue::Queue;

const CLUSTER: ClusterId = ClusterId::new(1);
/// How long a save takes. Nothing that is measured waits for one.
const SAVE: Duration = Duration::from_millis(1);
/// The wall clock when the world begins; stamps need one.
const EPOCH: u64 = 1_700_000_000_000;

/// What a cluster is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setup {
    /// How many nodes it has.
    pub nodes: usize,
    /// Above this phi a peer is held to be down.
    pub threshold: f64,
    /// How messages travel.
    pub network: Network,
}

/// The machines, what is under way between them, and what time it is.
#[derive(Debug)]
pub struct Cluster {
    threshold: f64,
    now: Instant,
    nodes: Vec<Node>,
    agenda: Queue<Event>,
    links: Links,
    /// Who holds whom to be down.
    pub verdicts: Verdicts,
    draw: Draw,
}

/// A node by its place.
#[derive(Debug, Default)]
struct Node {
    machine: Option<Membership>,
    boot: u64,
    timer: Option<Instant>,
    stands_still_until: Instant,
    saved: Facts,
}

#[derive(Debug)]
enum Event {
    Start(usize),
    Tick { node: usize, at: Instant },
    Frame { from: Process, to: Process, message: MembershipMessage },
    Saved { by: Process, id: SaveId },
}

impl Event {
    /// The node to which it happens.
    const fn node(&self) -> usize {
        match self {
            Self::Start(node) | Self::Tick { node, .. } => *node,
            Self::Frame { to, .. } => to.node,
            Self::Saved { by, .. } => by.node,
        }
    }
}

/// One start of a node. A frame belongs to a connection, which ends when either process is
/// replaced by the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Process {
    node: usize,
    boot: u64,
}

fn id(place: usize) -> NodeId {
    NodeId::new(place as u64 + 1)
}

fn place(id: NodeId) -> usize {
    (id.get() - 1) as usize
}

/// A ring of which all are members. Who owns what does not matter to the detector.
fn ring(nodes: usize) -> Ring {
    let member = |node: usize| Member {
        name: format!("n{}", node + 1),
        zone: String::new(),
        weight: Weight::DEFAULT,
    };
    let whole = PartitionCount::new(1).expect("1 is a power of two");
    let mut ring = Ring::found(CLUSTER, whole, 3, id(0), member(0));
    ring.members.extend((1..nodes).map(|node| (id(node), member(node))));
    ring
}

impl Cluster {
    /// A cluster whose nodes all start within the first second.
    pub fn new(setup: Setup, draw: &Draw) -> Self {
        let ring = Arc::new(ring(setup.nodes));
        let saved = Facts { ring: Some(ring), ..Facts::default() };
        let node = || Node { saved: saved.clone(), ..Node::default() };
        let mut cluster = Self {
            threshold: setup.threshold,
            now: Instant::default(),
            nodes: (0..setup.nodes).map(|_| node()).collect(),
            agenda: Queue::new(),
            links: Links::new(setup.network, setup.nodes, draw.child("links")),
            verdicts: Verdicts::new(setup.nodes),
            draw: draw.child("nodes"),
        };
        for node in 0..setup.nodes {
            let within = cluster.draw.duration(Duration::ZERO, Duration::from_secs(1));
            cluster.agenda.push(Instant::default().after(within), Event::Start(node));
        }
        cluster
    }

    /// What time it is.
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// Lets so much time pass.
    pub fn pass(&mut self, time: Duration) {
        let until = self.now.after(time);
        while let Some((at, event)) = self.agenda.pop(until) {
            self.now = at;
            self.happen(event);
        }
        self.now = until;
    }

    /// A node vanishes: it says nothing more, and nobody is told.
    pub fn kill(&mut self, node: usize) {
        self.nodes[node].machine = None;
        self.nodes[node].timer = None;
        self.verdicts.forget(node);
    }

    /// A node starts (again): it and its peers shake hands.
    pub fn start(&mut self, node: usize) {
        let random = self.draw.child(&format!("{node}/{}", self.nodes[node].boot)).into_random();
        let this = &mut self.nodes[node];
        this.boot += 1;
        let config = MembershipConfig {
            me: id(node),
            boot: BootNumber(this.boot),
            nonce: BootNonce(this.boot),
            name: format!("n{}", node + 1),
            zone: String::new(),
            weight: Weight::DEFAULT,
            addresses: Addresses::default(),
            seeds: Vec::new(),
            found: None,
            heartbeat_interval: MembershipConfig::HEARTBEAT_INTERVAL,
            phi_threshold: self.threshold,
            shards: 1,
        };
        let facts = this.saved.clone();
        let restored = Restored { cluster: Some(CLUSTER), facts, ..Restored::default() };
        let mut machine = Membership::new(config, restored, random);
        let mut effects = Vec::new();
        machine.start(clock(self.now), &mut effects);
        this.machine = Some(machine);
        self.links.connect(node);
        self.perform(node, effects);
        for peer in 0..self.nodes.len() {
            if peer != node && self.nodes[peer].machine.is_some() {
                self.introduce(peer, node);
                self.introduce(node, peer);
            }
        }
    }

    /// A node stands still for so long, as a process that is stopped: what comes meanwhile waits.
    pub fn pause(&mut self, node: usize, time: Duration) {
        self.nodes[node].stands_still_until = self.now.after(time);
    }

    /// Everything sent from one node to another is lost from now on.
    pub fn cut(&mut self, from: usize, to: usize) {
        self.links.cut(from, to);
    }

    /// That link is whole again.
    pub fn heal(&mut self, from: usize, to: usize) {
        self.links.heal(from, to);
    }

    fn introduce(&mut self, to: usize, peer: usize) {
        let boot = self.nodes[peer].boot;
        let introduction = Introduction {
            node: id(peer),
            cluster: Some(CLUSTER),
            boot: BootNumber(boot),
            nonce: BootNonce(boot),
        };
        self.step(to, MembershipInput::Introduced(introduction));
    }

    fn process_of(&self, node: usize) -> Process {
        Process { node, boot: self.nodes[node].boot }
    }

    fn happen(&mut self, event: Event) {
        let goes_on = self.nodes[event.node()].stands_still_until;
        if self.now < goes_on {
            self.agenda.push(goes_on, event);
            return;
        }
        match event {
            Event::Start(node) => self.start(node),
            Event::Tick { node, at } => {
                if self.nodes[node].timer == Some(at) {
                    self.nodes[node].timer = None;
                    self.step(node, MembershipInput::Tick);
                }
            }
            Event::Frame { from, to, message } => {
                if self.process_of(from.node) == from && self.process_of(to.node) == to {
                    self.step(to.node, MembershipInput::Peer { from: id(from.node), message });
                }
            }
            Event::Saved { by, id } => {
                if self.process_of(by.node) == by {
                    self.step(by.node, MembershipInput::Saved(id));
                }
            }
        }
    }

    fn step(&mut self, node: usize, input: MembershipInput) {
        let mut effects = Vec::new();
        let Some(machine) = &mut self.nodes[node].machine else { return };
        machine.step(clock(self.now), input, &mut effects);
        self.perform(node, effects);
    }

    fn perform(&mut self, node: usize, effects: Vec<MembershipEffect>) {
        for effect in effects {
            match effect {
                MembershipEffect::Send { to, message } => self.send(node, place(to), message),
                MembershipEffect::Save { id, save } => {
                    if let Save::Cluster { facts, .. } = save {
                        self.nodes[node].saved = *facts;
                    }
                    let event = Event::Saved { by: self.process_of(node), id };
                    self.agenda.push(self.now.after(SAVE), event);
                }
                MembershipEffect::Publish { view, .. } => {
                    self.verdicts.show(self.now, node, &view, id);
                }
                MembershipEffect::SetTimer(at) => {
                    self.nodes[node].timer = Some(at);
                    self.agenda.push(at, Event::Tick { node, at });
                }
                MembershipEffect::Observe(_) => {}
                MembershipEffect::Stop(why) => panic!("n{} stops: {why}", node + 1),
                unasked @ (MembershipEffect::Introduce(_) | MembershipEffect::Reply { .. }) => {
                    unreachable!("no seeds, no operators, no new ring: {unasked:?}")
                }
            }
        }
    }

    fn send(&mut self, from: usize, to: usize, message: MembershipMessage) {
        if let Some(arrival) = self.links.carry(self.now, from, to) {
            let (from, to) = (self.process_of(from), self.process_of(to));
            self.agenda.push(arrival, Event::Frame { from, to, message });
        }
    }
}

const fn clock(now: Instant) -> Now {
    let wall = WallTime::from_millis(EPOCH + now.as_micros() / 1000);
    Now { instant: now, wall }
}
