//! What goes out to one peer on one lane: frames gather during a turn, are sealed together, and
//! leave in one write. Large messages leave in pieces as the socket takes them, and what is queued
//! meanwhile goes before the rest of them.
//!
//! The rule: a frame is either refused at once, with nothing of it kept, or it is queued on a
//! living connection; what was queued when a connection dies may or may not have arrived, and is
//! never sent again on the next.

use std::io;
use std::sync::{Arc, Mutex};

use bytes::{Buf, BytesMut};
use stator_wire::frame::queue::{FrameQueue, clear};
use stator_wire::hello::has_pieces;
use stator_wire::transport::Sealer;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::lock::lock;

/// Bytes queued for one peer past which nothing more is taken.
const QUEUE_LIMIT: usize = 64 * 1024 * 1024;

/// A message was not queued; nothing of it left the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotQueued {
    /// There is no connection.
    NotConnected,
    /// The peer does not keep up.
    Full,
    /// It does not fit into a frame.
    TooLong,
}

/// The way out to one peer, shared by who sends and by the task that keeps the connection.
#[derive(Debug, Default)]
pub(crate) struct Outbound {
    connection: Mutex<Option<Connection>>,
    /// Sealed bytes are waiting for the socket to take more.
    blocked: Notify,
}

#[derive(Debug)]
struct Connection {
    stream: Arc<TcpStream>,
    sealer: Sealer,
    /// What waits to be sealed.
    queue: FrameQueue,
    /// Records that the socket has not taken yet.
    sealed: BytesMut,
    /// Why it can't be used any more; its task has yet to notice.
    broken: Option<io::Error>,
}

impl Outbound {
    /// Queues one frame, whose payload `encode` appends.
    pub(crate) fn push(&self, encode: impl FnOnce(&mut BytesMut)) -> Result<(), NotQueued> {
        let mut connection = lock(&self.connection);
        let Some(connection) = connection.as_mut().filter(|it| it.broken.is_none()) else {
            return Err(NotQueued::NotConnected);
        };
        if connection.queue.len() + connection.sealed.len() >= QUEUE_LIMIT {
            return Err(NotQueued::Full);
        }
        connection.queue.push(encode).map_err(|_| NotQueued::TooLong)
    }

    /// Seals what was queued and writes as much as the socket takes at once; the rest is written by
    /// [`Self::drive`]. Never waits.
    pub(crate) fn flush(&self) {
        let mut connection = lock(&self.connection);
        let Some(connection) = connection.as_mut() else { return };
        // A socket that takes nothing is waited for already.
        if connection.queue.is_empty() || !connection.sealed.is_empty() {
            return;
        }
        connection.write();
        if !connection.sealed.is_empty() || connection.broken.is_some() {
            self.blocked.notify_one();
        }
    }

    /// A connection was made. Proves at once to the peer that this side lives, as the handshake
    /// asks.
    pub(super) fn connect(&self, stream: Arc<TcpStream>, mut sealer: Sealer, protocol: u32) {
        let mut sealed = BytesMut::new();
        let proof = sealer.seal(&[], &mut sealed);
        let broken = proof.err().map(io::Error::other);
        let queue = FrameQueue::new(has_pieces(protocol));
        let mut connection = Connection { stream, sealer, queue, sealed, broken };
        connection.write();
        *lock(&self.connection) = Some(connection);
        self.blocked.notify_one();
    }

    /// The connection is gone, with all that was queued.
    pub(super) fn disconnect(&self) {
        lock(&self.connection).take();
    }

    /// Whether there is a connection.
    pub(super) fn is_connected(&self) -> bool {
        lock(&self.connection).is_some()
    }

    /// Writes what the socket did not take at once, until the connection fails.
    pub(super) async fn drive(&self, stream: &TcpStream) -> io::Error {
        loop {
            self.blocked.notified().await;
            while self.is_blocked() {
                if let Err(error) = stream.writable().await {
                    return error;
                }
                self.write();
            }
            if let Some(error) = self.take_error() {
                return error;
            }
        }
    }

    fn is_blocked(&self) -> bool {
        let connection = lock(&self.connection);
        connection.as_ref().is_some_and(|it| it.broken.is_none() && !it.sealed.is_empty())
    }

    fn write(&self) {
        if let Some(connection) = lock(&self.connection).as_mut() {
            connection.write();
        }
    }

    fn take_error(&self) -> Option<io::Error> {
        let mut connection = lock(&self.connection);
        let broken = connection.as_mut()?.broken.as_mut()?;
        let kind = broken.kind();
        Some(std::mem::replace(broken, kind.into()))
    }
}

impl Connection {
    /// Seals and writes until nothing is queued or the socket takes no more.
    fn write(&mut self) {
        while self.broken.is_none() {
            if self.sealed.is_empty() {
                clear(&mut self.sealed);
                if self.queue.is_empty() {
                    return;
                }
                if let Err(error) = self.queue.seal_next(&mut self.sealer, &mut self.sealed) {
                    self.broken = Some(io::Error::other(error));
                    return;
                }
            }
            match self.stream.try_write(&self.sealed) {
                Ok(0) => self.broken = Some(io::ErrorKind::WriteZero.into()),
                Ok(written) => self.sealed.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => self.broken = Some(error),
            }
        }
    }
}
