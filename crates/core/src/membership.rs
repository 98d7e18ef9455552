//! Who is in the cluster, who can be heard, and which ring holds.
//!
//! The paper, 4.8 and 4.9. Gossip spreads facts that only grow; phi accrual judges peers, locally
//! and for routing only (rule 18); rings follow one another by the members' majority (rule 15).

pub mod admin;
pub mod detector;
pub mod effect;
pub mod facts;
pub mod gossip;
mod machine;
mod message;
pub mod staging;

pub use machine::{FoundCluster, Membership, MembershipConfig, Restored};
pub use message::MembershipMessage;
