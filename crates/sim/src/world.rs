//! The world: nodes, network, clients and faults on one agenda. One event at a time, everything
//! drawn from one seed: the same seed gives the same trace, byte for byte.
//!
//! A run has three parts. In the first, clients call and faults strike. Then everything heals: the
//! network is whole, every node runs and nobody calls. At the end every key is read from all of
//! its replicas, and the checkers judge.

mod calls;
mod destroy;
mod judge;
mod labels;
mod links;
mod losses;
mod members;
mod operators;
mod reads;
mod refusals;
mod rounds;
mod strike;
mod turn;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub use operators::{Act, Deeds};

use losses::Loss;
use rounds::Rounds;
use stator_core::node::HintLimits;
use stator_core::ring::{Ring, RingVersion};
use stator_core::time::{Deadline, Instant, Stamp};
use stator_core::token::Partition;

use crate::client::{Client, SHOPPERS};
use crate::draw::Draw;
use crate::event::{Event, Line, Process};
use crate::faults::{FaultKind, Faults};
use crate::history::{CallId, Fate, History};
use crate::layout::Layout;
use crate::members::Member;
use crate::network::Network;
use crate::node::{Limits, Node};
use crate::pace::Pace;
use crate::queue::Queue;
use crate::tracer::{Concern, Keep, Tracer};

/// What kind of life a cluster leads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Life {
    /// A short and hard one: a subset of all faults every few seconds, and clients of every habit.
    #[default]
    Swarm,
    /// A service's: shopping carts, and the failures that machines and networks have in a month.
    Service,
    /// As the first, but faults destroy what two nodes have at once, which is more than the design
    /// promises to survive. Nothing has to heal; but nobody may be told that there is nothing.
    TwoLosses,
    /// As the first, and operators add, remove, replace and re-weigh nodes all the while.
    Elastic,
}

impl Life {
    /// Whether such lives meet a fault.
    pub const fn has(self, kind: FaultKind) -> bool {
        match self {
            Self::Elastic => !kind.damages(),
            Self::Swarm | Self::Service | Self::TwoLosses => !kind.comes_with_operators(),
        }
    }
}

/// What a run is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Everything else is drawn from this.
    pub seed: u64,
    /// How long clients call and faults strike, in simulated minutes.
    pub minutes: u64,
    /// How many nodes; drawn if absent.
    pub nodes: Option<usize>,
    /// How fast collection goes; drawn if absent.
    pub pace: Option<Pace>,
    /// What kind of life they lead.
    pub life: Life,
    /// What is kept of the trace.
    pub keep: Keep,
}

/// Nodes that may join later.
const SPARES: usize = 4;
/// How long everything takes to come to rest at least, apart from the longest cut: longer than the
/// slowest frame, its double and the longest deadline together.
const RESTING: Duration = Duration::from_secs(45);
/// For how many looks at the end frames may be those of collection.
const COLLECTIONS_AT_MOST: usize = 30;
/// How long replicas may take to agree once everything has healed: a full round of exchanges, a
/// refill and its settling, and the next look at every object.
const HEALING: Duration = Duration::from_mins(5);
/// How often it is looked whether they do.
const LOOK: Duration = Duration::from_secs(5);
/// How long the last reads may take.
const LAST_READS: Duration = Duration::from_secs(15);

