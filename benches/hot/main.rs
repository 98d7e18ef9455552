//! What the parts of a request take, each alone: the times that allocations, copies and look-ups
//! are worth. `docs/performance.md` says what whole processes take.
//!
//! ```text
//! cargo bench --bench hot [-- FILTER]       shards, wire::, store::put ...
//! ```
//!
//! Times depend on the machine and on what else it does: two of them compare if they are of one run.
//! What must not get worse is therefore not timed but counted, by `crates/core/tests/cost`, whose
//! cluster of shards is the one that is timed here. Parts are reached as other crates reach them.

#[path = "../../crates/core/tests/cost/cluster.rs"]
mod cluster;
mod node;
mod object;
mod placement;
mod shards;
mod store;
mod wire;

use std::time::Duration;

use divan::Divan;

/// How long each is repeated at least: the first rounds meet cold caches.
const AT_LEAST: Duration = Duration::from_millis(500);

fn main() {
    Divan::default().min_time(AT_LEAST).config_with_args().main();
}
