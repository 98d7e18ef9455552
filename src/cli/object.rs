//! Flags of the commands that read and write single objects.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use bytes::Bytes;
use clap::{Args, ValueEnum};
use stator_client::{Context, RequestOptions};
use stator_core::quorum::{Level, QuorumMode, QuorumOptions};

use crate::cli::{BucketArg, Connection};
use crate::failure::Failure;
use crate::key_format::KeyFormat;

/// Which object.
#[derive(Args, Clone, Debug)]
pub(crate) struct ObjectArgs {
    /// The bucket
    pub(crate) bucket: OsString,
    /// The key, as --key-format says
    pub(crate) key: OsString,
    /// How the key is written here
    #[arg(long, value_enum, default_value_t)]
    pub(crate) key_format: KeyFormat,
}

impl ObjectArgs {
    /// The bytes of the bucket and of the key.
    pub(crate) fn name(&self) -> Result<(Bytes, Bytes), Failure> {
        let bucket = Bytes::copy_from_slice(self.bucket.as_bytes());
        Ok((bucket, self.key_format.read(&self.key)?))
    }
}

/// Sloppy or strict, as typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ModeArg {
    /// The first healthy nodes of the preference list may answer
    Sloppy,
    /// Only primaries may answer
    Strict,
}

/// How long and in which mode.
#[derive(Args, Clone, Debug)]
pub(crate) struct PatienceArgs {
    /// Who may answer; the bucket's property if absent
    #[arg(long, value_enum)]
    pub(crate) quorum: Option<ModeArg>,
    /// How long the cluster may take, such as 500ms or 2s; at most 10s
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Option<Duration>,
}

impl PatienceArgs {
    fn with(&self, quorum: QuorumOptions) -> RequestOptions {
        let mode = self.quorum.map(|mode| match mode {
            ModeArg::Sloppy => QuorumMode::Sloppy,
            ModeArg::Strict => QuorumMode::Strict,
        });
        RequestOptions { quorum: QuorumOptions { mode, ..quorum }, timeout: self.timeout }
    }
}

/// How many replicas must answer a read.
#[derive(Args, Clone, Debug)]
pub(crate) struct ReadArgs {
    /// Replicas that must answer: a number, one, quorum or all
    #[arg(short, value_name = "N")]
    pub(crate) r: Option<Level>,
    /// Of those, primaries
    #[arg(long, value_name = "N")]
    pub(crate) pr: Option<Level>,
    #[command(flatten)]
    pub(crate) patience: PatienceArgs,
}

impl ReadArgs {
    /// As the client takes it.
    pub(crate) fn options(&self) -> RequestOptions {
        self.patience.with(QuorumOptions { r: self.r, pr: self.pr, ..QuorumOptions::default() })
    }
}

/// How many replicas must acknowledge a write.
#[derive(Args, Clone, Debug)]
pub(crate) struct WriteArgs {
    /// Replicas that must acknowledge: a number, one, quorum or all
    #[arg(short, value_name = "N")]
    pub(crate) w: Option<Level>,
    /// Of those, primaries
    #[arg(long, value_name = "N")]
    pub(crate) pw: Option<Level>,
    /// Of those, with the write on disk
    #[arg(long, value_name = "N")]
    pub(crate) dw: Option<Level>,
    #[command(flatten)]
    pub(crate) patience: PatienceArgs,
    /// The context that came with what this write takes the place of
    #[arg(long, value_name = "CONTEXT")]
    pub(crate) context: Option<String>,
}

impl WriteArgs {
    /// As the client takes it.
    pub(crate) fn options(&self) -> RequestOptions {
        let quorum =
            QuorumOptions { w: self.w, pw: self.pw, dw: self.dw, ..QuorumOptions::default() };
        self.patience.with(quorum)
    }

    /// The context to send back.
    pub(crate) fn context(&self) -> Option<Context> {
        self.context.clone().map(Context)
    }
}

/// `stator get`.
#[derive(Args, Debug)]
pub(crate) struct GetArgs {
    #[command(flatten)]
    pub(crate) object: ObjectArgs,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

/// `stator put`.
#[derive(Args, Debug)]
pub(crate) struct PutArgs {
    #[command(flatten)]
    pub(crate) object: ObjectArgs,
    /// The value: its own bytes, - for what stands on stdin, @FILE for a file's content
    pub(crate) value: OsString,
    /// The value's type
    #[arg(long, value_name = "TYPE")]
    pub(crate) content_type: Option<String>,
    /// Kept beside the value as Stator-Meta-NAME; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub(crate) meta: Vec<(String, String)>,
    /// How long the value lives, in whole seconds, such as 90s or 7days
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) ttl: Option<Duration>,
    #[command(flatten)]
    pub(crate) write: WriteArgs,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

/// `stator delete`.
#[derive(Args, Debug)]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    pub(crate) object: ObjectArgs,
    #[command(flatten)]
    pub(crate) write: WriteArgs,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

/// `stator locate`.
#[derive(Args, Debug)]
pub(crate) struct LocateArgs {
    #[command(flatten)]
    pub(crate) object: ObjectArgs,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

/// `stator keys`. Keys are printed as --key-format percent reads them.
#[derive(Args, Debug)]
pub(crate) struct KeysArgs {
    #[command(flatten)]
    pub(crate) bucket: BucketArg,
    /// At most so many
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
    /// Go on behind this cursor, which --json shows for each key
    #[arg(long, value_name = "CURSOR")]
    pub(crate) after: Option<String>,
    /// Which keys: live, tombstone, conflict, separated by commas
    #[arg(long, value_name = "STATES")]
    pub(crate) include: Option<String>,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

/// Parses `name=value`.
pub(crate) fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("{text:?} is not of the form name=value")),
    }
}
