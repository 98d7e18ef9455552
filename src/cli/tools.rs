//! Flags of import, export, verify, bench and demo.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use stator_client::Endpoint;

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

/// How many of a bench's operations are puts, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mix(u8);

impl Mix {
    /// Of a hundred operations, how many are puts.
    pub(crate) const fn puts_in_hundred(self) -> u8 {
        self.0
    }
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no mix: put, get, or PUTS/GETS such as 50/50");
        let (puts, gets) = match text {
            "put" => return Ok(Self(100)),
            "get" => return Ok(Self(0)),
            _ => text.split_once('/').ok_or_else(wrong)?,
        };
        let puts: u8 = puts.parse().map_err(|_| wrong())?;
        let gets: u8 = gets.parse().map_err(|_| wrong())?;
        if puts.checked_add(gets) != Some(100) {
            return Err(format!("{text:?} is no mix: the two parts make up 100"));
        }
        Ok(Self(puts))
    }
}

/// `stator bench`. Each connection sends its next request when the answer to the one before has
/// come. The time before the measured part warms up.
#[derive(Args, Clone, Debug)]
pub(crate) struct BenchArgs {
    /// Connections, each with one request at a time
    #[arg(long, default_value = "64", value_name = "N")]
    pub(crate) conns: NonZeroUsize,
    /// Bytes of each value
    #[arg(long, default_value_t = 1024, value_name = "BYTES")]
    pub(crate) value_size: usize,
    /// How many different keys
    #[arg(long, default_value = "100000", value_name = "K")]
    pub(crate) keys: NonZeroU32,
    /// put, get, or the percentages of both such as 50/50
    #[arg(long, default_value = "50/50")]
    pub(crate) mix: Mix,
    /// How long is measured
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) duration: Duration,
    /// How long is warmed up before
    #[arg(long, default_value = "1s", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) warm_up: Duration,
    /// The bucket to use
    #[arg(long, default_value = "bench")]
    pub(crate) bucket: String,
    /// Server processes whose CPU time is read, to tell microseconds per operation
    #[arg(long, value_name = "PID,…", value_delimiter = ',')]
    pub(crate) pid: Vec<u32>,
    /// The nodes, over which the connections are spread; may be repeated or a list
    #[arg(long, value_name = "URL,…", value_delimiter = ',', env = "STATOR_ENDPOINT")]
    #[arg(default_value = "http://127.0.0.1:7411")]
    pub(crate) endpoint: Vec<Endpoint>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
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
