//! How stale reads are, beside how stale the nodes say that they are: probabilistically bounded
//! staleness ([`stator_core::staleness`]) held to what is seen.
//!
//! Production's shards under virtual time, with delays that have heavy tails. Every write is of a key
//! of its own and is acknowledged at a moment that is known exactly; a read through another node begins
//! a given time later, and is stale if it finds nothing. At the end each node is asked for its estimate,
//! which it has made of its own watched puts alone.
//!
//! | module | holds |
//! | --- | --- |
//! | [`path`] | how long frames are under way |
//! | [`cluster`] | shards, disks and frames on one agenda |
//! | [`study`] | writes, reads, and both figures side by side |
//! | [`command`] | what `stator-sim staleness` is asked, and what it prints |

pub mod cluster;
pub mod command;
pub mod path;
pub mod study;

#[cfg(test)]
mod tests;
