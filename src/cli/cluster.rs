//! Flags of the commands about buckets and the cluster.

use clap::{Args, Subcommand};

use crate::cli::object::name_and_value;
use crate::cli::{BucketArg, Connection};

/// `stator bucket …`.
#[derive(Debug, Subcommand)]
pub(crate) enum BucketCommand {
    /// Show a bucket's properties
    Get {
        #[command(flatten)]
        bucket: BucketArg,
        #[command(flatten)]
        connection: Connection,
    },
    /// Make a bucket, or change its properties
    Set {
        #[command(flatten)]
        bucket: BucketArg,
        /// n and conflicts (siblings, lww) only when it is made; r w dw pr pw node_confirms
        /// quorum (sloppy, strict) ttl (seconds) `max_siblings` at any time
        #[arg(value_name = "NAME=VALUE", required = true, value_parser = name_and_value)]
        settings: Vec<(String, String)>,
        #[command(flatten)]
        connection: Connection,
    },
}

/// `stator cluster …`.
#[derive(Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    /// Show the members and how they are
    Status {
        /// Show it again every two seconds
        #[arg(long)]
        watch: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Estimate how stale reads may be, from what the nodes' own writes meet
    ///
    /// For each setting, the probability that a read through another node than the write does not see
    /// it, by how long before the read the write was acknowledged. Without -n, -r, -w or --dw for some
    /// usual settings. As long as all replicas can be reached.
    Staleness {
        /// Replicas
        #[arg(short, long, value_parser = clap::value_parser!(u8).range(1..=32))]
        n: Option<u8>,
        /// Of those, asked by a read
        #[arg(short, long)]
        r: Option<u8>,
        /// Of those, waited for by a write
        #[arg(short, long)]
        w: Option<u8>,
        /// Of those, with the write on disk
        #[arg(long)]
        dw: Option<u8>,
        /// Milliseconds from the acknowledgement to the read, in place of 0, 1, 5, 10 and 50
        #[arg(long, value_name = "MS,…", value_delimiter = ',')]
        after: Vec<f64>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Show what committing the staged changes would do
    Plan(OnlyConnection),
    /// Make the planned ring the next one
    Commit {
        /// The version that the plan shows
        #[arg(long, value_name = "V")]
        version: u64,
        #[command(flatten)]
        connection: Connection,
    },
    /// Forget everything staged
    Discard(OnlyConnection),
    /// Stage that a node hands its partitions over and leaves
    Leave {
        /// Which
        node: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Stage that a node takes another one's places
    Replace {
        /// Whose places
        old: String,
        /// Who takes them
        new: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Stage that a node that will not come back is taken off the ring
    Remove {
        /// It is dead and will not come back
        #[arg(long, value_name = "NODE")]
        dead: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Go on without a majority of the members that is gone for ever
    ///
    /// Takes off the ring every member that the node which is asked can't reach. What only those had
    /// is lost. Should they be alive after all and change their ring as well, there are two clusters:
    /// stop them first. Refused while a majority can be reached.
    Recover {
        /// They are gone for ever
        #[arg(long, required = true)]
        force: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Stage that a node takes a larger or smaller share
    Weight {
        /// Which
        node: String,
        /// Its weight; 100 is one plain node
        weight: u32,
        #[command(flatten)]
        connection: Connection,
    },
    /// Stage that a node moves to another zone
    Zone {
        /// Which
        node: String,
        /// Where to
        zone: String,
        #[command(flatten)]
        connection: Connection,
    },
}

/// A command that takes nothing else.
#[derive(Args, Debug)]
pub(crate) struct OnlyConnection {
    #[command(flatten)]
    pub(crate) connection: Connection,
}
