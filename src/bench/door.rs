//! The doors through which a load goes in, and what is carried out there.

mod http;
mod native;
mod resp;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::bench::ledger::Ledger;
use crate::bench::tally::ErrorKind;
use crate::cli::Part;

pub(super) use self::http::HttpDoor;
pub(super) use native::NativeDoor;
pub(super) use resp::RespDoor;

/// How long an answer may take: beyond what a server takes at most.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);
/// How long to wait before a connection that could not be opened is tried again.
const AGAIN: Duration = Duration::from_millis(50);

/// What is to be done.
#[derive(Clone, Debug)]
pub(super) enum Task {
    /// Store this.
    Put(Bytes),
    /// Read.
    Get,
    /// Read, then store this with the context that was read.
    Modify(Bytes),
    /// See whether it is there, and learn its context.
    Look,
}

impl Task {
    /// As what it is counted.
    pub(super) const fn part(&self) -> Part {
        match self {
            Self::Put(_) => Part::Put,
            Self::Get | Self::Look => Part::Get,
            Self::Modify(_) => Part::Modify,
        }
    }
}

/// One operation: what is to be done, and what came of it.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) key: u32,
    pub(super) task: Task,
    /// When it was due.
    pub(super) due: Instant,
    /// What came of it, and when.
    pub(super) answer: Option<(Instant, Result<(), ErrorKind>)>,
}

impl Operation {
    /// An operation that is due then.
    pub(super) const fn new(key: u32, task: Task, due: Instant) -> Self {
        Self { key, task, due, answer: None }
    }

    fn ends(&mut self, outcome: Result<(), ErrorKind>) {
        self.answer = Some((Instant::now(), outcome));
    }
}

/// One connection, opened when it is first needed, and again when it broke.
pub(super) trait Door {
    /// Carries out a batch; each operation has its answer afterwards.
    async fn carry_out(&mut self, batch: &mut [Operation]);
}

/// How objects are called and what was put: the same for all connections.
#[derive(Clone, Debug)]
pub(super) struct Objects {
    pub(super) bucket: Arc<str>,
    pub(super) prefix: Arc<str>,
    /// None where puts send no context back.
    pub(super) ledger: Option<Arc<Ledger>>,
}
