//! What one call asks of the node, within the door's limits.

use std::time::{Duration, Instant};

use stator_core::object::{Content, Key, Metadata, NameError, ObjectKey, Sibling};
use stator_core::request::{Done, GetReply, Operation, PutOrder, RequestError};
use stator_core::ring::RingVersion;
use stator_core::time::WallTime;
use stator_wire::client::{Answer, Ask, CallError, ClientCall, Got, GotSibling, Large};
use tokio::time::timeout;

use super::front::Shared;
use super::{picture, session};
use crate::clock;
use crate::memory::Part;

/// A value up to this size is sent without its part of the door's memory.
const FREE_BYTES: usize = 4096;
/// What all metadata of a value may take together, in bytes, as through HTTP.
const METADATA_BYTES: usize = 16 * 1024;

/// What came of a call, and what it holds of the door's memory until it is sent.
pub(super) type Outcome = (Result<Answer, CallError>, Option<Part>);

/// One call under way.
pub(super) struct Call {
    front: Shared,
    id: u64,
    until: Instant,
    ask: Ask,
}

impl Call {
    /// A call that has just come.
    pub(super) fn new(front: Shared, call: ClientCall) -> Self {
        let ClientCall { id, timeout, ask } = call;
        let until = Instant::now() + timeout.min(stator_core::time::Deadline::MAX_TIMEOUT);
        Self { front, id, until, ask }
    }

    /// Carries it out: its number, the newest ring that is known by then, and what came of it.
    pub(super) async fn carry_out(self) -> (u64, RingVersion, Outcome) {
        let Self { front, id, until, ask } = self;
        let asking = Asking { front, until };
        let outcome = match asking.answer(ask).await {
            Ok(answer) => asking.with_memory(answer),
            Err(error) => (Err(error), None),
        };
        (id, asking.front.ring(), outcome)
    }
}

/// What a call needs of the node: the door, and how long it may take.
pub(super) struct Asking {
    pub(super) front: Shared,
    until: Instant,
}

impl Asking {
    async fn answer(&self, ask: Ask) -> Result<Answer, CallError> {
        match ask {
            Ask::Get { key, quorum, seen } => {
                self.check_key(&key)?;
                let reply = session::get(self, key, quorum, seen).await?;
                Ok(Answer::Got(got(reply, clock::now())))
            }
            Ask::Put { order, ttl } => {
                let order = self.checked(order, ttl)?;
                self.write(Operation::Put(order)).await
            }
            Ask::Delete { key, quorum } => {
                self.check_key(&key)?;
                self.write(Operation::Delete { key, quorum }).await
            }
            Ask::Bucket(bucket) => Ok(Answer::Bucket(self.front.backend.view().bucket(&bucket))),
            Ask::Ring => picture::of(self, self.remaining()).await,
        }
    }

    /// How long the call may still take.
    pub(super) fn remaining(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Asks a shard once there is room at the door. What is not asked by the deadline is not asked.
    pub(super) async fn ask(&self, operation: Operation) -> Result<Done, CallError> {
        let room = timeout(self.remaining(), self.front.under_way.acquire()).await;
        let _room = room.map_err(|_| RequestError::Overloaded)?;
        Ok(self.front.backend.request(operation, self.remaining()).await?)
    }

    async fn write(&self, operation: Operation) -> Result<Answer, CallError> {
        match self.ask(operation).await? {
            Done::Written(reply) => Ok(Answer::Written(reply)),
            // Nobody knows then what became of it.
            _ => Err(RequestError::Indeterminate { needed: 1, acked: 0 }.into()),
        }
    }

    fn check_key(&self, key: &ObjectKey) -> Result<(), CallError> {
        let (len, max) =
            (key.key().as_bytes().len(), self.front.config.max_key_bytes.min(Key::MAX_LEN));
        if len <= max {
            return Ok(());
        }
        let text = NameError::TooLong { what: "key", len, max }.to_string();
        Err(CallError::TooLarge { what: Large::Key, text })
    }

    /// A put within the limits, with the moment at which its value expires.
    fn checked(&self, mut order: PutOrder, ttl: Option<Duration>) -> Result<PutOrder, CallError> {
        self.check_key(&order.key)?;
        let usual = || self.front.backend.view().bucket(order.key.bucket()).mutable.ttl;
        let Content::Value(value) = &mut order.value else { return Ok(order) };
        let most = self.front.config.max_object_bytes;
        if value.bytes.len() > most {
            let found = value.bytes.len();
            let text = format!("the value has {found} bytes: at most {most} are allowed");
            return Err(CallError::TooLarge { what: Large::Object, text });
        }
        let size = size_of_metadata(&value.metadata);
        if size > METADATA_BYTES {
            let text = format!(
                "content type and metadata have {size} bytes together: at most {METADATA_BYTES} \
                 are allowed"
            );
            return Err(CallError::TooLarge { what: Large::Metadata, text });
        }
        value.metadata.expires_at = ttl.or_else(usual).map(|ttl| clock::now().after(ttl));
        Ok(order)
    }

    /// The answer with its part of the door's memory, if there is one for it.
    fn with_memory(&self, answer: Answer) -> Outcome {
        let Answer::Got(got) = &answer else { return (Ok(answer), None) };
        let bytes: usize = got.siblings.iter().map(|sibling| size(&sibling.content)).sum();
        if bytes <= FREE_BYTES {
            return (Ok(answer), None);
        }
        match self.front.memory.take(bytes) {
            Some(part) => (Ok(answer), Some(part)),
            None => (Err(RequestError::Overloaded.into()), None),
        }
    }
}

fn size(content: &Content) -> usize {
    match content {
        Content::Value(value) => value.bytes.len(),
        Content::Tombstone => 0,
    }
}

fn size_of_metadata(metadata: &Metadata) -> usize {
    let texts = metadata.user.iter().map(|(name, text)| name.len() + text.len()).sum::<usize>();
    metadata.content_type.len() + texts
}

/// What was found, as clients are told it: what has expired by now is a tombstone.
fn got(reply: GetReply, now: WallTime) -> Got {
    let told = |sibling: &Sibling| GotSibling {
        dot: sibling.dot,
        written_at: sibling.stamp.wall(),
        content: sibling.live(now).cloned().map_or(Content::Tombstone, Content::Value),
    };
    Got {
        siblings: reply.state.siblings().iter().map(told).collect(),
        context: reply.context,
        digest: reply.digest,
        answered: reply.answered,
    }
}
