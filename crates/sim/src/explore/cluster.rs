//! The state of a small world, what can happen next in it, and how it happens.

use std::sync::Arc;

use stator_core::effect::Input;
use stator_core::time::Instant;

use super::choice::Choice;
use super::flight::Flight;
use super::host::Host;
use super::scenario::{Budget, Disks, Scenario};
use super::{Print, print_of};
use crate::client::Held;
use crate::disk::Writer;
use crate::history::{CallId, Fate, History};
use crate::layout::Layout;
use crate::node::message_request;

/// Nodes of a small world.
const NODES: usize = 3;

/// When a small world plays. Its clocks stand still.
const NOW: Instant = Instant::from_micros(1_000_000);

/// What is the same in all states of a world.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) layout: Layout,
    pub(super) scenario: Scenario,
}

/// A client on its way through its script.
#[derive(Clone, Debug, Default)]
pub(super) struct Caller {
    /// Steps of its script that it has begun.
    pub(super) begun: usize,
    /// The call that it waits for.
    pub(super) waits: Option<CallId>,
    /// What its last get or put that succeeded gave it.
    pub(super) held: Option<Held>,
}

/// One state of a small world. A copy shares all that the next choice does not touch.
#[derive(Clone, Debug)]
pub(super) struct Cluster {
    pub(super) setting: Arc<Setting>,
    pub(super) now: Instant,
    pub(super) hosts: Vec<Arc<Host>>,
    host_prints: Vec<Print>,
    /// In the order of their hashes.
    pub(super) flights: Vec<Arc<Flight>>,
    pub(super) callers: Vec<Caller>,
    pub(super) history: Arc<History>,
    history_print: Print,
    pub(super) budget: Budget,
    /// Whether calls are the last reads, which no client makes.
    pub(super) last: bool,
    /// What has happened, for a reader, if there is one.
    story: Option<Vec<String>>,
}

impl Cluster {
    /// A world at its beginning: every node has been started and is connected with the others.
    pub(super) fn new(scenario: &Scenario) -> Self {
        let layout = Layout::plain(NODES);
        let hosts: Vec<_> = (0..NODES).map(|place| Arc::new(Host::new(place, &layout))).collect();
        let history = History { keys: layout.histories(), ..History::default() };
        let mut cluster = Self {
            now: NOW,
            host_prints: vec![0; NODES],
            hosts,
            flights: Vec::new(),
            callers: vec![Caller::default(); scenario.scripts.len()],
            history: Arc::new(history),
            history_print: 0,
            budget: scenario.budget,
            last: false,
            story: None,
            setting: Arc::new(Setting { layout, scenario: scenario.clone() }),
        };
        for (a, b) in PAIRS {
            cluster.connect(a, b);
        }
        for place in 0..NODES {
            cluster.touched(place);
        }
        cluster.history_print = print_of(&cluster.history);
        cluster
    }

    /// The same, and it will tell what happens.
    pub(super) fn telling(scenario: &Scenario) -> Self {
        Self { story: Some(Vec::new()), ..Self::new(scenario) }
    }

    /// What has happened.
    pub(super) fn into_story(self) -> Vec<String> {
        self.story.unwrap_or_default()
    }

