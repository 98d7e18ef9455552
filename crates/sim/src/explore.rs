//! Every interleaving of small worlds: the production core again, with its choices enumerated
//! instead of drawn.
//!
//! Three nodes, one key and a few client calls. A state of such a cluster has a list of
//! [`choice::Choice`]s: any frame that is under way is delivered, or lost; a store writer commits
//! or syncs; a node crashes or is started; a connection breaks or is made; a client makes its next
//! call; a timer fires. [`search`] carries out each of them on a copy of the state, and goes on
//! with every state that it has not met before. At every end, where nothing is under way and
//! every node runs, the key is read from all replicas and the checkers judge; they also judge each
//! history of calls on the way there.
//!
//! # What is enumerated, and what is not
//!
//! - Frames arrive in every order, also over one connection, which is more than TCP would do.
//! - A crash loses what waits for the store writer, and any tail of what it has committed and not
//!   synced. Frames of a process that has died may arrive at any time, or never: so a crash in the
//!   middle of a turn is among the stories.
//! - Clocks stand still. A timer fires when nothing else can happen, or, where a scenario allows
//!   for it, at any time before. The failure detector is silent: broken connections are noticed
//!   sooner or later, and peers are suspected by who waits for them in vain.
//! - An answer to a request that has ended is taken to arrive at once: all that it could change is
//!   how long a suspicion lasts.
//! - An answer reaches its client at once. A later one would promise less: fewer calls would begin
//!   after it.
//! - States are compared by 128-bit hashes of all that they consist of. Nodes are not folded by
//!   symmetry: a preference list orders them, reads ask the first of it first, and the scripts name
//!   their coordinators; exchanging two nodes does not keep those orders.

pub mod choice;
mod cluster;
mod ending;
pub mod findings;
mod flight;
mod host;
pub mod scenario;
pub mod search;
mod turn;

/// The hash by which states, and parts of states, are told apart.
type Print = u128;

/// The hash of all that a part of a state consists of, as its `Debug` text shows it.
fn print_of(part: &impl std::fmt::Debug) -> Print {
    let hash = blake3::hash(format!("{part:?}").as_bytes());
    let (first, _) = hash.as_bytes().split_first_chunk().expect("a hash has 32 bytes");
    Print::from_le_bytes(*first)
}
