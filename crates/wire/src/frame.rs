//! Frames: where one message ends and the next begins within a connection's plaintext.
//!
//! A frame is a length (u32, little-endian, at most [`MAX_FRAME`]) and as many bytes of payload.
//! A large message may come in pieces, so that others need not wait behind all of it ([`queue`]):
//! the two highest bits of a length say that its payload is one of them, or the last of them. Whole
//! messages may come in between, pieces of another one may not.
//!
//! The rule: a declared length reserves nothing. The reader's memory grows only with bytes that
//! have arrived, and a length that is too large is an error as soon as it is seen.

pub mod queue;

use bytes::{Buf, Bytes, BytesMut};

/// The longest payload of a frame, in bytes: 64 MiB. Must hold a whole object state (rule 3): a
/// value of the largest size, eight times over.
pub const MAX_FRAME: usize = 64 * 1024 * 1024;

/// The bytes of a frame before its payload.
pub const HEADER: usize = size_of::<u32>();

/// In a length: the payload is a piece of a large message, of which more comes.
const PIECE: u32 = 1 << 31;
/// In a length: the payload is the last piece of a large message.
const LAST_PIECE: u32 = 1 << 30;

/// A frame that is too long to be sent, or that claims to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A message that does not fit into a frame; nothing of it was appended.
    #[error(
        "a message of {len} bytes does not fit into a frame of {MAX_FRAME}: the object has too many or too large siblings; read it and put it back merged"
    )]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// A peer announced a frame longer than any may be: close the connection.
    #[error(
        "the peer announced a frame of {len} bytes, and {most} is the most: the stream is damaged or the message too large, the connection must be closed"
    )]
    Oversized {
        /// The length it announced, in bytes.
        len: u32,
        /// The most that is read here, in bytes.
        most: usize,
    },
}

/// Appends one frame to `out`; `encode` appends its payload. The payload is written in place, and
/// the length before it afterwards. If it is too long, `out` is left as it was.
pub fn append_frame(
    out: &mut BytesMut,
    encode: impl FnOnce(&mut BytesMut),
) -> Result<(), FrameError> {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER]);
    encode(out);
    let len = out.len() - start - HEADER;
    if len > MAX_FRAME {
        out.truncate(start);
        return Err(FrameError::TooLong { len });
    }
    out[start..start + HEADER].copy_from_slice(&(len as u32).to_le_bytes());
    Ok(())
}

/// Cuts a stream of plaintext back into the frames it is made of.
///
/// Payloads share the reader's buffer and copy nothing, but for those that come in pieces. Whoever
/// keeps a small part of a payload for long keeps the whole buffer that it came in.
#[derive(Debug)]
pub struct FrameReader {
    buffer: BytesMut,
    /// Whether messages may come in pieces.
    takes_pieces: bool,
    /// What has come of a message in pieces.
    pieces: BytesMut,
    most: usize,
}

impl Default for FrameReader {
    fn default() -> Self {
        Self::within(MAX_FRAME)
    }
}

impl FrameReader {
    /// A reader at the start of a stream of whole messages.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, where messages may come in `pieces` or not.
    #[must_use]
    pub fn with_pieces(self, pieces: bool) -> Self {
        Self { takes_pieces: pieces, ..self }
    }

    /// The same for frames of at most so many bytes.
    pub fn within(most: usize) -> Self {
        let (buffer, pieces) = (BytesMut::new(), BytesMut::new());
        Self { buffer, takes_pieces: false, pieces, most: most.min(MAX_FRAME) }
    }

    /// How long the frame that has begun says it is, header and all; none if none has.
    pub fn announced(&self) -> Option<usize> {
        let header = self.buffer.first_chunk::<HEADER>()?;
        Some(HEADER + Length::of(*header, self.takes_pieces).bytes as usize)
    }

    /// Where plaintext is appended as it arrives, so that
    /// [`Opener::feed`](crate::transport::Opener::feed) can write it without another copy.
    pub fn input(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The payload of the next message that is whole; none until more has arrived.
    ///
    /// After an error the stream has no meaning any more, and every later call gives the error
    /// again.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, FrameError> {
        while let Some(header) = self.buffer.first_chunk::<HEADER>() {
            let Length { bytes: len, part } = Length::of(*header, self.takes_pieces);
            let before = if part == Part::Whole { 0 } else { self.pieces.len() };
            if before + len as usize > self.most {
                let len = (before + len as usize) as u32;
                return Err(FrameError::Oversized { len, most: self.most });
            }
            if self.buffer.len() - HEADER < len as usize {
                return Ok(None);
            }
            self.buffer.advance(HEADER);
            let payload = self.buffer.split_to(len as usize);
            if part == Part::Whole {
                return Ok(Some(payload.freeze()));
            }
            self.pieces.extend_from_slice(&payload);
            if part == Part::LastPiece {
                return Ok(Some(std::mem::take(&mut self.pieces).freeze()));
            }
        }
        Ok(None)
    }

    /// Bytes of a message that is not whole yet: not zero at the end of a stream means that the peer
    /// stopped half way.
    pub fn pending(&self) -> usize {
        self.buffer.len() + self.pieces.len()
    }
}

/// What stands before a payload.
#[derive(Clone, Copy)]
struct Length {
    bytes: u32,
    part: Part,
}

/// What a payload is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    Piece,
    LastPiece,
}

impl Length {
    /// Where pieces may not come, and where both bits stand at once, they mean nothing: they stay in
    /// the length, which is then above all bounds.
    const fn of(header: [u8; HEADER], takes_pieces: bool) -> Self {
        let number = u32::from_le_bytes(header);
        match number & (PIECE | LAST_PIECE) {
            PIECE if takes_pieces => Self { bytes: number ^ PIECE, part: Part::Piece },
            LAST_PIECE if takes_pieces => {
                Self { bytes: number ^ LAST_PIECE, part: Part::LastPiece }
            }
            _ => Self { bytes: number, part: Part::Whole },
        }
    }
}

#[cfg(test)]
mod tests;
