//! What an exploration has to say for itself: as one line of JSON or as text.

use std::time::Duration;

use serde_json::{Value, json};

use super::scenario::Scope;
use crate::checkers::Violation;

/// The shortest way to a violation.
#[derive(Clone, Debug)]
pub struct Counterexample {
    /// What must not be.
    pub violation: Violation,
    /// How many choices lead there.
    pub choices: usize,
    /// What happens on the way, a line each.
    pub story: Vec<String>,
}

impl Counterexample {
    /// The story of it.
    pub fn text(&self, scenario: &str) -> String {
        let lines: Vec<String> = self.story.iter().map(|line| format!("  {line:.200}\n")).collect();
        let Self { violation, choices, .. } = self;
        format!(
            "VIOLATION {violation}\n  in \"{scenario}\", after {choices} choices\n{}",
            lines.concat()
        )
    }
}

/// The findings in one world.
#[derive(Clone, Debug)]
pub struct Findings {
    /// The world's name.
    pub scenario: String,
    /// Different states met.
    pub states: u64,
    /// Choices carried out: how often any state was met.
    pub steps: u64,
    /// Different states in which nothing was under way, each judged by all checkers.
    pub ends: u64,
    /// Whether no state is left that was not visited.
    pub exhausted: bool,
    /// What must not be, if anything was found.
    pub counterexample: Option<Counterexample>,
}

impl Findings {
    pub(super) fn new(scenario: &str) -> Self {
        let (states, steps, ends, exhausted, counterexample) = (0, 0, 0, false, None);
        Self { scenario: scenario.to_owned(), states, steps, ends, exhausted, counterexample }
    }

    /// The findings as one document.
    pub fn json(&self, took: Duration) -> Value {
        let found = self.counterexample.iter().map(|found| {
            json!({
                "checker": found.violation.checker,
                "sentence": found.violation.sentence,
                "choices": found.choices,
                "story": found.story,
            })
        });
        json!({
            "scenario": self.scenario,
            "states": self.states,
            "steps": self.steps,
            "ends": self.ends,
            "seconds": took.as_secs_f64(),
            "exhausted": self.exhausted,
            "violations": found.collect::<Value>(),
        })
    }

    /// The findings in one line of text.
    pub fn text(&self, took: Duration) -> String {
        format!(
            "{}: {}",
            self.scenario,
            sums(self.states, self.steps, self.ends, took, self.verdict())
        )
    }

    fn verdict(&self) -> &'static str {
        match (&self.counterexample, self.exhausted) {
            (Some(_), _) => "VIOLATION",
            (None, true) => "exhausted, no violation",
            (None, false) => "stopped at the bound, no violation so far",
        }
    }
}

fn sums(states: u64, steps: u64, ends: u64, took: Duration, verdict: &str) -> String {
    let seconds = took.as_secs_f64();
    format!("{states} states, {steps} steps, {ends} ends checked in {seconds:.1} s: {verdict}")
}

/// The sum of all worlds of a scope.
#[derive(Clone, Debug)]
pub struct Exploration {
    scope: Scope,
    scenarios: u64,
    states: u64,
    steps: u64,
    ends: u64,
    violations: u64,
    exhausted: bool,
}

impl Exploration {
    /// Nothing explored yet.
    pub const fn new(scope: Scope) -> Self {
        let (scenarios, states, steps, ends, violations) = (0, 0, 0, 0, 0);
        Self { scope, scenarios, states, steps, ends, violations, exhausted: true }
    }

    /// Adds a world.
    pub fn add(&mut self, findings: &Findings) {
        self.scenarios += 1;
        self.states += findings.states;
        self.steps += findings.steps;
        self.ends += findings.ends;
        self.violations += u64::from(findings.counterexample.is_some());
        self.exhausted &= findings.exhausted;
    }

    /// How many states were met in all worlds together.
    pub const fn states(&self) -> u64 {
        self.states
    }

    /// Whether something must not be as it is.
    pub const fn is_failure(&self) -> bool {
        self.violations > 0
    }

    /// The sums as one document.
    pub fn json(&self, took: Duration) -> Value {
        json!({
            "explored": {
                "scope": self.scope.name(),
                "scenarios": self.scenarios,
                "states": self.states,
                "steps": self.steps,
                "ends": self.ends,
                "seconds": took.as_secs_f64(),
                "violations": self.violations,
                "exhausted": self.exhausted,
            }
        })
    }

    /// The sums in one line of text.
    pub fn text(&self, took: Duration) -> String {
        let verdict = match (self.violations, self.exhausted) {
            (0, true) => "exhausted, no violation".to_owned(),
            (0, false) => "stopped at the bound, no violation so far".to_owned(),
            (found, _) => format!("{found} VIOLATIONS"),
        };
        let sums = sums(self.states, self.steps, self.ends, took, &verdict);
        format!("{} scope, {} scenarios: {sums}", self.scope.name(), self.scenarios)
    }
}
