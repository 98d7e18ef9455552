//! What goes to one client: answers that are ready leave together, one write for many.

use std::io;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use stator_core::request::RequestError;
use stator_core::ring::RingVersion;
use stator_wire::client::{CallError, NodeAnswer};
use stator_wire::frame::append_frame;
use stator_wire::proto;
use stator_wire::transport::Sealer;
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::timeout;

use crate::memory::Part;

/// Answers are sent once there are so many bytes of them, or once no more is ready.
const SENT_AT: usize = 64 * 1024;

/// An answer on its way, and what it holds until it is sent.
pub(super) struct Outgoing {
    pub(super) answer: NodeAnswer,
    pub(super) _part: Option<Part>,
    pub(super) _place: Option<OwnedSemaphorePermit>,
}

impl Outgoing {
    /// An answer that holds nothing.
    pub(super) fn of(answer: NodeAnswer) -> Self {
        Self { answer, _part: None, _place: None }
    }

    /// Why the connection ends.
    pub(super) fn closing(ring: RingVersion, taken: u64, text: String) -> Self {
        Self::of(NodeAnswer { id: 0, ring, outcome: Err(CallError::Closing { text, taken }) })
    }
}

/// The writable half of a client's connection.
pub(super) struct Writing {
    stream: OwnedWriteHalf,
    sealer: Sealer,
    /// How long a reader may take nothing.
    patience: Duration,
    plain: BytesMut,
    sealed: BytesMut,
}

impl Writing {
    pub(super) fn new(stream: OwnedWriteHalf, sealer: Sealer, patience: Duration) -> Self {
        Self { stream, sealer, patience, plain: BytesMut::new(), sealed: BytesMut::new() }
    }

    /// Sends answers until there are no more to come.
    pub(super) async fn run(mut self, mut answers: mpsc::Receiver<Outgoing>) -> io::Result<()> {
        let mut held = Vec::new();
        while let Some(first) = answers.recv().await {
            self.append(&first.answer);
            held.push(first);
            while self.plain.len() < SENT_AT
                && let Ok(next) = answers.try_recv()
            {
                self.append(&next.answer);
                held.push(next);
            }
            self.send().await?;
            held.clear();
        }
        self.stream.shutdown().await
    }

    fn append(&mut self, answer: &NodeAnswer) {
        let appended = append_frame(&mut self.plain, |out| proto::encode_answer(answer, out));
        if let Err(error) = appended {
            // Only a read is ever so large: siblings of the largest size.
            let outcome = Err(RequestError::Damaged(error.to_string()).into());
            let instead = NodeAnswer { outcome, ..*answer };
            let _ = append_frame(&mut self.plain, |out| proto::encode_answer(&instead, out));
        }
    }

    async fn send(&mut self) -> io::Result<()> {
        self.sealer.seal(&self.plain, &mut self.sealed).map_err(io::Error::other)?;
        self.plain.clear();
        while self.sealed.has_remaining() {
            let taken = timeout(self.patience, self.stream.write_buf(&mut self.sealed)).await;
            if taken.map_err(|_| io::ErrorKind::TimedOut)?? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        // What a large answer needed is not kept for the small ones that follow.
        if self.plain.capacity() > 4 * SENT_AT {
            (self.plain, self.sealed) = (BytesMut::new(), BytesMut::new());
        }
        Ok(())
    }
}
