//! What comes in from one peer on one connection: records are opened and cut into frames.
//!
//! The rule: whatever does not open, or is not a frame, ends the connection and nothing else.

use std::io;

use bytes::{Bytes, BytesMut};
use stator_wire::frame::{FrameError, FrameReader};
use stator_wire::hello::has_pieces;
use stator_wire::transport::{Opener, TransportError};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// How much is read at once from a connection that says little: what it costs while it is idle.
const READ_LITTLE: usize = 8 * 1024;
/// How much is read at once from one that fills every read.
const READ_MUCH: usize = 64 * 1024;

/// Why a connection that was read is at its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The socket failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What came was tampered with or damaged.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// What came is no frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The peer stopped in the middle.
    #[error("the connection ended within a message, {0} bytes into it")]
    CutOff(usize),
}

/// The readable half of a connection that a peer has made.
#[derive(Debug)]
pub(crate) struct Incoming {
    stream: TcpStream,
    decoder: Decoder,
    /// How much to read next.
    read: usize,
}

/// What is needed to make sense of a connection's bytes, apart from its socket, so that both can
/// move to another thread.
#[derive(Debug)]
pub(crate) struct Decoder {
    opener: Opener,
    /// Received and not opened yet.
    raw: BytesMut,
    frames: FrameReader,
}

impl Decoder {
    /// A connection whose handshake is done; `raw` is what was received beyond it.
    pub(super) fn new(opener: Opener, raw: BytesMut, protocol: u32) -> Self {
        Self { opener, raw, frames: FrameReader::new().with_pieces(has_pieces(protocol)) }
    }

    /// Reads until a first record has opened, which proves that the peer lives and knows the
    /// secret. False if the connection ends before.
    pub(super) async fn prove_peer(&mut self, stream: &mut TcpStream) -> Result<bool, ReadError> {
        loop {
            self.opener.feed(&mut self.raw, self.frames.input())?;
            if self.opener.has_opened() {
                return Ok(true);
            }
            if stream.read_buf(&mut self.raw).await? == 0 {
                return Ok(false);
            }
        }
    }
}

impl Incoming {
    /// Frames of this socket.
    pub(crate) fn new(stream: TcpStream, decoder: Decoder) -> Self {
        Self { stream, decoder, read: READ_LITTLE }
    }

    /// The next frame; none when the peer has closed the connection between two frames.
    pub(crate) async fn next_frame(&mut self) -> Result<Option<Bytes>, ReadError> {
        let Decoder { opener, raw, frames } = &mut self.decoder;
        loop {
            if let Some(frame) = frames.next_frame()? {
                return Ok(Some(frame));
            }
            raw.reserve(self.read);
            let room = raw.capacity() - raw.len();
            let read = self.stream.read_buf(raw).await?;
            if read == 0 {
                let left = raw.len() + frames.pending();
                return if left == 0 { Ok(None) } else { Err(ReadError::CutOff(left)) };
            }
            self.read = if read == room { READ_MUCH } else { READ_LITTLE };
            opener.feed(raw, frames.input())?;
        }
    }
}
