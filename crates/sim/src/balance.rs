//! How evenly three ways to place replicas spread the load, for how much each node must know: the
//! paper's figure 8 (6.2).
//!
//! | strategy | who owns what |
//! | --- | --- |
//! | 1 | T random tokens per node; the range up to a token is the token's node's, and of the next N - 1 distinct nodes on the ring |
//! | 2 | T random tokens per node, and many equal partitions; a partition is of the first N distinct nodes from its end on |
//! | 3 | equal partitions, given to the nodes by plan: what Stator does, by its own planner ([`stator_core::ring::plan()`]), one node joining after the other |
//!
//! What is done otherwise than in the paper: shares of requests are computed and not sampled
//! ([`crate::popularity`]), and what a node must know is counted in bytes as it would be sent. A
//! token is 16 bytes and a byte for its node; the table of strategy 3 is what the production
//! encoding of a ring makes of it (`stator_wire::proto::encode_ring`). The list of nodes, which all
//! strategies need, is left out. A request is work for all N replicas of its key.

pub mod command;
pub mod plot;
pub mod strategy;
pub mod study;

#[cfg(test)]
mod tests;
