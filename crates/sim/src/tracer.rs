//! The trace of a run: hashed always, kept where somebody wants to read it.

use std::fmt::{self, Write};

use stator_core::time::Instant;

use crate::event::Clock;

/// What is kept of the trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// Its hash only.
    #[default]
    Hash,
    /// Every line.
    All,
    /// Lines that concern one key (by its place), and those that concern whole nodes.
    Key(usize),
}

/// Whom a line concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concern {
    /// A key, by its place.
    Key(usize),
    /// A whole node, or the network.
    Node,
    /// Nobody in particular.
    Nobody,
}

/// Takes in every event.
#[derive(Debug)]
pub struct Tracer {
    hasher: blake3::Hasher,
    line: String,
    keep: Keep,
    kept: Vec<String>,
    events: u64,
}

impl Tracer {
    /// A tracer that keeps what is asked for.
    pub fn new(keep: Keep) -> Self {
        let (line, kept) = (String::new(), Vec::new());
        Self { hasher: blake3::Hasher::new(), line, keep, kept, events: 0 }
    }

    /// Takes in an event: part of the hash.
    pub fn event(&mut self, at: Instant, concern: Concern, text: impl fmt::Display) {
        self.events += 1;
        self.line.clear();
        write!(self.line, "{:>14} {text}", Clock(at)).expect("a string takes all that is written");
        self.hasher.update(self.line.as_bytes()).update(b"\n");
        if self.wants(concern) {
            self.kept.push(self.line.clone());
        }
    }

    /// Adds a remark for the reader; not part of the hash.
    pub fn remark(&mut self, at: Instant, concern: Concern, text: impl FnOnce() -> String) {
        if self.wants(concern) {
            self.kept.push(format!("{:>14}     {}", Clock(at), text()));
        }
    }

    /// Whether lines of this concern are kept.
    pub fn wants(&self, concern: Concern) -> bool {
        match self.keep {
            Keep::Hash => false,
            Keep::All => true,
            Keep::Key(wanted) => concern == Concern::Key(wanted) || concern == Concern::Node,
        }
    }

    /// How many events there were.
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// The hash of all events so far, in hex.
    pub fn hash(&self) -> String {
        self.hasher.finalize().to_hex().to_string()
    }

    /// The lines kept.
    pub fn into_lines(self) -> Vec<String> {
        self.kept
    }
}
