//! The background machines of a shard: each is fed one event at a time, as requests are, and ends
//! with an outcome that the shard books.
//!
//! The paper, 4.7 and 6.5. A task never holds up a request: it takes one bounded step for each
//! event and goes on when the next one comes.

use crate::collection::machine::{Collection, CollectionEnded};
use crate::coordinator::Turn;
use crate::coordinator::repair::Repair;
use crate::exchange::heal::{Heal, HealEnded};
use crate::exchange::{Exchange, ExchangeEnded};
use crate::identity::NodeId;
use crate::message::{RequestId, ShardMessage};
use crate::store::ReadStore;
use crate::token::Partition;

/// The most tasks of one shard; past it nothing waits for late answers of reads.
pub const MOST_TASKS: usize = 1024;

/// A background machine that is under way.
#[derive(Clone, Debug)]
pub enum Task {
    /// This node compares a partition with another owner.
    Exchange(Exchange),
    /// Damaged objects are brought back from the other owners.
    Heal(Heal),
    /// A read has replied and still waits for replicas that may be behind.
    Repair(Repair),
    /// A collection round of a partition.
    Collection(Collection),
}

/// Something that happened to a task.
#[expect(clippy::large_enum_variant, reason = "an event lives for one step and is never stored")]
#[derive(Clone, Debug)]
pub enum TaskEvent {
    /// A peer has answered what the task asked.
    Answered(NodeId, ShardMessage),
    /// What the task asked was not sent.
    NotSent(NodeId),
    /// The connection to this peer is lost.
    LinkDown(NodeId),
    /// One of the batches that the task waits for is on disk.
    Synced,
    /// A state that the task sent has arrived durably.
    Delivered,
    /// A state that the task sent will not arrive.
    Undelivered,
    /// There may be room again for what the task has to send.
    Room,
    /// The task's timer has come due.
    Deadline,
}

/// What became of a task.
#[derive(Debug)]
pub enum TaskStep {
    /// It waits for more.
    Waiting,
    /// It has ended.
    Ended(TaskEnded),
}

/// How a task ended.
#[derive(Debug)]
pub enum TaskEnded {
    /// An exchange.
    Exchange(ExchangeEnded),
    /// The healing of damaged objects.
    Heal(HealEnded),
    /// A collection round.
    Collection(CollectionEnded),
    /// Nobody has anything to book.
    Quietly,
}

impl Task {
    /// Takes in what happened. An event that does not concern the task changes nothing.
    pub fn on<S: ReadStore>(&mut self, event: TaskEvent, turn: &mut Turn<'_, S>) -> TaskStep {
        match self {
            Self::Exchange(exchange) => exchange.on(event, turn),
            Self::Heal(heal) => heal.on(event, turn),
            Self::Repair(repair) => repair.on(event, turn),
            Self::Collection(collection) => collection.on(event, turn),
        }
    }

    /// Whether the task waits for the answer to this request, which is not its own name.
    pub fn asked(&self, request: RequestId) -> bool {
        match self {
            Self::Exchange(exchange) => exchange.asked(request),
            Self::Heal(heal) => heal.asked(request),
            Self::Collection(collection) => collection.asked(request),
            Self::Repair(_) => false,
        }
    }

    /// The partition that the task compares with this peer, and whether the peer has said anything
    /// yet; none if it is no exchange.
    pub fn as_exchange(&self) -> Option<&Exchange> {
        match self {
            Self::Exchange(exchange) => Some(exchange),
            Self::Heal(_) | Self::Repair(_) | Self::Collection(_) => None,
        }
    }

    /// Whether the task changes or compares this node's copy of a partition.
    pub fn is_about(&self, of: Partition) -> bool {
        match self {
            Self::Exchange(exchange) => exchange.partition() == of,
            Self::Heal(heal) => heal.partition() == of,
            Self::Collection(collection) => collection.partition() == of,
            Self::Repair(_) => false,
        }
    }

    /// Whether the task is a collection round.
    pub fn is_collection(&self) -> bool {
        matches!(self, Self::Collection(_))
    }

    /// Whether the task heals damaged objects of this partition.
    pub fn heals(&self, partition: Partition) -> bool {
        matches!(self, Self::Heal(heal) if heal.partition() == partition)
    }
}
