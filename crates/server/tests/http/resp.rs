//! The Redis protocol's door.

mod bad_input;
mod client;
mod connection;
mod expiry;
mod failing;
mod handshake;
mod keys;
mod objects;
mod shelf;
mod strings;
