//! One command under way: its arguments, and what it asks of the node.

use std::sync::Arc;
use std::time::Duration;

use super::failure::Failure;
use super::front::Shared;
use super::reads::Reading;
use super::reply::Reply;
use super::window::{Expected, Window};
use crate::backend::DEFAULT_TIMEOUT;
use crate::clock;
use crate::scan::Scan;
use bytes::Bytes;
use futures_util::{FutureExt, TryFutureExt};
use stator_core::context::SealedContext;
use stator_core::object::{
    BucketName, Content, Key, Metadata, NameError, NewValue, ObjectKey, ObjectState, Sibling, Value,
};
use stator_core::quorum::QuorumOptions;
use stator_core::request::{Done, GetReply, ListPage, Operation, Precedence, PutOrder, PutReply};
use stator_core::time::WallTime;

/// How many keys of one command are dealt with at a time, where the connection has room for them.
pub(super) const AT_ONCE: usize = 32;
/// A value up to this size is sent without its part of the door's memory, so that small requests go
/// on while large ones hold all of it.
const FREE_BYTES: usize = 4096;
/// How long a client waits for being refused memory: it should not ask again at once.
const REFUSED_AFTER: Duration = Duration::from_secs(1);

/// What a command needs of the node: the door, and the connection's share of it.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) front: Shared,
    /// The name and what follows it. The table has seen to it that there are enough.
    pub(super) arguments: Arc<[Bytes]>,
    pub(super) database: u8,
    pub(super) window: Arc<Window>,
}

/// What a key of a database holds now.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Its value; none if it was never written, was deleted or has expired.
    pub(super) value: Option<Value>,
    pub(super) context: Option<SealedContext>,
}

impl Call {
    /// An argument; empty if there is none, which the table rules out for those that must be there.
    pub(super) fn argument(&self, at: usize) -> Bytes {
        self.arguments.get(at).cloned().unwrap_or_default()
    }

    /// A key of the connection's database.
    pub(super) fn key(&self, name: Bytes) -> Result<ObjectKey, Failure> {
        self.object(database(self.database)?, name)
    }

    /// A key of a bucket.
    pub(super) fn object(&self, bucket: BucketName, name: Bytes) -> Result<ObjectKey, Failure> {
        let max = self.front.config.max_key_bytes.min(Key::MAX_LEN);
        if name.len() > max {
            return Err(NameError::TooLong { what: "key", len: name.len(), max }.into());
        }
        Ok(ObjectKey::new(bucket, Key::new(name)?))
    }

    /// A value, if it is not too large.
    pub(super) fn value(&self, bytes: Bytes) -> Result<Bytes, Failure> {
        let most = self.front.config.max_object_bytes;
        if bytes.len() > most {
            let text = format!("the value has {} bytes: at most {most} are allowed", bytes.len());
            return Err(Failure::err(text));
        }
        Ok(bytes)
    }

