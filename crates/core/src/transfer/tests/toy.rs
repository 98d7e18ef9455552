//! A toy cluster of six nodes in which one partition moves: a store is a set of writes, gossip and
//! messages come in any order or never, nodes crash and lose stores. Levels, statements, sets of
//! replicas, refusals and confirming are the production's own.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::identity::{BootNonce, BootNumber};
use crate::membership::facts::{Addresses, FactVersion, Facts, NodeFact};
use crate::membership::gossip::FactBase;
use crate::random::Random;

pub(super) const NODES: u64 = 6;

/// A clause of the rule that a run leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    Nothing,
    /// Replicas take writes of those who know only the old ring.
    AcceptStaleWrites,
    /// A new owner confirms after it has pulled from one.
    PullFromOne,
    /// Nobody waits for others to read from the new owners before writes pass the old ones by.
    SkipAcknowledgement,
    /// A level is acted upon before it is on disk.
    ForgetLevels,
    /// An old owner is a source before it has learned of the ring.
    UnlearnedSource,
}

/// What of a node survives a crash.
#[derive(Clone, Debug)]
struct Disk {
    facts: FactBase,
    change: Option<Transition>,
    store: BTreeSet<u32>,
    confirmed: bool,
}

#[derive(Clone, Debug)]
struct Host {
    boot: u64,
    said: u64,
    disk: Disk,
    facts: FactBase,
    buffer: BTreeSet<u32>,
    confirming: Confirming,
    /// Whether it counts in reads of the old owners (rule 19), and with whom it agrees since.
    counts: bool,
    refilled_from: BTreeSet<u64>,
}

impl Host {
    /// The change as this node acts upon it.
    fn change(&self) -> Option<&Transition> {
        self.disk.change.as_ref()
    }

    fn all(&self) -> BTreeSet<u32> {
        self.disk.store.union(&self.buffer).copied().collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Write,
    Read,
}

#[derive(Clone, Debug)]
struct Op {
    kind: Kind,
    at: u64,
    /// Whether it has to know a newer ring to go on, and the level at which it goes on at least.
    waits: bool,
    footing: Footing,
    /// Counts how often a read began again: no answer of before counts.
    turn: u32,
    got: BTreeMap<u64, BTreeSet<u32>>,
    must: BTreeSet<u32>,
    done: bool,
}

#[derive(Clone, Debug)]
enum Message {
    Ask { to: u64, op: u32, footing: Footing, turn: u32 },
    Synced { at: u64, op: u32, boot: u64 },
    Refused { op: u32, footing: Footing },
    Answer { from: u64, op: u32, turn: u32, found: BTreeSet<u32>, boot: u64 },
}

pub(super) struct Toy {
    random: Random,
    broken: Broken,
    from: Arc<Ring>,
    to: Arc<Ring>,
    quorum: (usize, usize),
    hosts: Vec<Host>,
    ops: BTreeMap<u32, Op>,
    messages: Vec<Message>,
    acked: BTreeSet<u32>,
    lost: bool,
    pub(super) stale: Option<u32>,
    pub(super) reads: u32,
}

impl Toy {
    pub(super) fn new(seed: u64, broken: Broken) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        let mut random = Random::from_seed(bytes);
        let size = if random.below(4) == 0 { 1 } else { 3 };
        let old = draw(&mut random, size);
        let new = draw(&mut random, 3);
        let quorum = [(2, 2), (2, 2), (3, 1), (1, 3)][random.below(4) as usize];
        let (from, to) = (ring(1, &old), ring(2, &new));
        let facts = FactBase::new(Facts { ring: Some(Arc::clone(&from)), ..Facts::default() });
        let store = BTreeSet::new();
        let host = Host {
            boot: 1,
            said: 0,
            disk: Disk { facts: facts.clone(), change: None, store, confirmed: false },
            facts,
            buffer: BTreeSet::new(),
            confirming: Confirming::default(),
            counts: true,
            refilled_from: BTreeSet::new(),
        };
        Self {
            random,
            broken,
            from,
            to,
            quorum,
            hosts: vec![host; NODES as usize],
            ops: BTreeMap::new(),
            messages: Vec::new(),
            acked: BTreeSet::new(),
            lost: false,
            stale: None,
            reads: 0,
        }
    }

