//! The first bytes of a connection: which HTTP it speaks, and whether its first request has a
//! target that is longer than an [`http::Uri`] holds.
//!
//! A key may have 64 KiB, and three times that once it is escaped; a `Uri` ends at 65,534 bytes. So
//! the first request line of a connection is read here. If its target is too long, the target is
//! put aside and the line goes on with the target's beginning, enough to find the row. Such a
//! connection serves that one request: nothing behind it has to be told apart from its body. (On a
//! connection that is under way, a target that long is answered 414, and closes it: the client asks
//! again on a new one.)

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::super::path::LongTarget;
use crate::memory::{Memory, Part};

/// How an HTTP/2 connection with prior knowledge begins.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Targets up to this many bytes are left to the HTTP parser, which takes 65,534.
const ORDINARY: usize = 65_000;

/// The longest first line that is read: a key of 64 KiB and a bucket of 1 KiB, every byte escaped,
/// with a query. Anything longer is answered 414.
const LINE: usize = 3 * (64 * 1024 + 1024) + 4096;

/// How much of an over-long target is left in its place.
const LEFT: usize = 16;

/// How much is read at a time.
const PIECE: usize = 16 * 1024;

/// Which HTTP a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Http1,
    Http2,
}

/// What the first bytes of a connection say.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) version: Version,
    /// What was read and must be read again.
    pub(super) read: Bytes,
    /// The first request's target, where it had to be put aside.
    pub(super) target: Option<LongTarget>,
    /// What a long line holds of the door's memory while its request is under way.
    pub(super) part: Option<Part>,
}

/// Why a connection can't be served.
#[derive(Debug)]
pub(super) enum Unopened {
    /// Its first line does not end where the longest one would.
    TooLong,
    /// There is no memory left for a long line.
    NoRoom,
    /// It broke.
    Broken,
}

impl Opening {
    /// Reads the first bytes: no more than it takes to know. Those of a long line are a part of the
    /// door's memory.
    pub(super) async fn read(
        stream: &mut (impl AsyncRead + Unpin),
        memory: &Memory,
    ) -> Result<Self, Unopened> {
        let mut read = BytesMut::with_capacity(PIECE);
        let mut part = None;
        loop {
            let ended = stream.read_buf(&mut read).await.map_err(|_| Unopened::Broken)? == 0;
            if let Some(opening) = Self::of(&read, ended) {
                return Ok(Self { part, ..opening });
            }
            if read.len() > LINE {
                return Err(Unopened::TooLong);
            }
            if part.is_none() && read.len() == read.capacity() {
                // For the line and, once it is there, for its target beside it.
                part = Some(memory.take(2 * LINE).ok_or(Unopened::NoRoom)?);
            }
            read.reserve(PIECE);
        }
    }

    /// What is known from these bytes; nothing if it takes more, and more may come.
    fn of(read: &BytesMut, ended: bool) -> Option<Self> {
        let ordinary = |version| {
            Some(Self { version, read: Bytes::copy_from_slice(read), target: None, part: None })
        };
        if read.starts_with(PREFACE) {
            return ordinary(Version::Http2);
        }
        if ended {
            return ordinary(Version::Http1);
        }
        if PREFACE.starts_with(read) {
            return None;
        }
        match memchr::memchr(b'\n', read) {
            Some(end) if end <= ORDINARY => ordinary(Version::Http1),
            Some(end) => Self::put_aside(read, end).or_else(|| ordinary(Version::Http1)),
            None => None,
        }
    }

    /// Puts the target of the line that ends at `end` aside. Only a path is: whatever else may
    /// stand there is the parser's to judge.
    fn put_aside(read: &[u8], end: usize) -> Option<Self> {
        let (line, rest) = read.split_at(end);
        let mut words = line.split(|&byte| byte == b' ');
        let (method, target, version) = (words.next()?, words.next()?, words.next()?);
        let printable = target.iter().all(u8::is_ascii_graphic);
        let is_path = target.starts_with(b"/") && printable && target.len() > LEFT;
        if !is_path || words.next().is_some() {
            return None;
        }
        let mut short = BytesMut::with_capacity(LEFT + rest.len() + 32);
        for piece in [method, b" ", &target[..LEFT], b" ", version, rest] {
            short.extend_from_slice(piece);
        }
        Some(Self {
            version: Version::Http1,
            read: short.freeze(),
            target: Some(LongTarget(Bytes::copy_from_slice(target))),
            part: None,
        })
    }
}

#[cfg(test)]
mod tests;
