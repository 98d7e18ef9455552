//! Messages that wait to be sealed: small ones go before what is left of large ones.
//!
//! The rule: no message waits behind more than one piece of a large one, and no large one waits
//! longer than it takes to send the small ones once for each of its pieces. What is not cut keeps
//! its order, and so do large messages: one goes out after the other, in pieces of one record each.

use std::collections::VecDeque;

use bytes::{Buf, BytesMut};

use super::{FrameError, HEADER, LAST_PIECE, PIECE, append_frame};
use crate::transport::{MAX_PLAINTEXT, Sealer, TransportError};

/// The longest message that is not cut, in bytes: 2 ms at a gigabit a second. Cutting costs a write
/// for each piece, and a copy where they are put together.
pub const LARGE: usize = 256 * 1024;
/// The longest piece, in bytes: with its header it fills one record.
const MOST_OF_PIECE: usize = MAX_PLAINTEXT - HEADER;
/// An empty buffer keeps at most so much memory for its next use.
const KEPT_CAPACITY: usize = 1024 * 1024;

/// What waits to be sealed for one peer.
#[derive(Debug)]
pub struct FrameQueue {
    /// Whether the peer can put pieces together.
    pieces: bool,
    /// Frames of messages that are not cut.
    whole: BytesMut,
    /// What is left of each large message, with room for a header before it.
    large: VecDeque<BytesMut>,
    /// The bytes of all of `large`.
    large_bytes: usize,
}

impl FrameQueue {
    /// Nothing waits. Large messages are cut if the peer can put `pieces` together.
    pub fn new(pieces: bool) -> Self {
        Self { pieces, whole: BytesMut::new(), large: VecDeque::new(), large_bytes: 0 }
    }

    /// Queues one message; `encode` appends its payload. Nothing of one that is too long is kept.
    pub fn push(&mut self, encode: impl FnOnce(&mut BytesMut)) -> Result<(), FrameError> {
        let start = self.whole.len();
        append_frame(&mut self.whole, encode)?;
        if self.pieces && self.whole.len() - start - HEADER > LARGE {
            let large = self.whole.split_off(start);
            self.large_bytes += large.len();
            self.large.push_back(large);
        }
        Ok(())
    }

    /// The bytes that wait, headers and all.
    pub fn len(&self) -> usize {
        self.whole.len() + self.large_bytes
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Seals all messages that are not cut, and the next piece of a large one. The rest is to be
    /// sealed when what was appended to `out` has been sent, so that what is queued until then
    /// comes first.
    pub fn seal_next(
        &mut self,
        sealer: &mut Sealer,
        out: &mut BytesMut,
    ) -> Result<(), TransportError> {
        if !self.whole.is_empty() {
            sealer.seal(&self.whole, out)?;
            clear(&mut self.whole);
        }
        self.seal_piece(sealer, out)
    }

    fn seal_piece(
        &mut self,
        sealer: &mut Sealer,
        out: &mut BytesMut,
    ) -> Result<(), TransportError> {
        let Some(mut large) = self.large.pop_front() else { return Ok(()) };
        self.large_bytes -= large.len();
        let left = large.len() - HEADER;
        let len = left.min(MOST_OF_PIECE);
        let part = if len < left { PIECE } else { LAST_PIECE };
        large[..HEADER].copy_from_slice(&(len as u32 | part).to_le_bytes());
        sealer.seal(&large[..HEADER + len], out)?;
        if len < left {
            // The next header takes the place of bytes that have just been sealed.
            large.advance(len);
            self.large_bytes += large.len();
            self.large.push_front(large);
        }
        Ok(())
    }
}

/// Empties a buffer and gives back memory that only a burst needed.
pub fn clear(buffer: &mut BytesMut) {
    if buffer.capacity() > KEPT_CAPACITY {
        *buffer = BytesMut::new();
    } else {
        buffer.clear();
    }
}

#[cfg(test)]
mod tests;
