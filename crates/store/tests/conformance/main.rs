//! One suite for all engines: what the core and the shell rely on holds for each of them.
//!
//! Tests of faults that only one engine can meet (a killed process, flipped bytes in a file, a
//! failing disk) stand beside the common ones.

mod batches;
mod children;
mod damage;
mod drops;
mod engines;
mod kill;
mod model;
mod poison;
mod reopen;
mod scans;
mod sizes;
