//! Dynamo itself: versions, quorums, the ring and membership as pure state machines.
//!
//! Nothing here does I/O, reads a clock, starts a thread or draws randomness of its own: time,
//! messages and seeds come in as arguments ([`effect::Input`]), what to do comes out as values
//! ([`effect::Effect`]). Production and the simulator run this same code.
//!
//! Each module is a chapter of the Dynamo paper (DeCandia et al., SOSP 2007) and says which one.

pub mod bucket;
pub mod budget;
pub mod collection;
pub mod context;
pub mod coordinator;
pub mod delivery;
pub mod effect;
pub mod exchange;
pub mod hints;
pub mod identity;
pub mod membership;
pub mod merkle;
pub mod message;
pub mod node;
pub mod object;
pub mod observe;
pub mod quorum;
pub mod random;
pub mod register;
pub mod replica;
pub mod request;
pub mod ring;
pub mod staleness;
pub mod standing;
pub mod status;
pub mod store;
pub mod time;
pub mod token;
pub mod transfer;
pub mod upkeep;
pub mod version;
pub mod view;
