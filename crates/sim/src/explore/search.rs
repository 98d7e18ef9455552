//! Visiting every state of a small world once: depth first, which needs little memory and comes to
//! ends soon. If that finds a violation, then once more nearest first: no violation has a shorter
//! story than the one that this finds.

use std::collections::{BTreeSet, VecDeque};

use super::Print;
use super::choice::Choice;
use super::cluster::Cluster;
use super::findings::{Counterexample, Findings};
use super::scenario::Scenario;
use crate::checkers::Violation;

/// Which state comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    DepthFirst,
    NearestFirst,
}

/// How a state was first reached; the start has no such thing.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    /// The place of the state before.
    before: usize,
    choice: Choice,
}

/// The states met so far.
struct Search<'a> {
    scenario: &'a Scenario,
    order: Order,
    met: BTreeSet<Print>,
    /// By the order in which states were met.
    arrivals: Vec<Option<Arrival>>,
    /// States whose choices are still to be made.
    open: VecDeque<(usize, Cluster)>,
    /// Histories that the checkers have judged.
    judged: BTreeSet<Print>,
    findings: Findings,
}

/// Explores a world until every state was visited, `max_states` were met, or a violation is found.
/// The violation that is told has the shortest story, unless `max_states` ended the search for it.
pub fn explore(scenario: &Scenario, max_states: u64) -> Findings {
    let mut findings = visit(scenario, max_states, Order::DepthFirst);
    if findings.counterexample.is_some() {
        let nearest = visit(scenario, max_states, Order::NearestFirst);
        findings.counterexample = nearest.counterexample.or(findings.counterexample);
    }
    findings
}

fn visit(scenario: &Scenario, max_states: u64, order: Order) -> Findings {
    let mut search = Search {
        scenario,
        order,
        met: BTreeSet::new(),
        arrivals: Vec::new(),
        open: VecDeque::new(),
        judged: BTreeSet::new(),
        findings: Findings::new(&scenario.name),
    };
    search.meet(None, Cluster::new(scenario));
    while let Some((place, cluster)) = search.next() {
        if let Some((violation, found)) = search.judge(&cluster) {
            search.findings.counterexample = Some(search.tell(place, violation, found));
            return search.findings;
        }
        for choice in cluster.choices() {
            let mut next = cluster.clone();
            next.apply(choice);
            search.findings.steps += 1;
            search.meet(Some(Arrival { before: place, choice }), next);
        }
        if search.findings.states >= max_states && !search.open.is_empty() {
            return search.findings;
        }
    }
    search.findings.exhausted = true;
    search.findings
}

impl Search<'_> {
    fn next(&mut self) -> Option<(usize, Cluster)> {
        match self.order {
            Order::DepthFirst => self.open.pop_back(),
            Order::NearestFirst => self.open.pop_front(),
        }
    }

    fn meet(&mut self, arrival: Option<Arrival>, cluster: Cluster) {
        if !self.met.insert(cluster.print()) {
            return;
        }
        self.findings.states += 1;
        self.open.push_back((self.arrivals.len(), cluster));
        self.arrivals.push(arrival);
    }

    /// The first violation in a state, with the state in which it was found.
    fn judge(&mut self, cluster: &Cluster) -> Option<(Violation, Found)> {
        if self.judged.insert(cluster.history_print())
            && let Some(violation) = cluster.violation()
        {
            return Some((violation, Found::OnTheWay));
        }
        if !cluster.is_at_rest() {
            return None;
        }
        self.findings.ends += 1;
        let mut end = cluster.clone();
        end.read_all();
        Some((end.violation()?, Found::AtTheEnd))
    }

    /// Goes the way to a state once more, telling what happens.
    fn tell(&self, place: usize, violation: Violation, found: Found) -> Counterexample {
        let mut choices = Vec::new();
        let mut at = place;
        while let Some(Arrival { before, choice }) = self.arrivals[at] {
            choices.push(choice);
            at = before;
        }
        let mut cluster = Cluster::telling(self.scenario);
        for &choice in choices.iter().rev() {
            cluster.apply(choice);
        }
        if let Found::AtTheEnd = found {
            cluster.read_all();
        }
        Counterexample { violation, choices: choices.len(), story: cluster.into_story() }
    }
}

/// Where a violation was found.
#[derive(Clone, Copy, Debug)]
enum Found {
    /// In the calls so far.
    OnTheWay,
    /// By the last read.
    AtTheEnd,
}