    fn host(&mut self, at: u64) -> &mut Host {
        &mut self.hosts[at as usize]
    }

    fn any(&mut self) -> u64 {
        u64::from(self.random.below(NODES as u32))
    }

    /// Plays a schedule.
    pub(super) fn play(&mut self) {
        let weights: Vec<u32> = (0..6).map(|_| [1, 3, 9][self.random.below(3) as usize]).collect();
        let steps = 100 + self.random.below(500);
        for step in 0..steps {
            if step == 10 {
                let at = self.any();
                self.learn(at);
            }
            let all = weights[0] + weights[1] + 5 * weights[2] + weights[3] + weights[4] + 1;
            let drawn = self.random.below(all);
            let bounds = [weights[0], weights[1], 5 * weights[2], weights[3], weights[4], 1];
            let mut upto = 0;
            let event = bounds.iter().position(|weight| {
                upto += weight;
                drawn < upto
            });
            match event {
                Some(0) => self.begin(Kind::Write),
                Some(1) => self.begin(Kind::Read),
                Some(2) => self.deliver(),
                Some(3) => self.gossip(),
                Some(4) => self.pull(),
                _ => self.fault(),
            }
        }
    }

    pub(super) fn highest(&self) -> Option<MoveLevel> {
        self.hosts.iter().filter_map(|host| host.change()?.level(P)).max()
    }

    /// A node has heard of the new ring.
    fn learn(&mut self, at: u64) {
        let facts = Facts { ring: Some(Arc::clone(&self.to)), ..Facts::default() };
        // One cluster: nothing is refused.
        let _ = self.host(at).facts.merge(ClusterId::new(7), &facts);
        self.save(at);
    }