    /// Asks a shard once there is room, in the connection and in the door. Where the last answer
    /// was large, so may be the next: it is not read if there is no memory for it.
    ///
    /// Like those below, which are made of it, it is a future that keeps the request once: each `async
    /// fn` would keep its arguments twice, and all of it is allocated for each command.
    pub(super) fn ask(
        &self,
        operation: Operation,
        timeout: Duration,
    ) -> impl Future<Output = Result<Done, Failure>> + Send + '_ {
        let reads = matches!(operation, Operation::Get { .. });
        async move {
            let _here = self.window.enter().await;
            let _reading = if reads { Some(self.room_to_read().await?) } else { None };
            // None would mean that the door's room was closed, which it never is.
            let _there = self.front.under_way.acquire().await.ok();
            let done = self.front.backend.request(operation, timeout).await?;
            self.window.answered(size(&done));
            Ok(done)
        }
    }

    /// Waits for room to read what the connection is likely to read.
    async fn room_to_read(&self) -> Result<Reading<'_>, Failure> {
        let expected = self.window.expects();
        let reading = self.front.reads.enter(expected).await;
        match expected {
            Expected::Large(bytes) if self.front.memory.take(bytes).is_none() => {
                drop(reading);
                Err(self.no_memory().await)
            }
            _ => Ok(reading),
        }
    }

    /// Asks for the next page of a scan once there is room.
    pub(super) async fn page(&self, scan: &mut Scan, limit: u32) -> Result<ListPage, Failure> {
        let _here = self.window.enter().await;
        let _there = self.front.under_way.acquire().await.ok();
        Ok(scan.page(&*self.front.backend, limit).await?)
    }

    /// Reads an object.
    pub(super) fn get(
        &self,
        key: ObjectKey,
        quorum: QuorumOptions,
        timeout: Duration,
    ) -> impl Future<Output = Result<GetReply, Failure>> {
        self.ask(Operation::Get { key, quorum }, timeout).map(|done| match done? {
            Done::Got(reply) => Ok(reply),
            _ => Err(Failure::mismatched()),
        })
    }

    /// Writes an object.
    pub(super) fn put(
        &self,
        operation: Operation,
        timeout: Duration,
    ) -> impl Future<Output = Result<PutReply, Failure>> {
        self.ask(operation, timeout).map(|done| match done? {
            Done::Written(reply) => Ok(reply),
            _ => Err(Failure::mismatched()),
        })
    }

    /// What a key of a database holds.
    pub(super) async fn find(&self, key: &ObjectKey) -> Result<Found, Failure> {
        let reply = self.get(key.clone(), QuorumOptions::default(), DEFAULT_TIMEOUT).await?;
        Ok(Found { value: live(&reply.state, clock::now()), context: reply.context })
    }

    /// Stores what a key of a database is to hold.
    pub(super) fn store(
        &self,
        key: ObjectKey,
        context: Option<SealedContext>,
        value: NewValue,
    ) -> impl Future<Output = Result<(), Failure>> {
        self.write(key, context, value, Precedence::Newest)
    }

    /// Stores the value that was read with something beside it changed: a value that somebody else
    /// has set meanwhile stays.
    pub(super) fn amend(
        &self,
        key: ObjectKey,
        context: Option<SealedContext>,
        value: Value,
    ) -> impl Future<Output = Result<(), Failure>> {
        self.write(key, context, Content::Value(value), Precedence::AboveSeen)
    }

    fn write(
        &self,
        key: ObjectKey,
        context: Option<SealedContext>,
        value: NewValue,
        precedence: Precedence,
    ) -> impl Future<Output = Result<(), Failure>> {
        let order = PutOrder { key, context, value, quorum: QuorumOptions::default(), precedence };
        self.put(Operation::Put(order), DEFAULT_TIMEOUT).map_ok(drop)
    }

    /// Deletes a key of a database.
    pub(super) fn delete(
        &self,
        key: ObjectKey,
        context: Option<SealedContext>,
    ) -> impl Future<Output = Result<(), Failure>> {
        self.store(key, context, Content::Tombstone)
    }

    /// When a value that is stored now expires if its writer says nothing: as its bucket says.
    pub(super) fn usual_expiry(&self, bucket: &BucketName) -> Option<WallTime> {
        let ttl = self.front.backend.view().bucket(bucket).mutable.ttl;
        ttl.map(|ttl| clock::now().after(ttl))
    }

    /// A stored value as a reply, if there is memory for it until it is sent.
    pub(super) async fn reply(&self, bytes: Bytes) -> Result<Reply, Failure> {
        if bytes.len() <= FREE_BYTES {
            return Ok(Reply::Bulk(bytes));
        }
        if let Some(part) = self.front.memory.take(bytes.len()) {
            return Ok(Reply::value(bytes, part));
        }
        drop(bytes);
        Err(self.no_memory().await)
    }

    async fn no_memory(&self) -> Failure {
        tokio::time::sleep(REFUSED_AFTER).await;
        Failure::no_memory()
    }
}

/// How many bytes of values an answer has.
fn size(done: &Done) -> usize {
    let Done::Got(reply) = done else { return 0 };
    let bytes = |sibling: &Sibling| match &sibling.content {
        Content::Value(value) => value.bytes.len(),
        Content::Tombstone => 0,
    };
    reply.state.siblings().iter().map(bytes).sum()
}

/// The bucket of a database.
pub(super) fn database(number: u8) -> Result<BucketName, Failure> {
    Ok(BucketName::new(format!("redis.{number}").into())?)
}

/// The value of a state at a time. A database's objects have one version at most; of a state that
/// was written before its rule was known, the newest counts, as its next merge will settle it.
fn live(state: &ObjectState, at: WallTime) -> Option<Value> {
    let newest = state.siblings().iter().max_by_key(|sibling| (sibling.stamp, sibling.dot))?;
    newest.live(at).cloned()
}

/// A value with nothing beside it but its expiry.
pub(super) fn plain(bytes: Bytes, expires_at: Option<WallTime>) -> NewValue {
    Content::Value(Value { bytes, metadata: Metadata { expires_at, ..Metadata::default() } })
}
