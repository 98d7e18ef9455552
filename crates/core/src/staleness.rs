//! How stale reads may be: probabilistically bounded staleness (PBS; Bailis et al., VLDB 2012) of a
//! running cluster, from what its own writes meet.
//!
//! The paper, 4.5, leaves R + W ≤ N to whoever wants latency and says that it weakens consistency;
//! this says by how much. Each node watches some of the puts that it coordinates ([`Watch`]): when
//! its own batch is on disk, and when each replica's acknowledgement comes. A replica says with it
//! how long it held the state for its sync, by its own clock, so that what is left of the time is
//! the way there and back. From these the model ([`Laws::estimate`]) draws writes and reads:
//!
//! ```text
//! put   here ────────W────────▶ replica      visible there on arrival (the object buffer), here at once
//!       own sync     replica's sync
//!       here ◀───────A──────── replica       acknowledged: w of the copies, dw of them on disk
//! get   t later, through another node: itself if it is a replica, and others, R in all
//!       reader ──────R──────▶ replica        stale if the get meets no replica that has the write
//! ```
//!
//! What is assumed:
//!
//! - The way there is as long as the way back. Clocks of two nodes are never compared, so that only
//!   the sum is measured; it is taken apart into the one law that both ways most likely have
//!   ([`Law::of_one_way`]), which keeps a tail that halving would cut.
//! - Delays are independent of each other, and replicas are as far from each other as from here.
//! - Replicas are reachable. Fallbacks, repairs, hedged reads and reads through the node that
//!   coordinated the write (which has it at once) are left out. All but the first make reads fresher.

mod delays;
mod law;
mod model;
mod watch;

pub use delays::Delays;
pub use law::Law;
pub use model::{Estimate, Laws, Setting};
pub use watch::{ReplicaDelays, Watch, WriteDelays};

#[cfg(test)]
mod tests;
