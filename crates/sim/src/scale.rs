//! What grows with the number of nodes, and what does not.
//!
//! Two studies. [`gossip`]: how much nodes say to each other while nothing happens, by kind of
//! message (the paper, 4.8; its section 6.6 owns up to a full membership that "does not scale to
//! tens of thousands of nodes"). [`capacity`]: how much work each node gets for a request, and what
//! a cluster of so many nodes can serve for it (4.3, 6.2).
//!
//! | module | holds |
//! | --- | --- |
//! | [`cluster`] | production's membership machines under virtual time, in steady state |
//! | [`traffic`] | counting messages as they would be sent: encoded, framed, encrypted |
//! | [`gossip`] | the study of steady state |
//! | [`work`] | which node does what for a request |
//! | [`capacity`] | the study of load |

pub mod capacity;
pub mod cluster;
pub mod command;
pub mod gossip;
pub mod traffic;
pub mod work;

#[cfg(test)]
mod tests;
