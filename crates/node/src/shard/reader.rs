//! Reading one peer's connection to one shard: frames become messages, and each goes to the shard
//! that it is for.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use stator_core::effect::Input;
use stator_core::identity::NodeId;
use stator_core::message::ShardMessage;
use stator_wire::proto;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::AbortHandle;

use super::route::{Home, home};
use super::{AcceptedStream, ShardEvent, ShardMailbox};
use crate::inbox::Inbox;
use crate::links::Incoming;
use crate::me::Me;
use crate::store_writer::ShardIndex;

/// The connections that a shard reads. A peer's newer connection takes the place of its older one
/// on the same lane, so that hosts which vanished do not leave theirs behind for ever.
#[derive(Debug, Default)]
pub(super) struct Readers {
    tasks: BTreeMap<(NodeId, u8), AbortHandle>,
}

impl Readers {
    /// Reads a connection from now on.
    pub(super) fn read(&mut self, accepted: AcceptedStream, reader: Reader) {
        let AcceptedStream { from, lane, stream, decoder, permit } = accepted;
        let stream = match tokio::net::TcpStream::from_std(stream) {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(peer = %from, %error, "a peer's connection can't be read");
                return;
            }
        };
        let incoming = Incoming::new(stream, decoder);
        let task = tokio::spawn(reader.run(from, incoming, permit));
        if let Some(older) = self.tasks.insert((from, lane), task.abort_handle()) {
            older.abort();
        }
    }

    /// Reads nothing any more.
    pub(super) fn stop(&mut self) {
        for task in std::mem::take(&mut self.tasks).into_values() {
            task.abort();
        }
    }
}

/// What a reading task needs to know.
#[derive(Clone)]
pub(super) struct Reader {
    pub(super) me: Arc<Me>,
    pub(super) shard: ShardIndex,
    pub(super) inbox: Arc<Inbox<Input>>,
    pub(super) shards: Arc<[ShardMailbox]>,
}

impl Reader {
    async fn run(self, from: NodeId, mut incoming: Incoming, _permit: OwnedSemaphorePermit) {
        loop {
            self.inbox.room().await;
            match incoming.next_frame().await {
                Ok(Some(frame)) => {
                    if !self.take(from, frame).await {
                        return;
                    }
                }
                Ok(None) => return,
                Err(error) => {
                    tracing::debug!(peer = %from, %error, "a peer's connection is closed");
                    return;
                }
            }
        }
    }

    /// Passes on one message; false if the connection must be closed.
    async fn take(&self, from: NodeId, frame: Bytes) -> bool {
        let message = match proto::decode_shard(frame) {
            Ok(message) => message,
            Err(error) if error.is_from_newer_version() => {
                tracing::debug!(peer = %from, %error, "a message is ignored");
                return true;
            }
            Err(error) => {
                tracing::warn!(peer = %from, %error, "a message makes no sense: closing");
                return false;
            }
        };
        let to = self.home(&message);
        let input = Input::Peer { from, message };
        match to {
            Some(shard) if shard == self.shard => self.inbox.push(input),
            Some(ShardIndex(shard)) => {
                // The other shard's queue is bounded: this connection waits, its shard does not.
                let event = ShardEvent::Input(Box::new(input));
                let _ = self.shards[usize::from(shard)].events.send(event).await;
            }
            None => tracing::debug!(peer = %from, "an answer is for a shard that is not here"),
        }
        true
    }

    fn home(&self, message: &ShardMessage) -> Option<ShardIndex> {
        let view = self.me.view.load();
        match home(message, view.ring.as_deref(), self.me.shards) {
            Home::Shard(shard) => Some(shard),
            Home::Any => Some(self.shard),
            Home::Nowhere => None,
        }
    }
}
