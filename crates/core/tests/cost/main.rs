//! What a request costs, counted where nothing depends on time or chance: messages and their bytes,
//! batches, look-ups in the store, timers, allocations.
//!
//! The rule: **a put or a get costs no more than is written down here**, in `requests.rs`, beside the
//! reason. What is counted here was gained by measuring ("as fast as the machine allows"), and a
//! change that gives some of it back is to be seen in review as a number that rises. These tests are
//! a program of their own, since they count with the program's allocator.

mod cluster;
mod counts;
mod requests;