    /// The facts are saved with the level that follows from them; then it is said.
    fn save(&mut self, at: u64) {
        let (broken, to) = (self.broken, Arc::clone(&self.to));
        let from = Arc::clone(&self.from);
        let host = self.host(at);
        if host.facts.ring().is_none_or(|ring| ring.version != to.version) {
            host.disk.facts = host.facts.clone();
            return;
        }
        let begun = || Transition::begin(from, to);
        let mut change = host.disk.change.clone().or_else(begun);
        if let Some(change) = &mut change {
            let nodes = host.facts.facts().nodes.iter();
            let progress = nodes.map(|(node, fact)| (*node, &fact.progress)).collect();
            change.raise(&Said { progress, dead: &nobody() });
            if broken == Broken::SkipAcknowledgement && change.level(P) == Some(MoveLevel::ReadNew)
            {
                change.settle();
            }
        }
        host.disk.change = change;
        host.disk.facts = host.facts.clone();
        self.say(at);
        let behind = self.ops.iter().filter(|(_, op)| op.at == at && op.waits && !op.done);
        for op in behind.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.go_on(op);
        }
    }

    fn say(&mut self, at: u64) {
        let host = self.host(at);
        let Some(change) = &host.disk.change else { return };
        let progress = Progress {
            ring: change.to().version,
            confirmed: if host.disk.confirmed { BTreeSet::from([P]) } else { BTreeSet::new() },
            reads_new: change.reads_new(),
            ..Progress::default()
        };
        if host.facts.facts().nodes.get(&node(at)).map(|f| &f.progress) == Some(&progress) {
            return;
        }
        host.said += 1;
        let version = FactVersion { boot: BootNumber(host.boot), sequence: host.said };
        let fact = NodeFact {
            version,
            nonce: BootNonce(host.boot),
            name: String::new(),
            zone: String::new(),
            addresses: Addresses::default(),
            ring: change.to().version,
            votes: 0,
            progress,
        };
        if host.facts.note(node(at), &fact) {
            self.save(at);
        }
    }

    fn gossip(&mut self) {
        let (one, other) = (self.any(), self.any());
        let facts = self.hosts[one as usize].facts.facts().clone();
        let _ = self.host(other).facts.merge(ClusterId::new(7), &facts);
        self.save(other);
    }

    /// A new owner pulls from an old one, or an old one that lost its store from another.
    fn pull(&mut self) {
        let (at, source) = (self.any(), self.any());
        self.refill(at, source);
        let (new, old) = (&self.to.table[0], &self.from.table[0]);
        let at = new[self.random.below(new.len() as u32) as usize].get();
        let source = old[self.random.below(old.len() as u32) as usize].get();
        let one = self.broken == Broken::PullFromOne;
        let w = self.w_of(&self.from.clone()) as u8;
        let learned = self.hosts[source as usize].change().is_some();
        let answers = learned || self.broken == Broken::UnlearnedSource;
        let counts = self.hosts[source as usize].counts;
        let found = self.hosts[source as usize].all();
        let host = self.host(at);
        let Some(change) = host.disk.change.clone() else { return };
        if host.disk.confirmed || change.level(P) != Some(MoveLevel::Both) || !counts || !answers {
            return;
        }
        host.disk.store.extend(found);
        host.confirming.agrees(P, node(source));
        if one || host.confirming.is_enough(&change, P, w, &nobody()) {
            host.disk.confirmed = true;
            self.say(at);
        }
    }

    /// Rule 19 for an old owner, and for a new one that may not confirm from old owners any more.
    fn refill(&mut self, at: u64, source: u64) {
        let (me, other) = (&self.hosts[at as usize], &self.hosts[source as usize]);
        let late = me.change().and_then(|change| change.level(P)) >= Some(MoveLevel::ReadNew);
        let is_new = self.to.owns(node(at), P);
        let of_new = late && is_new && !me.disk.confirmed;
        let of_old = !me.counts && !late && self.from.owns(node(at), P);
        let ring = Arc::clone(if of_new { &self.to } else { &self.from });
        let source_counts = if of_new { other.disk.confirmed } else { other.counts };
        if at == source || !(of_new || of_old) || !source_counts || !ring.owns(node(source), P) {
            return;
        }
        let found = other.all();
        let needed = (ring.table[0].len() - 1).min(ring.table[0].len() + 1 - self.w_of(&ring));
        let host = self.host(at);
        host.disk.store.extend(found);
        host.refilled_from.insert(source);
        if host.refilled_from.len() >= needed {
            host.refilled_from.clear();
            if of_new {
                host.disk.confirmed = true;
            } else {
                host.counts = true;
            }
            self.say(at);
        }
    }

    fn w_of(&self, ring: &Ring) -> usize {
        self.quorum.0.min(ring.table[0].len())
    }

    fn r_of(&self, ring: &Ring) -> usize {
        self.quorum.1.min(ring.table[0].len())
    }

    fn fault(&mut self) {
        let at = self.any();
        if self.random.below(3) > 0 {
            return self.crash(at);
        }
        // The only copy of what one replica has acknowledged is lost with it, by any rule.
        if !self.lost && self.w_of(&self.from.clone()) > 1 {
            self.lost = true;
            self.crash(at);
            // What it had acknowledged is decided before it counts again (rule 19).
            for op in self.ops.values_mut().filter(|op| op.kind == Kind::Write) {
                op.done |= op.got.contains_key(&at);
            }
            let host = self.host(at);
            host.disk.store.clear();
            host.disk.confirmed = false;
            host.confirming = Confirming::default();
            host.counts = false;
            host.refilled_from.clear();
            self.say(at);
        }
    }

    fn crash(&mut self, at: u64) {
        let forget = self.broken == Broken::ForgetLevels;
        self.ops.values_mut().filter(|op| op.at == at).for_each(|op| op.done = true);
        let host = self.host(at);
        host.boot += 1;
        host.buffer.clear();
        host.refilled_from.clear();
        host.facts = host.disk.facts.clone();
        if forget {
            host.facts = FactBase::new(Facts::default());
            host.disk.change = None;
        }
        self.say(at);
    }
}

/// `size` different nodes.
fn draw(random: &mut Random, size: usize) -> Vec<u64> {
    let mut left: Vec<u64> = (0..NODES).collect();
    (0..size).map(|_| left.remove(random.below(left.len() as u32) as usize)).collect()
}

mod requests;
