//! Membership as one machine: told what happened and what time it is, it says what to do.
//!
//! The paper, 4.8 and 4.9. This file only routes; each concern is a room of its own:
//!
//! | room | concern |
//! | --- | --- |
//! | `join` | founding a cluster, finding one by its seeds (rule 14) |
//! | `peers` | heartbeats, handshakes, who is held to be down |
//! | `spread` | gossip rounds, and pushes that must arrive now |
//! | `disk` | what must be durable before something else happens |
//! | `identity` | what this node says of itself, and the tripwires (rule 19) |
//! | `view` | what shards and front doors are shown |
//! | `moving` | the change under way: levels of partitions that move (rule 17) |
//! | `vote`, `commit`, `drive` | choosing the next ring by majority (rule 15) |
//! | `recover` | going on without a majority that is gone for ever |
//! | `admin`, `status` | operators' requests |
//!
//! The rule kept throughout: nothing is said, shown or relied upon before it is durable where
//! forgetting it in a crash could hurt: votes, the cluster's id, the ring in use, levels of moves.

mod admin;
mod commit;
mod disk;
mod drive;
mod identity;
mod join;
mod moving;
mod peers;
mod recover;
mod spread;
mod status;
mod view;
mod vote;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::identity::{BootNonce, BootNumber, ClusterId, NodeId};
use crate::membership::MembershipMessage;
use crate::membership::effect::{MembershipEffect, MembershipInput};
use crate::membership::facts::{Addresses, Facts};
use crate::membership::gossip::FactBase;
use crate::random::Random;
use crate::register::{Acceptor, Votes};
use crate::ring::{Ring, Weight};
use crate::time::{Instant, Now};
use crate::token::PartitionCount;

/// How a node's membership is set up.
#[derive(Clone, Debug)]
pub struct MembershipConfig {
    /// This node.
    pub me: NodeId,
    /// Its start, counted durably by the shell before the machine is made.
    pub boot: BootNumber,
    /// A random mark of this start.
    pub nonce: BootNonce,
    /// Its label.
    pub name: String,
    /// Its zone.
    pub zone: String,
    /// Its capacity.
    pub weight: Weight,
    /// Where it can be reached.
    pub addresses: Addresses,
    /// Peer addresses of nodes to join, as `host:port`; not needed by a node that knows a cluster.
    pub seeds: Vec<String>,
    /// The cluster to found if this node knows none and its seeds know none either.
    pub found: Option<FoundCluster>,
    /// How often members are told that this node lives.
    pub heartbeat_interval: Duration,
    /// Above this phi a peer is held to be down.
    pub phi_threshold: f64,
    /// How many shards this node has.
    pub shards: u8,
}

impl MembershipConfig {
    /// The default interval of heartbeats.
    pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);
    /// The default threshold of phi. `docs/simulation.md` has what it was measured to mean.
    pub const PHI_THRESHOLD: f64 = 8.0;
}

/// A cluster to be founded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundCluster {
    /// Its id, freshly drawn by the shell.
    pub cluster: ClusterId,
    /// Q, for the life of the cluster.
    pub partitions: PartitionCount,
    /// How many replicas each partition gets where there are nodes enough.
    pub replicas: u8,
}

/// What `identity/` held when the node started; all of it is empty on a new directory.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    /// Its cluster.
    pub cluster: Option<ClusterId>,
    /// What it knew.
    pub facts: Facts,
    /// What it has voted for, and what it holds.
    pub votes: Votes,
}

/// The membership of one node.
#[derive(Debug)]
pub struct Membership {
    config: MembershipConfig,
    random: Random,
    cluster: Option<ClusterId>,
    facts: FactBase,
    acceptor: Acceptor,
    disk: disk::Disk,
    peers: peers::Peers,
    own: identity::OwnFact,
    seeking: Option<join::Seeking>,
    pushes: spread::Pushes,
    moving: moving::Moving,
    drive: Option<drive::Drive>,
    has_asked_to_return: bool,
    shown: view::Shown,
    /// Messages of this node to itself: it votes and confirms like any other.
    loopback: VecDeque<MembershipMessage>,
    timer: Option<Instant>,
    stopped: bool,
}

/// One step: what time it is, and where effects go.
struct Turn<'a> {
    now: Now,
    out: &'a mut Vec<MembershipEffect>,
}

impl Turn<'_> {
    fn act(&mut self, effect: MembershipEffect) {
        self.out.push(effect);
    }
}

impl Membership {
    /// A machine that has not started yet.
    pub fn new(config: MembershipConfig, restored: Restored, random: Random) -> Self {
        let facts = FactBase::new(restored.facts);
        let moving = moving::Moving::restored(facts.facts(), config.me);
        let known = restored.cluster.is_some();
        Self {
            cluster: restored.cluster,
            disk: disk::Disk::new(known, facts.facts(), moving.transition(), &restored.votes),
            moving,
            acceptor: Acceptor::new(restored.votes),
            facts,
            peers: peers::Peers::new(&config),
            own: identity::OwnFact::default(),
            seeking: None,
            pushes: spread::Pushes::default(),
            drive: None,
            has_asked_to_return: false,
            shown: view::Shown::default(),
            loopback: VecDeque::new(),
            timer: None,
            stopped: false,
            config,
            random,
        }
    }

