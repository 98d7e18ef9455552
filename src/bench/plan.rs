//! What to send, where, how fast and for how long.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use stator_client::{ClientKey, Endpoint};

use crate::cli::{Distribution, Mix, ValueSize};

/// The doors through which the load goes in; each list has at least one.
#[derive(Clone, Debug)]
pub(crate) enum Doors {
    /// HTTP doors of nodes.
    Http(Vec<Endpoint>),
    /// Doors of the Redis protocol.
    Resp(RespDoors),
    /// Native connections to all nodes of the cluster of these.
    Native(Vec<Endpoint>, ClientKey),
}

/// Doors of the Redis protocol, and how they are spoken to.
#[derive(Clone, Debug)]
pub(crate) struct RespDoors {
    /// `host:port`
    pub(crate) addresses: Vec<String>,
    /// The database.
    pub(crate) dbnum: u8,
    /// Replicas that must have a value before its SET counts as done.
    pub(crate) wait: Option<NonZeroU32>,
}

/// What to send, where, how fast and for how long.
#[derive(Clone, Debug)]
pub(crate) struct LoadPlan {
    /// Where to.
    pub(crate) doors: Doors,
    /// Where objects are stored, if the doors have buckets.
    pub(crate) bucket: String,
    /// Connections, each with one batch of requests at a time.
    pub(crate) conns: NonZeroUsize,
    /// Requests of a batch.
    pub(crate) pipeline: NonZeroUsize,
    /// Threads over which the connections are spread.
    pub(crate) threads: NonZeroUsize,
    /// Bytes of a value.
    pub(crate) value_size: ValueSize,
    /// How many different keys.
    pub(crate) keys: NonZeroU32,
    /// What they begin with.
    pub(crate) prefix: String,
    /// Which of them are asked for.
    pub(crate) distribution: Distribution,
    /// The exponent of Zipf's law.
    pub(crate) zipf_exponent: f64,
    /// Of which operations the load consists.
    pub(crate) mix: Mix,
    /// Whether keys that are not there are stored before.
    pub(crate) fill: bool,
    /// Requests a second; as fast as they are answered if absent.
    pub(crate) rate: Option<NonZeroU32>,
    /// How long before what is measured.
    pub(crate) warm_up: Duration,
    /// How long is measured.
    pub(crate) duration: Duration,
    /// How long each point of the figures over time stands for.
    pub(crate) slot: Duration,
}
