//! The membership machines of a cluster in which nothing happens, under virtual time: all are
//! members, all know it, and no message is lost or late.
//!
//! Every machine is production's own ([`stator_core::membership::Membership`]). A machine works for
//! each heartbeat of each peer, so that a thousand of them are more than one computer goes through
//! in a while. Beyond a bound the other members are *mirrors*: of a machine's heartbeat or probe a
//! mirror gives back its own, which says the same. In steady state that is what a machine would
//! have sent, as often. What mirrors send is not counted.

use std::sync::Arc;
use std::time::Duration;

use stator_core::identity::{BootNonce, BootNumber, ClusterId, NodeId};
use stator_core::membership::effect::{MembershipEffect, MembershipInput, SaveId};
use stator_core::membership::facts::{Addresses, FactVersion, Facts, NodeFact, StagedChange};
use stator_core::membership::{Membership, MembershipConfig, MembershipMessage, Restored};
use stator_core::ring::{Change, Member, Ring, RingVersion, Weight, plan};
use stator_core::time::{Instant, Now, WallTime};
use stator_core::token::PartitionCount;
use stator_core::transfer::Progress;

use super::traffic::Traffic;
use crate::draw::Draw;
use crate::queue::Queue;

const CLUSTER: ClusterId = ClusterId::new(1);
/// One way, in a rack.
const DELAY: Duration = Duration::from_micros(500);
const SAVE: Duration = Duration::from_millis(1);
/// The wall clock when the world begins; stamps need one.
const EPOCH: u64 = 1_700_000_000_000;
const BOOT: BootNumber = BootNumber(1);

/// A cluster in steady state.
#[derive(Debug)]
pub struct Cluster {
    now: Instant,
    ids: Vec<NodeId>,
    machines: Vec<Machine>,
    agenda: Queue<Event>,
    /// What machines have sent since this was last taken.
    pub sent: Traffic,
}

#[derive(Debug)]
struct Machine {
    membership: Membership,
    timer: Option<Instant>,
}

/// By place; places from the number of machines on are mirrors.
#[derive(Debug)]
enum Event {
    Start(usize),
    Tick { node: usize, at: Instant },
    Frame { from: usize, to: usize, message: MembershipMessage },
    Saved { node: usize, id: SaveId },
}

impl Cluster {
    /// A cluster of so many nodes, of which at most `most` are machines; all of those start within
    /// the first heartbeat interval.
    pub fn new(nodes: usize, most: usize, partitions: PartitionCount, draw: &Draw) -> Self {
        let mut ids: Vec<NodeId> = {
            let mut draw = draw.child("ids");
            (0..nodes).map(|_| NodeId::new(draw.bits())).collect()
        };
        ids.sort_unstable();
        let facts = facts(&ids, partitions);
        let machine = |place: usize| {
            let random = draw.child(&format!("machine {place}")).into_random();
            // Only a node itself speaks for itself; it will say what the others know of it.
            let mut known = facts.clone();
            known.nodes.remove(&ids[place]);
            let restored = Restored { cluster: Some(CLUSTER), facts: known, ..Restored::default() };
            Machine {
                membership: Membership::new(config(ids[place], place), restored, random),
                timer: None,
            }
        };
        let machines: Vec<Machine> = (0..nodes.min(most)).map(machine).collect();
        let mut agenda = Queue::new();
        let mut starts = draw.child("starts");
        for place in 0..machines.len() {
            let within = starts.duration(Duration::ZERO, MembershipConfig::HEARTBEAT_INTERVAL);
            agenda.push(Instant::default().after(within), Event::Start(place));
        }
        Self { now: Instant::default(), ids, machines, agenda, sent: Traffic::default() }
    }