/// One simulated cluster.
#[derive(Debug)]
pub struct World {
    now: Instant,
    queue: Queue<Event>,
    layout: Layout,
    nodes: Vec<Node>,
    network: Network,
    faults: Faults,
    clients: Vec<Client>,
    life: Life,
    history: History,
    tracer: Tracer,
    draw: Draw,
    healing: bool,
    last: bool,
    limits: Limits,
    /// Which call every request between nodes belongs to.
    requests: BTreeMap<(Process, u64), CallId>,
    frames: u64,
    /// The node whose durable copies faults have destroyed since all replicas were last alike.
    struck: Option<usize>,
    /// The nodes whose copies faults destroy whatever that takes from the cluster; usually none.
    victims: BTreeSet<usize>,
    /// Partitions of lost stores that have not been refilled.
    unsettled: BTreeMap<(usize, Partition), Loss>,
    /// Objects that were damaged, by node and key.
    damaged: BTreeMap<(usize, usize), Loss>,
    /// Writes that a node had on disk and has no more although it answers for them, by key and place.
    forgotten: BTreeMap<(usize, usize), usize>,
    /// Calls that their node has forwarded to another.
    forwarded: BTreeSet<CallId>,
    /// Until when each call is waited for, by the clock of its node.
    deadlines: BTreeMap<CallId, Deadline>,
    /// The stamps that shards have minted last.
    stamps: BTreeMap<(Process, u8), Stamp>,
    /// When a fault last destroyed copies.
    struck_at: Instant,
    /// Until when each pair of nodes could not rely on each other.
    troubled: BTreeMap<(usize, usize), Instant>,
    /// Faults that wait for a node to come to the point at which they strike.
    lurking: BTreeSet<FaultKind>,
    pace: Pace,
    rounds: Rounds,
    /// Every ring that was ever used, where rings change; else none.
    rings: BTreeMap<RingVersion, Arc<Ring>>,
    deeds: Deeds,
}

/// What a run leaves behind.
#[derive(Debug)]
pub struct Aftermath {
    /// All calls, for the checkers.
    pub history: History,
    /// The faults and how often each was injected.
    pub faults: Faults,
    /// The hash of the trace, in hex.
    pub trace_hash: String,
    /// The lines that were kept of it.
    pub trace: Vec<String>,
    /// How many events there were.
    pub events: u64,
    /// Simulated time.
    pub simulated: Duration,
    /// How many nodes the cluster had.
    pub nodes: usize,
    /// What operators did.
    pub deeds: Deeds,
}

/// Runs a world from its beginning to its end.
pub fn run(scope: Scope) -> Aftermath {
    let mut world = World::new(scope);
    world.begin();
    let end = Instant::from_micros(scope.minutes * 60_000_000);
    world.run_until(end);
    if scope.life == Life::TwoLosses {
        return world.end();
    }
    world.heal();
    world.converge(end);
    world.note_unrest();
    world.read_all();
    world.run_until(world.now.after(LAST_READS));
    world.end()
}

/// Some clusters take few requests at once, and some few hints: so that limits are met.
fn limits(load: &mut Draw, draw: &mut Draw) -> Limits {
    let requests = *load.pick(&[4, 1_000, 1_000]);
    let few = HintLimits { objects: draw.between(0, 3), ..HintLimits::default() };
    Limits { requests, hints: *draw.pick(&[few, HintLimits::default()]) }
}

fn two_of(nodes: usize, draw: &mut Draw) -> BTreeSet<usize> {
    let first = draw.index(nodes);
    let second = (first + draw.between(1, nodes.max(2) as u64 - 1) as usize) % nodes;
    BTreeSet::from([first, second])
}

