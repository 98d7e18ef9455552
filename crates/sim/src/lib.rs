//! Whole clusters in a box: a discrete-event world that drives the production core
//! ([`stator_core::node::Shard`]) with virtual time, simulated networks, disks and clients, and
//! seeded faults; and checkers that judge what the clients were told.
//!
//! One seed draws everything, also which faults exist (swarm testing). A world has no threads,
//! reads no clock and keeps everything in ordered collections, so that one seed gives one trace,
//! byte for byte. Start reading in [`world`]; what may go wrong is in [`faults`], [`disk`] and
//! [`network`]; what must hold is in [`checkers`]. [`explore`] is the other way to run a world: small,
//! and in every order that its events can come in. [`detect`] measures the failure detector, [`balance`]
//! how evenly the ring spreads the load, [`planning`] what planning it costs, [`scale`]
//! what grows with the number of nodes, [`staleness`] whether reads are as stale as nodes say.

pub mod balance;
pub mod checkers;
pub mod client;
pub mod detect;
pub mod disk;
pub mod draw;
pub mod event;
pub mod explore;
pub mod faults;
mod gone;
pub mod history;
pub mod layout;
pub mod members;
pub mod network;
pub mod node;
pub mod pace;
pub mod payload;
pub mod planning;
pub mod popularity;
pub mod queue;
pub mod report;
pub mod scale;
pub mod seeds;
pub mod staleness;
pub mod story;
pub mod sweep;
pub mod tracer;
mod witness;
pub mod world;