    /// How many of the nodes are machines.
    pub const fn machines(&self) -> usize {
        self.machines.len()
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

    fn happen(&mut self, event: Event) {
        match event {
            Event::Start(node) => {
                let mut effects = Vec::new();
                self.machines[node].membership.start(clock(self.now), &mut effects);
                self.perform(node, effects);
            }
            Event::Tick { node, at } => {
                if self.machines[node].timer == Some(at) {
                    self.machines[node].timer = None;
                    self.step(node, MembershipInput::Tick);
                }
            }
            Event::Frame { from, to, message } if to < self.machines.len() => {
                let from = self.ids[from];
                self.step(to, MembershipInput::Peer { from, message });
            }
            Event::Frame { from, to, message } => self.mirror(from, to, message),
            Event::Saved { node, id } => self.step(node, MembershipInput::Saved(id)),
        }
    }

    /// What a machine has said comes back from a mirror as the mirror's own word.
    fn mirror(&mut self, from: usize, to: usize, message: MembershipMessage) {
        let message = match message {
            MembershipMessage::Heartbeat { sequence, .. } => {
                MembershipMessage::Heartbeat { sequence, heard: sequence, wants_answer: false }
            }
            probe @ MembershipMessage::Probe { .. } => probe,
            news => unreachable!("nothing is new in steady state: {news:?}"),
        };
        self.agenda.push(self.now.after(DELAY), Event::Frame { from: to, to: from, message });
    }

    fn step(&mut self, node: usize, input: MembershipInput) {
        let mut effects = Vec::new();
        self.machines[node].membership.step(clock(self.now), input, &mut effects);
        self.perform(node, effects);
    }

    fn perform(&mut self, node: usize, effects: Vec<MembershipEffect>) {
        for effect in effects {
            match effect {
                MembershipEffect::Send { to, message } => {
                    self.sent.add(&message);
                    let to = self.ids.binary_search(&to).expect("only members are sent to");
                    let event = Event::Frame { from: node, to, message };
                    self.agenda.push(self.now.after(DELAY), event);
                }
                MembershipEffect::Save { id, .. } => {
                    self.agenda.push(self.now.after(SAVE), Event::Saved { node, id });
                }
                MembershipEffect::SetTimer(at) => {
                    self.machines[node].timer = Some(at);
                    self.agenda.push(at, Event::Tick { node, at });
                }
                MembershipEffect::Publish { view, .. } => {
                    assert!(view.suspected.is_empty(), "nobody is silent: {:?}", view.suspected);
                }
                MembershipEffect::Observe(_) => {}
                unasked => unreachable!("no seeds, no operators, no copies: {unasked:?}"),
            }
        }
    }
}

fn clock(now: Instant) -> Now {
    let wall = WallTime::from_millis(EPOCH + now.as_micros() / 1000);
    Now { instant: now, wall }
}

const fn nonce(place: usize) -> BootNonce {
    BootNonce(place as u64 + 1)
}

fn name(place: usize) -> String {
    format!("n{}", place + 1)
}

fn zone(place: usize) -> String {
    format!("rack-{}", place % 3)
}

/// As long as they are in a data centre.
fn addresses(place: usize) -> Addresses {
    let host = format!("10.20.{}.{}", place / 200, place % 200 + 1);
    Addresses { peer: format!("{host}:7412"), http: format!("{host}:7411"), resp: String::new() }
}

fn config(me: NodeId, place: usize) -> MembershipConfig {
    MembershipConfig {
        me,
        boot: BOOT,
        nonce: nonce(place),
        name: name(place),
        zone: zone(place),
        weight: Weight::DEFAULT,
        addresses: addresses(place),
        seeds: Vec::new(),
        found: None,
        heartbeat_interval: MembershipConfig::HEARTBEAT_INTERVAL,
        phi_threshold: MembershipConfig::PHI_THRESHOLD,
        shards: 2,
    }
}

/// What everybody knows: the ring, and each node's first word of itself.
fn facts(ids: &[NodeId], partitions: PartitionCount) -> Facts {
    let ring = Arc::new(ring(ids, partitions));
    let said = |(place, node): (usize, &NodeId)| {
        let fact = NodeFact {
            version: FactVersion { boot: BOOT, sequence: 1 },
            nonce: nonce(place),
            name: name(place),
            zone: zone(place),
            addresses: addresses(place),
            ring: ring.version,
            votes: 0,
            progress: Progress::default(),
        };
        (*node, fact)
    };
    let nodes = ids.iter().enumerate().map(said).collect();
    Facts { ring: Some(Arc::clone(&ring)), nodes, ..Facts::default() }
}

/// The ring after all have joined at once.
fn ring(ids: &[NodeId], partitions: PartitionCount) -> Ring {
    let member = |place| Member { name: name(place), zone: zone(place), weight: Weight::DEFAULT };
    let alone = Ring::found(CLUSTER, partitions, 3, ids[0], member(0));
    let join = |(place, node): (usize, &NodeId)| {
        let Member { name, zone, weight } = member(place);
        Change { node: *node, change: StagedChange::Join { name, zone, weight } }
    };
    let joins: Vec<Change> = ids.iter().enumerate().skip(1).map(join).collect();
    let mut ring = plan(&alone, &joins).expect("ids and names differ").ring;
    ring.version = RingVersion(2);
    ring
}
