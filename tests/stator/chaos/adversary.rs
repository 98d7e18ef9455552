//! What goes wrong, and when: processes and links, one or more at a time, drawn from the seed.
//!
//! The limit: fewer than `dw` durable copies of a write may be destroyed. SIGKILL destroys none,
//! since nothing is acknowledged before its sync, so any number of nodes may be killed at once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use stator_sim::draw::{Chance, Draw};

use super::cluster::{Five, NODES};
use super::network::{Link, Route};
use super::trouble::Trouble;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// SIGKILL, and a start some time later.
    Kill,
    /// SIGKILL of all nodes that run, as when the power fails.
    KillAll,
    /// SIGSTOP, and SIGCONT some time later.
    Stop,
    /// Links closed and refused.
    Cut,
    /// Links on which nothing passes.
    Silence,
    /// A node's answers silenced, and then all its connections closed: what it was asked it has
    /// done, and nobody ever hears of it.
    Mute,
    /// Links on which everything takes longer.
    Slow,
}

impl Fault {
    /// All kinds.
    pub(super) const ALL: [Self; 7] =
        [Self::Kill, Self::KillAll, Self::Stop, Self::Cut, Self::Silence, Self::Mute, Self::Slow];

    /// Its name in summaries: how often it was injected.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kills",
            Self::KillAll => "kills of all",
            Self::Stop => "stops",
            Self::Cut => "cuts",
            Self::Silence => "silences",
            Self::Mute => "mutings",
            Self::Slow => "slowdowns",
        }
    }
}

/// How something that went wrong is put right.
enum Undo {
    Restart(usize),
    Continue(usize),
    Open(Vec<Route>),
    /// The same, after the connections of these and of the links in the other direction were
    /// closed.
    Close(Vec<Route>),
}

/// How long links stay cut so that their connections are closed.
const CLOSING: Duration = Duration::from_millis(20);

/// Injects faults.
pub(super) struct Adversary<'a> {
    cluster: &'a mut Five,
    trouble: &'a Trouble,
    draw: Draw,
    /// How long from one fault to the next, on average.
    pace: Duration,
    /// Kinds still to come before any kind comes again.
    round: Vec<Fault>,
    undo: Vec<(Instant, Undo)>,
    /// Links that are not as they should be.
    broken: Vec<Route>,
    /// How often each kind was injected.
    injected: BTreeMap<Fault, u64>,
}

/// Nodes that are killed or stopped on their own at one time.
const AWAY_AT_MOST: usize = 2;

impl<'a> Adversary<'a> {
    /// Over this cluster, with these draws.
    pub(super) fn new(cluster: &'a mut Five, trouble: &'a Trouble, mut draw: Draw) -> Self {
        let pace = draw.duration(Duration::from_millis(500), Duration::from_millis(1200));
        let (round, undo, broken) = (Vec::new(), Vec::new(), Vec::new());
        let injected = BTreeMap::new();
        Self { cluster, trouble, draw, pace, round, undo, broken, injected }
    }

