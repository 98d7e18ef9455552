//! The HTTP door over a real loopback socket, with a node behind it that only records what it is
//! asked.

mod bad_input;
mod bucket;
mod client;
mod cluster;
mod connection;
mod fake;
mod guard;
mod listing;
mod locate;
mod node;
mod reading;
mod writing;