impl World {
    fn new(scope: Scope) -> Self {
        let draw = Draw::of_seed(scope.seed);
        let mut size = draw.child("size");
        let drawn = *size.pick(&[3, 4, 5, 5, 5, 7]);
        let count = scope.nodes.unwrap_or(drawn).max(1);
        let layout = match scope.life {
            Life::Swarm | Life::TwoLosses => Layout::drawn(count, &mut draw.child("layout")),
            Life::Elastic => Layout::drawn(count, &mut draw.child("layout"))
                .with_spares(SPARES, &mut draw.child("spares")),
            Life::Service => Layout::of_a_service(count, &mut draw.child("layout")),
        };
        let pace = scope.pace.unwrap_or_else(|| match scope.life {
            Life::Swarm | Life::TwoLosses | Life::Elastic => Pace::drawn(&mut draw.child("pace")),
            Life::Service => Pace::USUAL,
        });
        let victims = match scope.life {
            Life::TwoLosses => two_of(count, &mut draw.child("victims")),
            Life::Swarm | Life::Elastic | Life::Service => BTreeSet::new(),
        };
        let mut load = draw.child("load");
        let (faults, clients) = match scope.life {
            Life::Swarm | Life::TwoLosses | Life::Elastic => {
                let count = load.between(4, 12) as usize;
                let think = Duration::from_millis(load.between(100, 800));
                let draw_of = |number| draw.child(&format!("client {number}"));
                let drawn = Faults::drawn(&mut draw.child("faults"));
                let drawn = if scope.life == Life::Elastic { drawn.and_changes() } else { drawn };
                let faults = if victims.is_empty() { drawn } else { drawn.and_losses() };
                if let Some(pressure) = pace.pressure {
                    let client = |number| Client::deleting(number, think, draw_of(number));
                    (faults.and_in_rounds(&pressure), (0..count).map(client).collect())
                } else {
                    let client = |number| Client::new(number, think, draw_of(number));
                    (faults, (0..count).map(client).collect())
                }
            }
            Life::Service => {
                let client =
                    |number| Client::shopper(number, draw.child(&format!("client {number}")));
                (Faults::of_a_service(), (0..SHOPPERS).map(client).collect())
            }
        };
        let rings = match scope.life {
            Life::Elastic => BTreeMap::from([(layout.ring.version, Arc::clone(&layout.ring))]),
            Life::Swarm | Life::TwoLosses | Life::Service => BTreeMap::new(),
        };
        let node = |place: usize| {
            let mut node = Node::new(place, draw.child(&format!("node {place}")));
            if scope.life == Life::Elastic {
                node.member = Some(Member::new(layout.nodes[place], &layout));
                node.is_away = place >= count;
            }
            node
        };
        Self {
            now: Instant::default(),
            queue: Queue::new(),
            nodes: (0..layout.nodes.len()).map(node).collect(),
            rings,
            deeds: Deeds::default(),
            network: Network::new(draw.child("network")),
            faults,
            clients,
            rounds: Rounds::of(&layout),
            pace,
            history: History { keys: layout.histories(), ..History::default() },
            layout,
            life: scope.life,
            tracer: Tracer::new(scope.keep),
            healing: false,
            last: false,
            limits: match scope.life {
                Life::Swarm | Life::TwoLosses | Life::Elastic => {
                    limits(&mut load, &mut draw.child("limits"))
                }
                Life::Service => Limits { requests: 1_000, hints: HintLimits::default() },
            },
            requests: BTreeMap::new(),
            frames: 0,
            lurking: BTreeSet::new(),
            struck: None,
            victims,
            unsettled: BTreeMap::new(),
            damaged: BTreeMap::new(),
            forgotten: BTreeMap::new(),
            forwarded: BTreeSet::new(),
            deadlines: BTreeMap::new(),
            stamps: BTreeMap::new(),
            struck_at: Instant::default(),
            troubled: BTreeMap::new(),
            draw: draw.child("world"),
        }
    }

    fn begin(&mut self) {
        for node in 0..self.nodes.len() {
            if !self.nodes[node].is_away {
                self.start(node);
            }
        }
        for client in 0..self.clients.len() {
            let pause = self.clients[client].pause();
            self.after(pause, Event::Think(client));
        }
        let strikes: Vec<_> = self.faults.strikes().keys().copied().collect();
        for kind in strikes {
            self.strike_later(kind);
        }
        self.skew_clocks();
    }

    /// Announces an event that happens `delay` from now.
    fn after(&mut self, delay: Duration, event: Event) {
        self.queue.push(self.now.after(delay), event);
    }

    fn run_until(&mut self, end: Instant) {
        while let Some((at, event)) = self.queue.pop(end) {
            self.now = at;
            if let Some(until) = self.held_back(&event) {
                self.queue.push(until, event);
                continue;
            }
            self.tracer.event(at, self.concern(&event), Line(&event));
            self.happen(event);
        }
        self.now = end;
    }

