//! What came out: figures for people and for programs alike, and what must hold.

use std::fmt::Display;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

/// A scenario's figures, in the order in which they were found.
pub(crate) struct Report {
    scenario: &'static str,
    begun: Instant,
    figures: Map<String, Value>,
    rows: Vec<(String, String)>,
    judged: Vec<(String, bool)>,
}

impl Report {
    pub(crate) fn new(scenario: &'static str) -> Self {
        Self {
            scenario,
            begun: Instant::now(),
            figures: Map::new(),
            rows: Vec::new(),
            judged: Vec::new(),
        }
    }

    /// What is being done now, on stderr.
    pub(crate) fn progress(&self, text: &str) {
        eprintln!("[{:7.1} s] {text}", self.begun.elapsed().as_secs_f64());
    }

    /// A figure, and how people read it.
    pub(crate) fn say(&mut self, name: &str, value: impl Into<Value>, text: impl Display) {
        self.figures.insert(name.to_owned(), value.into());
        self.rows.push((words(name), text.to_string()));
    }

    /// A count.
    pub(crate) fn count(&mut self, name: &str, count: u64) {
        self.say(name, count, count);
    }

    /// A duration.
    pub(crate) fn seconds(&mut self, name: &str, duration: Duration) {
        let seconds = (duration.as_secs_f64() * 1000.0).round() / 1000.0;
        self.say(&format!("{name}_seconds"), seconds, format!("{seconds:.1} s"));
    }

    /// A ratio.
    pub(crate) fn ratio(&mut self, name: &str, ratio: f64) {
        let ratio = (ratio * 1000.0).round() / 1000.0;
        self.say(name, ratio, format!("{ratio:.2}"));
    }

    /// Something that must hold.
    pub(crate) fn must(&mut self, holds: bool, what: &str) {
        self.judged.push((what.to_owned(), holds));
        if !holds {
            self.progress(&format!("DOES NOT HOLD: {what}"));
        }
    }

    /// Whether everything holds that must.
    pub(crate) fn holds(&self) -> bool {
        self.judged.iter().all(|(_, holds)| *holds)
    }

    /// Everything on stdout.
    pub(crate) fn print(&self, as_json: bool) {
        if as_json {
            let judged: Vec<Value> = self
                .judged
                .iter()
                .map(|(what, holds)| json!({ "what": what, "holds": holds }))
                .collect();
            let document = json!({
                "scenario": self.scenario,
                "holds": self.holds(),
                "judged": judged,
                "figures": self.figures,
            });
            println!("{document:#}");
            return;
        }
        println!("\n{}", self.scenario);
        let width = self.rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        for (name, text) in &self.rows {
            println!("  {name:width$}  {text}");
        }
        for (what, holds) in &self.judged {
            println!("  {} {what}", if *holds { "holds:" } else { "!!! DOES NOT HOLD:" });
        }
    }
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}