    /// Starts: shows what was restored, founds a cluster or looks for one.
    pub fn start(&mut self, now: Now, out: &mut Vec<MembershipEffect>) {
        let turn = &mut Turn { now, out };
        if !self.check_restored(turn) {
            return;
        }
        self.peers.start(now.instant);
        self.begin(turn);
        self.finish(turn);
    }

    /// Takes in one thing that happened.
    pub fn step(&mut self, now: Now, input: MembershipInput, out: &mut Vec<MembershipEffect>) {
        if self.stopped {
            return;
        }
        let turn = &mut Turn { now, out };
        self.take(turn, input);
        self.finish(turn);
    }

    fn take(&mut self, turn: &mut Turn<'_>, input: MembershipInput) {
        match input {
            MembershipInput::Admin { id, request, deadline } => {
                self.administer(turn, id, request, deadline);
            }
            MembershipInput::Peer { from, message } => self.receive(turn, from, message),
            MembershipInput::Introduced(introduction) => self.introduced(turn, introduction),
            MembershipInput::SeedReached { seed, introduction } => {
                self.seed_reached(turn, &seed, introduction);
            }
            MembershipInput::LinkDown(node) | MembershipInput::Suspect(node) => {
                self.peers.suspect(node);
            }
            MembershipInput::NewerRing { at, version } => self.ask_for_ring(turn, at, version),
            MembershipInput::BucketMade(bucket) => self.bucket_made(turn, &bucket),
            MembershipInput::ShardMoved { shard, progress } => self.shard_moved(shard, progress),
            MembershipInput::Saved(id) => self.saved(turn, id),
            MembershipInput::Tick => self.timer = None,
        }
    }

    /// A message of a peer. One that arrives before this node belongs to the peer's cluster, or
    /// from another cluster, is no business of this node's.
    fn receive(&mut self, turn: &mut Turn<'_>, from: NodeId, message: MembershipMessage) {
        if from == self.config.me || !self.disk.knows_cluster() || self.peers.is_foreign(from) {
            return;
        }
        self.peers.message(turn.now.instant, from);
        self.deliver(turn, from, message);
    }

    fn deliver(&mut self, turn: &mut Turn<'_>, from: NodeId, message: MembershipMessage) {
        match message {
            MembershipMessage::Heartbeat { sequence, heard, wants_answer } => {
                self.take_heartbeat(turn, from, (sequence, heard, wants_answer));
            }
            MembershipMessage::Probe { fingerprint } => self.answer_probe(turn, from, fingerprint),
            MembershipMessage::Digest(digest) => self.answer_digest(turn, from, &digest),
            MembershipMessage::Delta { facts, wants } => self.take_delta(turn, from, &facts, wants),
            MembershipMessage::Push { number, facts } => {
                self.take_push(turn, from, number, &facts);
            }
            MembershipMessage::Pushed { number } => self.pushes.pushed(from, number),
            MembershipMessage::Register { base, message } => {
                self.register(turn, from, base, message);
            }
        }
    }

    /// What every step ends with: what is due is done, what changed is saved and shown.
    fn finish(&mut self, turn: &mut Turn<'_>) {
        self.due(turn);
        self.follow_ring(turn);
        while let Some(message) = self.loopback.pop_front() {
            self.deliver(turn, self.config.me, message);
            self.follow_ring(turn);
        }
        if self.stopped {
            return;
        }
        self.finish_pushes(turn);
        self.stage_own_return(turn);
        self.settle_change(turn);
        self.renew_own_fact();
        self.watch_peers(turn);
        self.save_facts(turn);
        self.show(turn);
        self.set_timer(turn);
    }

    fn due(&mut self, turn: &mut Turn<'_>) {
        if self.stopped {
            return;
        }
        self.seek(turn);
        self.beat(turn);
        self.drive_on(turn);
    }

    fn set_timer(&mut self, turn: &mut Turn<'_>) {
        let seeking = self.seeking.as_ref().map(join::Seeking::due);
        let drive = self.drive.as_ref().map(drive::Drive::due);
        let others = [seeking, drive, self.pushes.due()];
        let due = others.into_iter().flatten().fold(self.peers.due(), Instant::min);
        if self.timer == Some(due) {
            return;
        }
        self.timer = Some(due);
        turn.act(MembershipEffect::SetTimer(due));
    }

    /// Sends a message; to this node itself by way of the loopback.
    fn send(&mut self, turn: &mut Turn<'_>, to: NodeId, message: MembershipMessage) {
        if to == self.config.me {
            self.loopback.push_back(message);
        } else {
            turn.act(MembershipEffect::Send { to, message });
        }
    }

    /// The newest ring, if this node is a member of it.
    fn ring_as_member(&self) -> Option<&Arc<Ring>> {
        self.facts.ring().filter(|ring| ring.members.contains_key(&self.config.me))
    }

    /// What people call a node.
    fn name_of(&self, node: NodeId) -> String {
        if let Some(member) = self.facts.ring().and_then(|ring| ring.members.get(&node)) {
            return member.name.clone();
        }
        self.facts.facts().nodes.get(&node).map_or_else(|| node.to_string(), |f| f.name.clone())
    }
}

#[cfg(test)]
mod tests;