    /// Does harm for a while, and puts everything right again.
    pub(super) fn run(mut self, chaos: Duration) -> BTreeMap<Fault, u64> {
        let end = Instant::now() + chaos;
        let mut next = Instant::now();
        while Instant::now() < end {
            self.put_right(Instant::now());
            if Instant::now() >= next {
                self.assert_all_run();
                self.strike();
                next = Instant::now() + self.draw.wait(self.pace).min(Duration::from_secs(3));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.put_right(Instant::now() + Duration::from_hours(1));
        self.assert_all_run();
        self.injected
    }

    /// Nodes end at the adversary's hand alone.
    fn assert_all_run(&self) {
        for place in self.trouble.running() {
            self.cluster.assert_runs(place);
        }
    }

    fn strike(&mut self) {
        if self.round.is_empty() {
            self.round = Fault::ALL.to_vec();
        }
        let kind = self.round.swap_remove(self.draw.index(self.round.len()));
        let lasts = self.draw.heavy(Duration::from_millis(300), Duration::from_secs(5));
        let until = Instant::now() + lasts;
        let happened = match kind {
            Fault::Kill => self.kill(until),
            Fault::KillAll => self.kill_all(until),
            Fault::Stop => self.stop(until),
            Fault::Cut => self.break_links(Link::Cut, until),
            Fault::Silence => self.break_links(Link::Silent, until),
            Fault::Mute => self.mute(until),
            Fault::Slow => {
                let most = Duration::from_millis(1500);
                let delay = self.draw.heavy(Duration::from_millis(20), most);
                self.break_links(Link::Slow(delay), until)
            }
        };
        if happened {
            *self.injected.entry(kind).or_default() += 1;
        } else {
            self.round.push(kind);
        }
    }

    /// A node that runs, if one more may be taken away.
    fn victim(&mut self) -> Option<usize> {
        let running = self.trouble.running();
        if running.len() <= NODES - AWAY_AT_MOST {
            return None;
        }
        Some(*self.draw.pick(&running))
    }

    fn kill(&mut self, until: Instant) -> bool {
        let Some(place) = self.victim() else { return false };
        self.kill_one(place, until);
        true
    }

    fn kill_all(&mut self, until: Instant) -> bool {
        let running = self.trouble.running();
        if running.len() < NODES {
            return false;
        }
        // First all signals, then the waiting: as near to one moment as can be.
        for &place in &running {
            self.cluster.signal(place, Signal::KILL);
        }
        for place in running {
            self.kill_one(place, until);
        }
        true
    }

    fn kill_one(&mut self, place: usize, until: Instant) {
        self.trouble.begins(place);
        self.cluster.nodes[place].kill();
        self.undo.push((until, Undo::Restart(place)));
    }

    fn stop(&mut self, until: Instant) -> bool {
        let Some(place) = self.victim() else { return false };
        self.trouble.begins(place);
        self.cluster.signal(place, Signal::STOP);
        self.undo.push((until, Undo::Continue(place)));
        true
    }

    fn break_links(&mut self, link: Link, until: Instant) -> bool {
        let routes = self.routes();
        let routes = self.set_whole(routes, link);
        let happens = !routes.is_empty();
        self.undo.push((until, Undo::Open(routes)));
        happens
    }

    fn mute(&mut self, until: Instant) -> bool {
        let from = self.draw.index(NODES);
        let others = (0..NODES).filter(|&to| to != from);
        let routes = self.set_whole(others.map(|to| Route { from, to }).collect(), Link::Silent);
        let happens = !routes.is_empty();
        self.undo.push((until, Undo::Close(routes)));
        happens
    }

    /// Changes those of the links that are as they should be, and says which.
    fn set_whole(&mut self, mut routes: Vec<Route>, link: Link) -> Vec<Route> {
        routes.retain(|route| !self.broken.contains(route));
        for &route in &routes {
            self.cluster.network.set(route, link);
        }
        self.broken.extend(&routes);
        routes
    }

    /// One link, both links of a pair, all that lead to a node, all of a node, or a split in two.
    fn routes(&mut self) -> Vec<Route> {
        let a = self.draw.index(NODES);
        let b = (a + 1 + self.draw.index(NODES - 1)) % NODES;
        let shape = self.draw.below(5);
        let both_ways = self.draw.happens(Chance::percent(70));
        let chosen = move |from: usize, to: usize| match shape {
            0 => from == a && to == b,
            1 => (from == a && to == b) || (from == b && to == a),
            2 => to == a,
            3 => to == a || from == a,
            _ => {
                let side = |node| node == a || node == b;
                (side(from) && !side(to)) || (both_ways && side(to) && !side(from))
            }
        };
        let pairs = (0..NODES).flat_map(|from| (0..NODES).map(move |to| Route { from, to }));
        pairs.filter(|route| route.from != route.to && chosen(route.from, route.to)).collect()
    }

    /// Undoes what should have ended by now.
    fn put_right(&mut self, now: Instant) {
        let (due, later): (Vec<_>, Vec<_>) = self.undo.drain(..).partition(|(at, _)| *at <= now);
        self.undo = later;
        for (_, undo) in due {
            match undo {
                Undo::Restart(place) => {
                    self.cluster.restart(place);
                    self.trouble.ends(place);
                }
                Undo::Continue(place) => {
                    self.cluster.signal(place, Signal::CONT);
                    self.trouble.ends(place);
                }
                Undo::Open(routes) => self.open(&routes),
                Undo::Close(routes) => self.close(routes),
            }
        }
    }

    fn open(&mut self, routes: &[Route]) {
        self.broken.retain(|route| !routes.contains(route));
        for &route in routes {
            self.cluster.network.set(route, Link::Open);
        }
    }

    fn close(&mut self, mut routes: Vec<Route>) {
        let back = routes.iter().map(|route| Route { from: route.to, to: route.from }).collect();
        let back = self.set_whole(back, Link::Cut);
        for &route in &routes {
            self.cluster.network.set(route, Link::Cut);
        }
        std::thread::sleep(CLOSING);
        routes.extend(back);
        self.open(&routes);
    }
}