    /// Adds a line for the reader, if there is one.
    pub(super) fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(story) = &mut self.story {
            story.push(line());
        }
    }

    /// The hash of the whole state.
    pub(super) fn print(&self) -> Print {
        let flights: Vec<Print> = self.flights.iter().map(|flight| flight.print).collect();
        print_of(&(&self.host_prints, flights, &self.callers, self.history_print, self.budget))
    }

    /// The hash of what the checkers judge.
    pub(super) const fn history_print(&self) -> Print {
        self.history_print
    }

    /// A node has changed.
    fn touched(&mut self, place: usize) {
        self.host_prints[place] = print_of(&self.hosts[place]);
    }

    /// A node, to be changed in this state alone.
    pub(super) fn host(&mut self, place: usize) -> &mut Host {
        Arc::make_mut(&mut self.hosts[place])
    }

    /// The history, to be changed in this state alone.
    pub(super) fn history(&mut self) -> &mut History {
        Arc::make_mut(&mut self.history)
    }

    /// Everything that can happen next.
    pub(super) fn choices(&self) -> Vec<Choice> {
        let mut choices = self.progress();
        if choices.is_empty() || self.budget.early_timers > 0 {
            choices.extend(self.timers());
        }
        let of_the_dead = self.flights.iter().filter(|flight| !self.sender_lives(flight));
        choices.extend(of_the_dead.map(|flight| Choice::Deliver(flight.print)));
        if self.budget.losses > 0 {
            let alive = self.flights.iter().filter(|flight| self.sender_lives(flight));
            choices.extend(alive.map(|flight| Choice::Lose(flight.print)));
        }
        if self.budget.crashes > 0 {
            for host in self.hosts.iter().filter(|host| host.is_up()) {
                let survivors = 0..=host.disk.unsynced();
                choices.extend(
                    survivors.map(|survivors| Choice::Crash { node: host.place, survivors }),
                );
            }
        }
        choices
    }

    /// Whether nothing is under way: every frame of a living process has arrived, every disk has
    /// synced, every node runs and every call has ended.
    pub(super) fn is_at_rest(&self) -> bool {
        self.progress().is_empty() && self.timers().is_empty()
    }

    /// Frames of a process that has died may arrive, and never have to.
    fn sender_lives(&self, flight: &Flight) -> bool {
        self.hosts[flight.from.node].runs(flight.from)
    }

    /// What happens sooner or later by itself.
    fn progress(&self) -> Vec<Choice> {
        let mut choices = Vec::new();
        let alive = self.flights.iter().filter(|flight| self.sender_lives(flight));
        choices.extend(alive.map(|flight| Choice::Deliver(flight.print)));
        for host in &self.hosts {
            match (host.is_up(), host.disk.writer()) {
                (false, _) => choices.push(Choice::Start(host.place)),
                (true, Writer::Idle) if host.disk.has_work() => {
                    choices.push(Choice::Commit(host.place));
                }
                (true, Writer::Syncing) => choices.push(Choice::Sync(host.place)),
                (true, Writer::Idle | Writer::Committing) => {}
            }
        }
        for (a, b) in PAIRS {
            if self.hosts[a].is_up() && self.hosts[b].is_up() && !self.are_connected(a, b) {
                choices.push(Choice::Connect(a, b));
            }
            for (at, peer) in [(a, b), (b, a)] {
                if self.hosts[at].is_up() && self.has_lost(at, peer) {
                    choices.push(Choice::Disconnect { at, peer });
                }
            }
        }
        for (client, caller) in self.callers.iter().enumerate() {
            let script = &self.setting.scenario.scripts[client];
            if caller.waits.is_none() && caller.begun < script.len() && !self.last {
                choices.push(Choice::Call(client));
            }
        }
        choices
    }

    fn timers(&self) -> Vec<Choice> {
        let of_host = |host: &Arc<Host>| {
            let place = host.place;
            host.timers.keys().map(move |&timer| Choice::Fire(place, timer)).collect::<Vec<_>>()
        };
        self.hosts.iter().flat_map(of_host).collect()
    }

    /// Whether a node has a connection to a process of a peer that is no more.
    fn has_lost(&self, at: usize, peer: usize) -> bool {
        let peer = &self.hosts[peer];
        let known = self.hosts[at].connected.get(&peer.place);
        known.is_some_and(|&boot| !peer.is_up() || boot != peer.boot)
    }

    fn are_connected(&self, a: usize, b: usize) -> bool {
        let knows = |one: usize, other: usize| {
            self.hosts[one].connected.get(&other) == Some(&self.hosts[other].boot)
        };
        knows(a, b) && knows(b, a)
    }

    /// Carries a choice out.
    pub(super) fn apply(&mut self, choice: Choice) {
        let before = Arc::clone(&self.history);
        let hosts = self.hosts.clone();
        if !matches!(choice, Choice::Deliver(_) | Choice::Lose(_) | Choice::Call(_)) {
            self.note(|| choice.to_string());
        }
        match choice {
            Choice::Deliver(print) => self.deliver(print),
            Choice::Lose(print) => self.lose(print),
            Choice::Commit(node) => self.commit(node),
            Choice::Sync(node) => self.sync(node),
            Choice::Crash { node, survivors } => self.crash(node, survivors),
            Choice::Start(node) => {
                let setting = Arc::clone(&self.setting);
                self.host(node).start(&setting.layout);
            }
            Choice::Disconnect { at, peer } => self.disconnect(at, peer),
            Choice::Connect(a, b) => self.connect(a, b),
            Choice::Call(client) => self.call(client),
            Choice::Fire(node, timer) => {
                if !self.is_nothing_else_possible() {
                    self.budget.early_timers -= 1;
                }
                self.host(node).timers.remove(&timer);
                self.turn(node, Input::Timer(timer), None);
            }
        }
        self.drop_what_nobody_waits_for();
        for (place, host) in hosts.iter().enumerate() {
            if !Arc::ptr_eq(host, &self.hosts[place]) {
                self.touched(place);
            }
        }
        if !Arc::ptr_eq(&before, &self.history) {
            self.history_print = print_of(&self.history);
        }
    }

    /// An answer to a request that has ended changes nothing but, at most, a suspicion. It is taken
    /// to arrive at once, so that states do not differ by it.
    fn drop_what_nobody_waits_for(&mut self) {
        let hosts = &self.hosts;
        self.flights.retain(|flight| {
            let (request, asks) = message_request(&flight.message);
            asks || hosts[flight.to.node].requests.contains_key(&request)
        });
    }

    fn is_nothing_else_possible(&self) -> bool {
        self.progress().is_empty()
    }

    /// Takes a frame out of those under way.
    fn take(&mut self, print: Print) -> Arc<Flight> {
        let at = self.flights.binary_search_by_key(&print, |flight| flight.print);
        self.flights.remove(at.expect("only frames under way are chosen"))
    }

    fn deliver(&mut self, print: Print) {
        let flight = self.take(print);
        self.note(|| flight.to_string());
        let from = self.setting.layout.nodes[flight.from.node];
        let input = Input::Peer { from, message: flight.message.clone() };
        self.turn(flight.to.node, input, flight.call);
    }

    fn lose(&mut self, print: Print) {
        let flight = self.take(print);
        self.budget.losses -= 1;
        self.note(|| format!("{flight} is LOST"));
    }

    fn commit(&mut self, node: usize) {
        let disk = &mut self.host(node).disk;
        disk.begin_commit();
        disk.commit();
        if self.setting.scenario.disks == Disks::SayTooEarly {
            let tickets = self.hosts[node].disk.clone().sync();
            self.tell_synced(node, tickets.into_values());
        }
    }

    fn sync(&mut self, node: usize) {
        let tickets = self.host(node).disk.sync();
        self.tell_synced(node, tickets.into_values());
    }

    fn tell_synced(
        &mut self,
        node: usize,
        tickets: impl Iterator<Item = stator_core::effect::Ticket>,
    ) {
        for ticket in tickets {
            self.turn(node, Input::Synced(ticket), None);
        }
    }

    fn crash(&mut self, node: usize, survivors: usize) {
        self.budget.crashes -= 1;
        let process = self.hosts[node].process();
        self.flights.retain(|flight| flight.to != process);
        for call in self.host(node).die(survivors) {
            self.conclude(call, Fate::Indeterminate("the node died".to_owned()));
        }
    }

    fn disconnect(&mut self, at: usize, peer: usize) {
        self.host(at).connected.remove(&peer);
        let peer = self.setting.layout.nodes[peer];
        self.turn(at, Input::LinkDown(peer), None);
    }

    fn connect(&mut self, a: usize, b: usize) {
        for (at, peer) in [(a, b), (b, a)] {
            if self.has_lost(at, peer) {
                self.disconnect(at, peer);
            }
            let boot = self.hosts[peer].boot;
            if self.host(at).connected.insert(peer, boot).is_none() {
                let peer = self.setting.layout.nodes[peer];
                self.turn(at, Input::LinkUp(peer), None);
            }
        }
    }
}

/// The pairs of nodes.
const PAIRS: [(usize, usize); 3] = [(0, 1), (0, 2), (1, 2)];
