//! What can happen next in a small world.

use std::fmt;

use stator_core::effect::Timer;

/// One thing that can happen next. Nodes and clients by their places, frames by their hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// A frame arrives.
    Deliver(u128),
    /// A frame is lost.
    Lose(u128),
    /// A node's store writer commits what waits.
    Commit(usize),
    /// It has synced what it committed.
    Sync(usize),
    /// A node crashes.
    Crash {
        /// Which.
        node: usize,
        /// How many of its committed and unsynced batches survive, oldest first.
        survivors: usize,
    },
    /// A node that has crashed is started.
    Start(usize),
    /// A node notices that its connection to a peer is broken.
    Disconnect {
        /// Which node.
        at: usize,
        /// Which peer.
        peer: usize,
    },
    /// Two nodes connect with each other.
    Connect(usize, usize),
    /// A client makes its next call.
    Call(usize),
    /// A timer of a node fires.
    Fire(usize, Timer),
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deliver(_) => f.write_str("a frame arrives"),
            Self::Lose(_) => f.write_str("a frame is LOST"),
            Self::Commit(node) => write!(f, "n{} commits, and begins to sync", node + 1),
            Self::Sync(node) => write!(f, "n{} has synced", node + 1),
            Self::Crash { node, survivors: 0 } => write!(f, "n{} CRASHES", node + 1),
            Self::Crash { node, survivors } => {
                write!(f, "n{} CRASHES; {survivors} unsynced batches survive", node + 1)
            }
            Self::Start(node) => write!(f, "n{} is started", node + 1),
            Self::Disconnect { at, peer } => {
                write!(f, "n{} notices that n{} is gone", at + 1, peer + 1)
            }
            Self::Connect(a, b) => write!(f, "n{} and n{} connect", a + 1, b + 1),
            Self::Call(client) => write!(f, "client {client} calls"),
            Self::Fire(node, Timer::Deadline(_)) => write!(f, "a deadline passes at n{}", node + 1),
            Self::Fire(node, Timer::Hedge(_)) => {
                write!(f, "n{} waits for a read no longer than usual", node + 1)
            }
            Self::Fire(node, Timer::Patrol) => write!(f, "n{} looks around", node + 1),
            Self::Fire(node, Timer::Budget) => write!(f, "n{} goes on", node + 1),
            Self::Fire(node, Timer::ForgetForwarded) => write!(f, "n{} forgets", node + 1),
        }
    }
}
