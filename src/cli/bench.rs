//! Flags of bench, and what they are parsed to.

mod load;

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use stator_client::Endpoint;

pub(crate) use load::{Mix, Part, ValueSize};

/// By which door the load goes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Protocol {
    /// The HTTP door of the nodes at --endpoint
    Http,
    /// The Redis protocol, plain GET and SET, at --resp
    Resp,
    /// Native connections straight to replicas, which wants the client key (`stator secret --client`)
    Native,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// Nodes of Stator, whose metrics tell syncs
    Stator,
    /// A Redis, at --resp
    Redis,
}

/// Which keys are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Distribution {
    /// Each as often as any other
    Uniform,
    /// A few very often, most seldom, as YCSB's scrambled zipfian
    Zipfian,
    /// One after the other, and from the start again
    Sequential,
}

/// `stator bench`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  \
    stator bench --mix b --distribution zipfian --duration 30s\n  \
    stator bench --rate 5000 --mix put --plot put.svg --pid 4711,4712,4713\n  \
    stator bench --protocol resp --resp 127.0.0.1:7412 --pipeline 16 --mix load --keys 1000000\n  \
    stator bench --target redis --resp 127.0.0.1:6379 --wait 1 --mix put\n\
    docs/benchmarking.md says what each figure means.")]
pub(crate) struct BenchArgs {
    /// By which door
    #[arg(long, value_enum, default_value = "http", help_heading = "Where to")]
    pub(crate) protocol: Protocol,
    /// The nodes, over which the connections are spread; may be repeated or a list
    #[arg(long, value_name = "URL,…", value_delimiter = ',', env = "STATOR_ENDPOINT")]
    #[arg(default_value = "http://127.0.0.1:7411", help_heading = "Where to")]
    pub(crate) endpoint: Vec<Endpoint>,
    /// With --protocol resp: the doors, over which the connections are spread; 127.0.0.1:7412 if
    /// absent, 127.0.0.1:6379 for a Redis
    #[arg(long, value_name = "HOST:PORT,…", value_delimiter = ',', help_heading = "Where to")]
    pub(crate) resp: Vec<String>,
    /// What answers there; redis implies --protocol resp
    #[arg(long, value_enum, default_value = "stator", help_heading = "Where to")]
    pub(crate) target: Target,
    /// The bucket to use, over HTTP and natively
    #[arg(long, default_value = "bench", help_heading = "Where to")]
    pub(crate) bucket: String,
    /// The database to use, over RESP
    #[arg(long, default_value_t = 0, value_name = "N", help_heading = "Where to")]
    pub(crate) dbnum: u8,

    /// put, get, the percentages of both such as 50/50, one of YCSB's a b c f, or load, which puts
    /// each key once and ends; f is half reads, half read-modify-writes
    #[arg(long, default_value = "50/50", help_heading = "Load")]
    pub(crate) mix: Mix,
    /// How many different keys
    #[arg(long, default_value = "100000", value_name = "K", help_heading = "Load")]
    pub(crate) keys: NonZeroU32,
    /// Which of them are asked for
    #[arg(long, value_enum, default_value = "uniform", help_heading = "Load")]
    pub(crate) distribution: Distribution,
    /// How skewed zipfian is: the k-th most popular key is asked for in proportion to 1 / k^THETA
    #[arg(long, default_value_t = 0.99, value_name = "THETA", help_heading = "Load")]
    #[arg(value_parser = load::exponent)]
    pub(crate) zipf_exponent: f64,
    /// What keys begin with; if absent the value size, or something new where keys are only put
    #[arg(long, value_name = "TEXT", help_heading = "Load")]
    pub(crate) key_prefix: Option<String>,
    /// Bytes of each value, or from how many to how many such as 100-4000
    #[arg(long, default_value = "1024", value_name = "BYTES", help_heading = "Load")]
    pub(crate) value_size: ValueSize,
    /// Trust that the keys are there, and don't look whether they are before reading them
    #[arg(long, help_heading = "Load")]
    pub(crate) no_fill: bool,
    /// Requests a second, over all connections (open loop); as fast as they are answered if absent
    #[arg(long, value_name = "R", help_heading = "Load")]
    pub(crate) rate: Option<NonZeroU32>,
    /// Connections; natively, requests under way at a time
    #[arg(long, short = 'c', default_value = "64", value_name = "N", help_heading = "Load")]
    pub(crate) conns: NonZeroUsize,
    /// Over RESP: requests that a connection sends at once
    #[arg(long, short = 'P', default_value = "1", value_name = "P", help_heading = "Load")]
    pub(crate) pipeline: NonZeroUsize,
    /// With a Redis: send WAIT after each SET, and count it done once N replicas have it
    #[arg(long, value_name = "N", help_heading = "Load")]
    pub(crate) wait: Option<NonZeroU32>,
    /// Threads of this program; a quarter of the processors if absent
    #[arg(long, value_name = "T", help_heading = "Load")]
    pub(crate) threads: Option<NonZeroUsize>,

    /// How long is measured
    #[arg(long, default_value = "10s", value_name = "TIME", help_heading = "What is measured")]
    #[arg(value_parser = humantime::parse_duration)]
    pub(crate) duration: Duration,
    /// How long is warmed up before
    #[arg(long, default_value = "1s", value_name = "TIME", help_heading = "What is measured")]
    #[arg(value_parser = humantime::parse_duration)]
    pub(crate) warm_up: Duration,
    /// Server processes, to tell their CPU time, memory, disk traffic and context switches
    #[arg(long, value_name = "PID,…", value_delimiter = ',', help_heading = "What is measured")]
    pub(crate) pid: Vec<u32>,
    /// How long each point in the figures over time stands for
    #[arg(long, default_value = "1s", value_name = "TIME", help_heading = "What is measured")]
    #[arg(value_parser = load::slot)]
    pub(crate) slot: Duration,
    /// Draw latencies and throughput over time as an SVG
    #[arg(long, value_name = "FILE", help_heading = "What is measured")]
    pub(crate) plot: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long, help_heading = "What is measured")]
    pub(crate) json: bool,
}
