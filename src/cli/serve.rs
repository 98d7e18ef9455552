//! Flags of `stator serve`. Each may also be a `STATOR_*` variable or a line of the settings file;
//! `config` brings the three together.

use std::path::PathBuf;

use clap::Args;

/// Run a node.
///
/// With an empty data directory and nothing else it starts a cluster of one node on loopback. A
/// node that has joined a cluster needs neither --init nor --join to start again. A cluster
/// secret comes from STATOR_SECRET, from the file that STATOR_SECRET_FILE names, or from
/// `secret_file` in the settings file.
#[derive(Args, Debug, Default)]
#[command(args_override_self = true)]
pub(crate) struct ServeArgs {
    /// The settings file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print every setting with where it came from, and end
    #[arg(long)]
    pub(crate) print_config: bool,
    /// Stop when the process that started this one ends, however it ends
    #[arg(long, hide = true, value_name = "PID")]
    pub(crate) stop_with_parent: Option<i32>,
    /// Start a new cluster, if the data directory has none
    #[arg(long)]
    pub(crate) init: bool,
    /// The node's label, unique within its cluster
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Where everything is kept
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<String>,
    /// Peers of the cluster to join, if the data directory has none
    #[arg(long, value_name = "HOST:PORT,…")]
    pub(crate) join: Option<String>,
    /// The host under which peers and clients reach this node; with a port, where peers do
    #[arg(long, value_name = "HOST[:PORT]")]
    pub(crate) advertise: Option<String>,
    /// What fails together: a rack, a data centre
    #[arg(long)]
    pub(crate) zone: Option<String>,
    /// Capacity beside that of others, 1 to 10000
    #[arg(long)]
    pub(crate) weight: Option<String>,
    /// Where peers connect
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) peer: Option<String>,
    /// Where HTTP is served
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) http: Option<String>,
    /// Where the Redis protocol is served; '' for nowhere
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) resp: Option<String>,
    /// With --init: into how many partitions the ring is cut, a power of two, for good
    #[arg(long, value_name = "Q")]
    pub(crate) partitions: Option<String>,
    /// With --init: replicas of each partition
    #[arg(long, value_name = "N")]
    pub(crate) replicas: Option<String>,
    /// Threads that each serve their part of the keys; 0 for one a core
    #[arg(long, value_name = "S")]
    pub(crate) shards: Option<String>,
    /// Where objects are kept: fjall (on disk) or memory (lost at exit)
    #[arg(long)]
    pub(crate) engine: Option<String>,
    /// Requests under way at a time before further ones are refused
    #[arg(long, value_name = "N")]
    pub(crate) max_requests: Option<String>,
    /// The longest key, in bytes
    #[arg(long, value_name = "BYTES")]
    pub(crate) max_key_bytes: Option<String>,
    /// The largest object, in bytes
    #[arg(long, value_name = "BYTES")]
    pub(crate) max_object_bytes: Option<String>,
    /// Bytes of hints kept for other nodes; past it new ones are refused
    #[arg(long, value_name = "BYTES")]
    pub(crate) max_hint_bytes: Option<String>,
    /// Memory for objects that were lately written or read, which fills as they are [default: an
    /// eighth of the machine's]
    #[arg(long, value_name = "BYTES")]
    pub(crate) cache_bytes: Option<String>,
    /// How often every stored object is read in full to verify it, in seconds
    #[arg(long, value_name = "SECONDS")]
    pub(crate) scrub_interval: Option<String>,
    /// What the node reads and sends in the background at most, while requests are fast: hints
    /// going home, replicas being compared and refilled, objects being verified
    #[arg(long, value_name = "BYTES")]
    pub(crate) background_bytes_per_second: Option<String>,
    /// Free bytes of the disk below which new values are refused [default: 2 GiB, at most 5 %]
    #[arg(long, value_name = "BYTES")]
    pub(crate) disk_reserve: Option<String>,
    /// Requests that take as long as this are logged, in milliseconds; 0 logs none
    #[arg(long, value_name = "MS")]
    pub(crate) slow_request_ms: Option<String>,
    /// Where spans of requests are sent by OTLP over HTTP; needs a build with --features otlp
    #[arg(long, value_name = "URL")]
    pub(crate) otlp_endpoint: Option<String>,
    /// Which part of all requests is traced, 0 to 1; the same on every node
    #[arg(long, value_name = "R")]
    pub(crate) trace_ratio: Option<String>,
    /// What is logged, as tracing filters say it, such as info or stator=debug
    #[arg(long, value_name = "FILTER")]
    pub(crate) log: Option<String>,
    /// text or json
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<String>,
}
