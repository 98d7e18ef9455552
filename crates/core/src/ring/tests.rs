//! Random histories of a cluster: every ring that follows keeps rule 14.

mod bounds;
mod certificate;
mod history;
mod reference;
mod replace;
mod sizes;
