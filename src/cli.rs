//! What can be typed: the commands and their flags.

mod bench;
mod cluster;
mod object;
mod serve;
mod tools;

use std::ffi::OsString;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use stator_client::{Client, Endpoint, RingClient, RingOptions};

use crate::config::{admin_token_of_environment, client_key_of_environment};
use crate::failure::Failure;

pub(crate) use bench::{BenchArgs, Distribution, Mix, Part, Protocol, Target, ValueSize};
pub(crate) use cluster::{BucketCommand, ClusterCommand};
pub(crate) use object::{DeleteArgs, GetArgs, KeysArgs, LocateArgs, PutArgs};
pub(crate) use serve::ServeArgs;
pub(crate) use tools::{DemoArgs, ExportArgs, ImportArgs, SecretArgs, VerifyArgs};

/// A leaderless, always-writable, replicated key-value store: Dynamo in Rust.
///
/// Every node answers every request. A get returns one object, or all conflicting versions, with
/// a context; a put sends the context back and so says what it takes the place of.
#[derive(Debug, Parser)]
#[command(name = "stator", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit status: 0 done; 1 failed or refused; 2 usage; 3 indeterminate (a \
    write that may appear later); 4 not found; 5 siblings where one value was asked for.")]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a cluster on this machine and take a tour of what it does
    Demo(DemoArgs),
    /// Run a node
    Serve(Box<ServeArgs>),
    /// Print an object's bytes
    Get(GetArgs),
    /// Store an object
    Put(PutArgs),
    /// Delete an object
    Delete(DeleteArgs),
    /// Show where an object lives: token, partition, preference list
    Locate(LocateArgs),
    /// List a bucket's keys (a scan, in token order)
    Keys(KeysArgs),
    /// Store a folder's files, one object each, with the relative path as key
    Import(ImportArgs),
    /// Write a bucket's objects as files
    Export(ExportArgs),
    /// Show or set a bucket's properties
    #[command(subcommand)]
    Bucket(BucketCommand),
    /// Look at the cluster and change its ring
    #[command(subcommand)]
    Cluster(ClusterCommand),
    /// Ask every node whether the cluster has converged: replicas agree, no hints are held
    Verify(VerifyArgs),
    /// Measure a cluster, or a Redis, over HTTP, the Redis protocol or native connections
    ///
    /// Closed loop: each connection sends its next request when the answer to the one before has
    /// come. With --rate, open loop: requests are due at fixed moments, whether or not those before
    /// were answered, and a latency counts from the moment at which its request was due, so that a
    /// stall of the servers shows in every request that it made late.
    Bench(Box<BenchArgs>),
    /// Print a new random cluster secret, and nothing else
    Secret(SecretArgs),
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Print the manual page of stator, or of one of its commands
    Man {
        /// Which command
        command: Option<String>,
    },
}

/// Whom to talk to, and how to print.
#[derive(Args, Clone, Debug)]
pub(crate) struct Connection {
    /// The node to ask; any node answers
    #[arg(long, value_name = "URL", env = "STATOR_ENDPOINT")]
    #[arg(default_value = "http://127.0.0.1:7411", global = true)]
    pub(crate) endpoint: Endpoint,
    /// Print JSON: one document, or one line per item
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl Connection {
    /// A client of the node to ask.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.endpoint.clone())
    }

    /// A client of the cluster: native if this shell has the client key, over HTTP if not.
    pub(crate) fn ring_client(&self) -> Result<RingClient, Failure> {
        let key = client_key_of_environment()?;
        Ok(RingClient::new(RingOptions::new(self.endpoint.clone()).with_key(key)))
    }

    /// A client that may administer, off loopback too if this shell has the cluster's secret.
    pub(crate) fn administrator(&self) -> Result<Client, Failure> {
        let client = self.client();
        Ok(match admin_token_of_environment()? {
            Some(token) => client.with_admin_token(token),
            None => client,
        })
    }
}

/// A bucket, by its own bytes.
#[derive(Args, Clone, Debug)]
pub(crate) struct BucketArg {
    /// The bucket
    #[arg(value_name = "BUCKET")]
    pub(crate) bucket: OsString,
}
