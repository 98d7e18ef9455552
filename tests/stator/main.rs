//! The product end to end: real processes of the `stator` binary on loopback, driven as users
//! drive them, by the command line and by raw HTTP.
//!
//! Each test has nodes of its own, on ports and in directories of its own; they end with it.

mod architecture;
mod bad_input;
mod bad_start;
mod bench;
mod chaos;
mod commands;
mod conflicts;
mod console;
mod crowd;
mod demo;
mod durability;
mod files;
mod guides;
mod harness;
mod joining;
mod metrics;
mod native;
mod objects;
mod operate;
mod packages;
mod redis;
#[cfg(feature = "otlp")]
mod traces;
