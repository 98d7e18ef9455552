//! Flags of import, export, verify, demo and secret.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::{BucketArg, Connection};

/// `stator import`. Files that are there already with the same content are skipped, so an import
/// that was stopped can be run again. Symbolic links are not followed.
#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    pub(crate) bucket: BucketArg,
    /// The folder
    pub(crate) path: PathBuf,
    /// How many files are on their way at a time
    #[arg(long, default_value = "16", value_name = "N")]
    pub(crate) jobs: NonZeroUsize,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

/// `stator export`. Files that are there already with the same content are skipped. Keys that
/// would lie outside of the folder are refused and named.
#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) bucket: BucketArg,
    /// The folder; it is made if it is not there
    pub(crate) dir: PathBuf,
    /// How many objects are on their way at a time
    #[arg(long, default_value = "16", value_name = "N")]
    pub(crate) jobs: NonZeroUsize,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

/// `stator verify`. Every member is asked again and again until the Merkle roots of each partition
/// are the same at all its replicas and no hints are held anywhere, or until the time is over.
#[derive(Args, Debug)]
#[command(after_help = "Exit status: 0 the cluster has converged; 1 it has not, and why.")]
pub(crate) struct VerifyArgs {
    /// How long it may take to converge
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Duration,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

/// `stator demo`.
#[derive(Args, Clone, Debug)]
pub(crate) struct DemoArgs {
    /// How many nodes, each a process of its own
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(3..=50))]
    pub(crate) nodes: u16,
    /// Node k listens on base + 10k (peers), + 1 (HTTP) and + 2 (the Redis protocol)
    #[arg(long, default_value_t = 7400, value_name = "PORT")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=65000))]
    pub(crate) base_port: u16,
    /// Where the nodes keep their data; a temporary directory, removed at the end, if absent
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// End after the tour; status 0 only if every step held
    #[arg(long)]
    pub(crate) exit: bool,
    /// Print one JSON line per step
    #[arg(long)]
    pub(crate) json: bool,
}

/// `stator secret`.
#[derive(Args, Debug)]
pub(crate) struct SecretArgs {
    /// Print the key for native clients instead, derived one way from the secret that STATOR_SECRET
    /// or STATOR_SECRET_FILE gives: who holds it can use the data and is no node
    #[arg(long)]
    pub(crate) client: bool,
}
