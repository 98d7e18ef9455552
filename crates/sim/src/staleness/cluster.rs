//! A cluster in which nothing fails: production's shards, simulated disks, and frames that take their
//! time.

use std::time::Duration;

use stator_core::effect::{Effect, Effects, Input};
use stator_core::message::ShardMessage;
use stator_core::request::{ClientReply, ClientRequest, ClientRequestId, Operation};
use stator_core::staleness::WriteDelays;
use stator_core::time::{Deadline, Instant};

use super::path::Path;
use crate::disk::Writer;
use crate::draw::Draw;
use crate::layout::Layout;
use crate::node::{Limits, Node};
use crate::pace::Pace;
use crate::queue::Queue;

/// Requests under way in one shard at most.
const REQUESTS: usize = 10_000;
/// How long a batch takes to be committed, and a sync: the least and the most.
const COMMIT: [Duration; 2] = [Duration::from_micros(20), Duration::from_micros(200)];
const SYNC: [Duration; 2] = [Duration::from_micros(500), Duration::from_millis(3)];

/// The nodes, and what is to happen to them.
#[derive(Debug)]
pub struct Cluster {
    now: Instant,
    layout: Layout,
    nodes: Vec<Node>,
    agenda: Queue<Event>,
    path: Path,
    frames: Draw,
    disks: Draw,
    replies: Vec<(ClientRequestId, ClientReply)>,
}

#[derive(Debug)]
enum Event {
    Told { node: usize, input: Box<Input> },
    Committed(usize),
    Synced(usize),
}

impl Cluster {
    /// So many nodes, all up and connected; the first three keep everything.
    pub fn new(nodes: usize, path: Path, draw: &Draw) -> Self {
        let layout = Layout::plain(nodes);
        let limits = Limits { requests: REQUESTS, ..Limits::default() };
        let now = Instant::default();
        let start = |place| {
            let mut node = Node::new(place, draw.child(&format!("node {place}")));
            node.start(now, &layout, limits, Pace::USUAL);
            node
        };
        let mut cluster = Self {
            now,
            nodes: (0..nodes).map(start).collect(),
            agenda: Queue::new(),
            path,
            frames: draw.child("frames"),
            disks: draw.child("disks"),
            replies: Vec::new(),
            layout,
        };
        for node in 0..nodes {
            cluster.tell(node, now, Input::Started);
            for peer in (0..nodes).filter(|&peer| peer != node) {
                cluster.tell(node, now, Input::LinkUp(cluster.layout.nodes[peer]));
            }
        }
        cluster
    }

    /// What time it is.
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// How many copies there are of everything.
    pub fn replicas(&self) -> u8 {
        self.layout.ring.replicas
    }

    /// A client calls a node at some time to come.
    pub fn call(&mut self, node: usize, at: Instant, id: u64, operation: Operation) {
        let deadline = Deadline::after(at, Deadline::MAX_TIMEOUT);
        let request = ClientRequest { id: ClientRequestId(id), operation, deadline };
        self.tell(node, at, Input::Client(request));
    }

    /// Lets the next thing happen, if there is one until then, and returns what was answered.
    pub fn step(&mut self, until: Instant) -> Option<Vec<(ClientRequestId, ClientReply)>> {
        let (at, event) = self.agenda.pop(until)?;
        self.now = at;
        match event {
            Event::Told { node, input } => self.take_turn(node, *input),
            Event::Committed(node) => {
                self.nodes[node].disk.commit();
                let took = self.disks.duration(SYNC[0], SYNC[1]);
                self.agenda.push(self.now.after(took), Event::Synced(node));
            }
            Event::Synced(node) => {
                for ticket in self.nodes[node].disk.sync().into_values() {
                    self.tell(node, self.now, Input::Synced(ticket));
                }
                self.start_writer(node);
            }
        }
        Some(std::mem::take(&mut self.replies))
    }

    /// What each node has seen of its own writes.
    pub fn seen(&self) -> Vec<WriteDelays> {
        self.nodes.iter().map(|node| node.shards[0].condition().writes).collect()
    }

    fn tell(&mut self, node: usize, at: Instant, input: Input) {
        self.agenda.push(at, Event::Told { node, input: Box::new(input) });
    }

    fn take_turn(&mut self, place: usize, input: Input) {
        let mut out = Effects::new();
        let node = &mut self.nodes[place];
        let now = node.now(self.now);
        node.shards[0].step(now, input, &node.disk, &mut out);
        for effect in out.drain() {
            match effect {
                Effect::Send { to, message } => self.send(place, self.layout.place_of(to), message),
                Effect::Reply { request, reply } => self.replies.push((request, reply)),
                Effect::Write { batch, ticket } => {
                    self.nodes[place].disk.enqueue(0, ticket, batch);
                    self.start_writer(place);
                }
                Effect::SetTimer { at, timer } => {
                    self.tell(place, at.max(self.now), Input::Timer(timer));
                }
                // There is no membership: every node knows the one ring, and nobody is in doubt.
                _ => {}
            }
        }
    }

    fn send(&mut self, from: usize, to: usize, message: ShardMessage) {
        let at = self.now.after(self.path.draw(&mut self.frames));
        self.tell(to, at, Input::Peer { from: self.layout.nodes[from], message });
    }

    fn start_writer(&mut self, place: usize) {
        if self.nodes[place].disk.writer() == Writer::Idle && self.nodes[place].disk.has_work() {
            self.nodes[place].disk.begin_commit();
            let took = self.disks.duration(COMMIT[0], COMMIT[1]);
            self.agenda.push(self.now.after(took), Event::Committed(place));
        }
    }
}