    /// What is meant for a process that stands still waits until it goes on.
    fn held_back(&self, event: &Event) -> Option<Instant> {
        let node = match event {
            Event::Turn { at, .. } | Event::Committed(at) | Event::Synced(at) => at.node,
            Event::Arrive { node, .. } => *node,
            Event::Gossip { to, .. } | Event::Saved(to, _) | Event::Tick(to, _) => to.node,
            Event::CheckLink(way) | Event::Detect(way) => way.from,
            _ => return None,
        };
        self.nodes[node].paused_until.filter(|&until| until > self.now)
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Turn { at, shard, input, from } => self.take_turn(at, shard, *input, from),
            Event::Think(client) => self.think(client),
            Event::Arrive { call, node, request } => self.arrive(call, node, *request),
            Event::Answer(call, reply) => self.answer(call, *reply),
            Event::ConnectionLost(call) => self.connection_lost(call),
            Event::Patience(call) => self.patience(call),
            Event::Committed(at) => self.committed(at),
            Event::Synced(at) => self.synced(at),
            Event::CheckLink(way) => self.check_link(way),
            Event::Detect(way) => self.detect(way),
            Event::Strike(kind) => self.strike(kind),
            Event::Cut(way, until) => self.cut(way, until),
            Event::Recover(node) => self.recover(node),
            Event::Stop(at) => self.stop(at),
            Event::Start(node) => self.start(node),
            Event::Gossip { from, to, message } => self.hear_gossip(from, to, *message),
            Event::Saved(at, id) => self.saved(at, id),
            Event::Tick(at, due) => self.tick(at, due),
            Event::Operate(act) => self.act(act),
        }
    }

    fn concern(&self, event: &Event) -> Concern {
        let call = match event {
            Event::ConnectionLost(call) | Event::Patience(call) => {
                Some(*call).filter(|&call| self.history.call(call).fate == Fate::Open)
            }
            Event::Arrive { call, .. } | Event::Answer(call, _) => Some(*call),
            Event::Turn { at, input, from, .. } => self.call_behind(*at, input, *from),
            Event::Cut(..)
            | Event::Recover(_)
            | Event::Stop(_)
            | Event::Start(_)
            | Event::Operate(_) => {
                return Concern::Node;
            }
            _ => None,
        };
        call.map_or(Concern::Nobody, |call| Concern::Key(self.history.call(call).key))
    }

    /// Everything is whole again, every node runs, and nobody calls any more.
    fn heal(&mut self) {
        self.healing = true;
        self.lurking.clear();
        self.faults.calm_down();
        self.network.heal();
        self.troubled.clear();
        let dies = self.draw.happens(crate::draw::Chance::percent(50));
        for node in 0..self.nodes.len() {
            self.recover(node);
            self.nodes[node].doomed = None;
            if self.nodes[node].is_away {
                continue;
            }
            if self.nodes[node].is_up() && dies && self.faults.is_on(FaultKind::Crash) {
                self.crash(node);
                self.faults.count(FaultKind::Crash);
            } else if !self.nodes[node].is_up() {
                self.start(node);
            }
        }
        self.check_all_links();
        if self.is_elastic() {
            self.tidy_up();
        }
    }

    /// Lets replicas come to agree, and notes how long that took, or what stands in the way. A late
    /// frame may part them again, and so does collection for the moment of a drop: what counts is
    /// that they agree once nothing from before can be under way any more.
    fn converge(&mut self, end: Instant) {
        let rest = end.after(self.faults.longest_cut() + RESTING);
        let (mut looked, mut agree_since) = (end, None);
        while looked < rest || (agree_since.is_none() && looked < rest.after(HEALING)) {
            looked = looked.after(LOOK);
            self.run_until(looked);
            if self.unrest().is_empty() && self.unlike().is_empty() {
                agree_since.get_or_insert(looked);
            } else {
                agree_since = None;
            }
        }
        self.history.converged_after = agree_since.map(|since| since.since(end));
        if agree_since.is_none() {
            self.history.unconverged = self.unrest();
            self.history.unconverged.extend(self.unlike());
        }
    }

    fn note_unrest(&mut self) {
        for _ in 0..COLLECTIONS_AT_MOST {
            let (frames, collections) = (self.frames, self.history.collections);
            self.run_until(self.now.after(Duration::from_secs(10)));
            self.history.restless_frames = self.frames - frames;
            if collections == self.history.collections {
                break;
            }
        }
    }

    fn end(self) -> Aftermath {
        Aftermath {
            simulated: Duration::from_micros(self.now.as_micros()),
            nodes: self.nodes.len(),
            deeds: self.deeds,
            history: self.history,
            faults: self.faults,
            events: self.tracer.events(),
            trace_hash: self.tracer.hash(),
            trace: self.tracer.into_lines(),
        }
    }
}
