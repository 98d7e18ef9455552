//! Which nodes run, so that a client knows whether silence is the adversary's doing or the node's.

use std::sync::Mutex;
use std::time::Instant;

/// Nodes by place.
#[derive(Debug)]
pub(super) struct Trouble(Mutex<Vec<State>>);

#[derive(Clone, Copy, Debug)]
enum State {
    /// It runs, since then.
    Running(Instant),
    /// It is killed or stopped.
    Away,
}

impl Trouble {
    /// So many nodes, all running.
    pub(super) fn new(nodes: usize) -> Self {
        Self(Mutex::new(vec![State::Running(Instant::now()); nodes]))
    }

    /// A node is about to be killed or stopped.
    pub(super) fn begins(&self, place: usize) {
        self.set(place, State::Away);
    }

    /// It runs again.
    pub(super) fn ends(&self, place: usize) {
        self.set(place, State::Running(Instant::now()));
    }

    /// Whether a node has run without a break since then.
    pub(super) fn ran_since(&self, place: usize, since: Instant) -> bool {
        let states = self.0.lock().expect("nothing panics while it is held");
        matches!(states[place], State::Running(start) if start < since)
    }

    /// The nodes that run.
    pub(super) fn running(&self) -> Vec<usize> {
        let states = self.0.lock().expect("nothing panics while it is held");
        let running = |place: &usize| matches!(states[*place], State::Running(_));
        (0..states.len()).filter(running).collect()
    }

    fn set(&self, place: usize, state: State) {
        self.0.lock().expect("nothing panics while it is held")[place] = state;
    }
}
