//! What comes from one client: records are opened and cut into frames, within bounds of size, of
//! memory and of silence.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use stator_wire::frame::FrameReader;
use stator_wire::transport::Opener;
use tokio::io::AsyncReadExt;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::watch;
use tokio::time::timeout;

use super::super::front::Shared;
use crate::memory::{Memory, Part};

/// How much is read at a time: little where a connection says little, so that it costs little.
const READ_LITTLE: usize = 8 * 1024;
const READ_MUCH: usize = 64 * 1024;
/// A call up to this size is read without its part of the door's memory.
const FREE_BYTES: usize = 16 * 1024;

/// The readable half of a client's connection.
pub(super) struct Reading {
    stream: OwnedReadHalf,
    opener: Opener,
    /// Received and not opened yet.
    raw: BytesMut,
    frames: FrameReader,
    memory: Memory,
    /// The part of the door's memory that the frame which is being read takes.
    part: Option<Part>,
    /// How long the rest of a frame may take, and how long silence may last between two.
    head: Duration,
    idle: Duration,
    closing: watch::Receiver<()>,
    read: usize,
}

/// A frame, and its part of the door's memory.
pub(super) struct Heard {
    pub(super) frame: Bytes,
    pub(super) part: Option<Part>,
}

impl Reading {
    /// Goes on where the greeting stopped: `raw` was received and not opened, `heard` was opened.
    pub(super) fn new(
        stream: OwnedReadHalf,
        opener: Opener,
        (raw, heard): (BytesMut, BytesMut),
        front: &Shared,
        closing: watch::Receiver<()>,
    ) -> Self {
        let mut frames = FrameReader::within(front.longest_frame());
        *frames.input() = heard;
        let (memory, limits) = (front.memory.clone(), front.limits);
        let (part, read) = (None, READ_LITTLE);
        let (head, idle) = (limits.head, limits.idle);
        Self { stream, opener, raw, frames, memory, part, head, idle, closing, read }
    }

    /// The next frame; none when the client has ended, was silent for too long, or the door closes.
    pub(super) async fn next(&mut self) -> io::Result<Option<Heard>> {
        loop {
            let frame = self.frames.next_frame().map_err(no_frame)?;
            if let Some(frame) = frame {
                return Ok(Some(Heard { frame, part: self.part.take() }));
            }
            self.hold_memory().await?;
            if self.read().await? == 0 {
                let left = self.raw.len() + self.frames.pending();
                return if left == 0 { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
            let opened = self.opener.feed(&mut self.raw, self.frames.input());
            opened.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        }
    }

    /// A large frame is read on only once there is memory for all of it.
    async fn hold_memory(&mut self) -> io::Result<()> {
        let Some(bytes) = self.frames.announced() else { return Ok(()) };
        if self.part.is_none() && bytes > FREE_BYTES {
            let part = timeout(self.head, self.memory.wait_for(bytes)).await;
            self.part = part.map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        }
        Ok(())
    }

    /// 0 if nothing more comes.
    async fn read(&mut self) -> io::Result<usize> {
        self.raw.reserve(self.read);
        let room = self.raw.capacity() - self.raw.len();
        let begun = self.raw.len() + self.frames.pending() > 0;
        let patience = if begun { self.head } else { self.idle };
        let read = tokio::select! {
            biased;
            _ = self.closing.changed() => return Ok(0),
            read = timeout(patience, self.stream.read_buf(&mut self.raw)) => read,
        };
        let Ok(read) = read else { return Ok(0) };
        let read = read?;
        self.read = if read == room { READ_MUCH } else { READ_LITTLE };
        Ok(read)
    }
}

fn no_frame(error: stator_wire::frame::FrameError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
