//! Local persistence engines behind the core's [`Store`](stator_core::store::Store) trait (the
//! paper, section 5: the engine is pluggable, so that it can suit the application's objects).
//!
//! Two engines keep one contract, and one conformance suite (`tests/conformance.rs`) holds both
//! to it:
//!
//! - [`FjallStore`]: an LSM tree on disk, the default of a node;
//! - [`MemoryStore`]: ordered maps in memory, for tests, caches and the simulator. Its
//!   [`MemoryDisk`] outlives a simulated crash and loses, keeps or damages what it is told to.
//!
//! The rule that both keep: what was synced is there after a crash, a batch is there whole or not
//! at all, and a value whose bytes changed at rest is an error that names its key, never data.
//! An engine that failed to write or to sync takes no more writes.

mod limits;
mod lsm;
mod memory;
mod poison;
mod range;
mod record;
mod spaces;

pub use lsm::{FjallSettings, FjallStore, OpenError, TornTail};
pub use memory::{MemoryDisk, MemorySnapshot, MemoryStore};
