//! What clients asked through which front door, what came of it and how long they waited.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use stator_core::object::ObjectState;
use stator_core::request::{ClientReply, Done, Operation, RequestError};
use stator_core::time::WallTime;

use super::histogram::{Distribution, Histogram, MICROS};
use super::micros;

/// Where a request came in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Door {
    /// HTTP.
    Http,
    /// The Redis protocol.
    Resp,
    /// Native clients.
    Native,
    /// A program that runs the node within itself.
    #[default]
    Embedded,
}

impl Door {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Http, Self::Resp, Self::Native, Self::Embedded];

    /// Its name in logs and figures.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Resp => "resp",
            Self::Native => "native",
            Self::Embedded => "embedded",
        }
    }
}

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A get.
    Get,
    /// A put.
    Put,
    /// A delete.
    Delete,
    /// A page of a listing.
    List,
}

impl Asked {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Get, Self::Put, Self::Delete, Self::List];

    /// Which one an operation is.
    pub(crate) const fn of(operation: &Operation) -> Self {
        match operation {
            Operation::Get { .. } => Self::Get,
            Operation::Put(_) => Self::Put,
            Operation::Delete { .. } => Self::Delete,
            Operation::List(_) => Self::List,
        }
    }

    /// Its name in logs and figures.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Put => "put",
            Self::Delete => "delete",
            Self::List => "list",
        }
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// A value, a page, an acknowledgement.
    Done,
    /// A get found nothing: never written, deleted or expired.
    NotFound,
    /// A get found several versions.
    Conflict,
    /// The request can't be carried out as it is, whoever is asked: its context, its quorum, or
    /// too many siblings.
    Invalid,
    /// Nothing was done: the cluster could not.
    Refused,
    /// Answers were late: a write may appear later, a read has no answer.
    Indeterminate,
}

impl Came {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Done,
        Self::NotFound,
        Self::Conflict,
        Self::Invalid,
        Self::Refused,
        Self::Indeterminate,
    ];

    /// What a reply is, at this time.
    pub(crate) fn of(reply: &ClientReply, at: WallTime) -> Self {
        match reply {
            Ok(Done::Got(got)) => Self::found(&got.state, at),
            Ok(_) => Self::Done,
            Err(error) if error.came_too_late() => Self::Indeterminate,
            Err(
                RequestError::Context(_)
                | RequestError::Quorum(_)
                | RequestError::TooManySiblings { .. },
            ) => Self::Invalid,
            Err(_) => Self::Refused,
        }
    }

    fn found(state: &ObjectState, at: WallTime) -> Self {
        let siblings = state.siblings();
        match siblings.iter().any(|sibling| sibling.live(at).is_some()) {
            false => Self::NotFound,
            true if siblings.len() > 1 => Self::Conflict,
            true => Self::Done,
        }
    }

    /// Its name in logs and figures.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Invalid => "invalid",
            Self::Refused => "refused",
            Self::Indeterminate => "indeterminate",
        }
    }
}

/// The counters of all doors.
#[derive(Debug, Default)]
pub(crate) struct DoorCounters([OneDoor; Door::ALL.len()]);

/// On cache lines of its own: doors have threads of their own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct OneDoor {
    each: [OneKind; Asked::ALL.len()],
    slow: AtomicU64,
}

#[derive(Debug)]
struct OneKind {
    came: [AtomicU64; Came::ALL.len()],
    took: Histogram<17>,
}

impl Default for OneKind {
    fn default() -> Self {
        Self { came: Default::default(), took: Histogram::new(&MICROS) }
    }
}

impl DoorCounters {
    /// A request was answered.
    pub(crate) fn answered(&self, door: Door, asked: Asked, came: Came, took: Duration) {
        let kind = &self.0[door as usize].each[asked as usize];
        kind.came[came as usize].fetch_add(1, Ordering::Relaxed);
        kind.took.add(micros(took));
    }

    /// It took longer than is usual.
    pub(crate) fn slow(&self, door: Door) {
        self.0[door as usize].slow.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Vec<DoorStats> {
        let of = |(door, counted): (Door, &OneDoor)| DoorStats {
            door,
            slow: counted.slow.load(Ordering::Relaxed),
            requests: Asked::ALL
                .into_iter()
                .zip(&counted.each)
                .map(|(asked, kind)| RequestStats {
                    asked,
                    came: Came::ALL
                        .into_iter()
                        .zip(&kind.came)
                        .map(|(came, count)| (came, count.load(Ordering::Relaxed)))
                        .collect(),
                    micros: kind.took.read(),
                })
                .collect(),
        };
        Door::ALL.into_iter().zip(&self.0).map(of).collect()
    }
}

/// A front door's figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoorStats {
    /// Which.
    pub door: Door,
    /// Requests that took longer than the slow log's threshold.
    pub slow: u64,
    /// Requests by what was asked.
    pub requests: Vec<RequestStats>,
}

/// Requests of one kind through one door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestStats {
    /// What was asked.
    pub asked: Asked,
    /// How often what came of it.
    pub came: Vec<(Came, u64)>,
    /// How long they took at the node, whatever came of them, in microseconds.
    pub micros: Distribution,
}

#[cfg(test)]
mod tests;
