//! The answers to commands, by what they are about.

pub(super) mod about;
pub(super) mod connection;
pub(super) mod expiry;
mod glob;
pub(super) mod keys;
mod moment;
pub(super) mod objects;
mod options;
pub(super) mod read;
pub(super) mod scan;
mod several;
pub(super) mod transaction;
pub(super) mod write;
