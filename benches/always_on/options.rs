//! What is measured, and at which size.

use std::time::Duration;

use clap::{Parser, ValueEnum};

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Two of five nodes are killed under 64 writers and come back
    TwoOfFive,
    /// All three primaries of a key are dead
    PrimariesDead,
    /// A node's store is deleted and refilled under load
    LostStore,
    /// Two replicas of a million keys that differ in ten are compared
    MillionKeys,
    /// All keys of a large bucket are listed under load
    Listing,
    /// Bytes of stored values are changed on disk
    Damaged,
    /// Three nodes become six and then four under load, and one is killed in the middle of it
    Elastic,
    /// A dead node in five is replaced by a new one
    Replace,
    /// A client that knows the ring against a node that a balancer picks
    ClientDriven,
    /// Reads that follow writes through other nodes, and what the nodes estimate of them
    Staleness,
}

impl Scenario {
    /// As it is typed.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TwoOfFive => "two-of-five",
            Self::PrimariesDead => "primaries-dead",
            Self::LostStore => "lost-store",
            Self::MillionKeys => "million-keys",
            Self::Listing => "listing",
            Self::Damaged => "damaged",
            Self::Elastic => "elastic",
            Self::Replace => "replace",
            Self::ClientDriven => "client-driven",
            Self::Staleness => "staleness",
        }
    }
}

/// Measures a cluster of real processes on loopback; see docs/measurements.md
#[derive(Clone, Debug, Parser)]
#[command(name = "always_on")]
pub(crate) struct Options {
    /// What to measure
    pub(crate) scenario: Option<Scenario>,
    /// Length of the load: all of it in two-of-five and client-driven (60), each undisturbed part in
    /// lost-store, listing (20) and elastic (30), each setting in staleness (15)
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
    /// Objects that are there: lost-store and replace (200000), million-keys and listing (1000000),
    /// damaged, elastic and client-driven (20000)
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    objects: Option<u64>,
    /// Bytes of a value, at least 16: 1024, in million-keys and listing 32, in replace 128
    #[arg(long, value_parser = clap::value_parser!(u64).range(16..))]
    value_bytes: Option<u64>,
    /// Clients at a time: two-of-five (64), lost-store and listing (8), elastic (32), client-driven (16), staleness (4)
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    clients: Option<u64>,
    /// Requests a second in lost-store, listing and client-driven, updates a second in elastic;
    /// without it a third (in client-driven a quarter) of what the cluster does at most
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) rate: Option<u64>,
    /// million-keys: the node that misses writes is killed, so that it builds its trees anew,
    /// instead of stopped
    #[arg(long)]
    pub(crate) kill: bool,
    /// damaged: how often the damaged node looks at every object
    #[arg(long, default_value = "5", value_name = "SECONDS")]
    pub(crate) scrub_interval: u64,
    /// damaged: how many objects are damaged
    #[arg(long, default_value = "100")]
    pub(crate) flips: usize,
    /// client-driven: nodes of the cluster (3), of which each key has three
    #[arg(long, value_parser = clap::value_parser!(u64).range(3..=16))]
    nodes: Option<u64>,
    /// One JSON document instead of a summary
    #[arg(long)]
    pub(crate) json: bool,
    /// What `cargo bench` adds
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    /// How long the load is.
    pub(crate) fn duration(&self, usual: u64) -> Duration {
        Duration::from_secs(self.seconds.unwrap_or(usual))
    }

    /// How many objects there are.
    pub(crate) fn objects(&self, usual: u64) -> u64 {
        self.objects.unwrap_or(usual)
    }

    /// Bytes of a value.
    pub(crate) fn value_bytes(&self, usual: u64) -> usize {
        self.value_bytes.unwrap_or(usual) as usize
    }

    /// Nodes of the cluster.
    pub(crate) fn nodes(&self, usual: usize) -> usize {
        self.nodes.map_or(usual, |nodes| nodes as usize)
    }

    /// Clients at a time.
    pub(crate) fn clients(&self, usual: u64) -> u64 {
        self.clients.unwrap_or(usual)
    }
}
