//! Requests, taken from the bytes of a connection as they come: arrays of bulk strings, and inline
//! commands.
//!
//! The rule: no byte is looked at twice for an argument that is complete, and a declared length
//! allocates nothing; what is held is what was sent. An argument above its limit is skipped rather
//! than held, so that the connection stays in step and the client is told which limit it met.
//! Why this is no crate: `docs/decisions/0008-requests-of-the-redis-protocol.md`.

mod inline;

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;

/// The longest line that declares a count or a length, as in Redis.
const HEAD_BYTES: usize = 64 * 1024;
/// The longest inline command, as in Redis.
const INLINE_BYTES: usize = 64 * 1024;
/// The longest argument that may be declared at all, as in Redis: what is above a configured limit
/// and below this is skipped, what is above this ends the connection.
const DECLARED_BYTES: usize = 512 * 1024 * 1024;
/// An argument up to this size is copied out of the connection's buffer, so that a small value
/// never keeps a large buffer alive; a larger one shares it.
const COPIED_BYTES: usize = 4096;

/// Bounds on one request.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestLimits {
    /// The most arguments, the command's name included.
    pub(super) arguments: usize,
    /// The longest argument.
    pub(super) argument_bytes: usize,
    /// All arguments together.
    pub(super) request_bytes: usize,
}

/// One request: the command's name and its arguments; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) arguments: Vec<Bytes>,
}

/// What a connection's bytes begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// A request.
    Request(Request),
    /// A request above a limit; it was skipped.
    Excess(Excess),
}

/// Which limit a skipped request met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Excess {
    /// One argument is too long.
    #[error("an argument has {bytes} bytes: at most {most} are allowed")]
    Argument { bytes: usize, most: usize },
    /// All arguments together are too long.
    #[error("the arguments have more than {most} bytes together: send fewer at a time")]
    Request { most: usize },
}

/// Bytes that are no request. The connection can't be in step any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ProtocolError {
    #[error("Protocol error: too big mbulk count string")]
    LongCount,
    #[error("Protocol error: invalid multibulk length")]
    Count,
    #[error("Protocol error: too big bulk count string")]
    LongLength,
    #[error("Protocol error: expected '$', got '{}'", .0.escape_ascii())]
    NoBulk(u8),
    #[error("Protocol error: invalid bulk length")]
    Length,
    #[error("Protocol error: a bulk string does not end where its length says")]
    Unterminated,
    #[error("Protocol error: too big inline request")]
    LongInline,
    #[error("Protocol error: unbalanced quotes in request")]
    Quotes,
}

/// Takes requests off the front of a connection's bytes.
#[derive(Debug)]
pub(super) struct Parser {
    limits: RequestLimits,
    under_way: Option<UnderWay>,
}

/// A request of which the count has come.
#[derive(Debug)]
struct UnderWay {
    /// Arguments that are still to come.
    missing: usize,
    arguments: Vec<Bytes>,
    /// What the arguments that have come hold.
    bytes: usize,
    /// The declared length of the argument that is coming.
    coming: Option<usize>,
    /// What is left to skip of an argument that is not held.
    skipping: usize,
    excess: Option<Excess>,
}

impl Parser {
    pub(super) fn new(limits: RequestLimits) -> Self {
        Self { limits, under_way: None }
    }

    /// What the arguments that have come of a request under way hold.
    pub(super) fn held(&self) -> usize {
        self.under_way.as_ref().map_or(0, |request| request.bytes)
    }

    /// Whether a request has begun and is not complete.
    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// The next request, if all of it has come.
    pub(super) fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<Taken>, ProtocolError> {
        loop {
            if let Some(request) = &mut self.under_way {
                if !request.advance(buffer, self.limits)? {
                    return Ok(None);
                }
                return Ok(self.under_way.take().map(UnderWay::finish));
            }
            let Some(&first) = buffer.first() else { return Ok(None) };
            if first != b'*' {
                match self.inline(buffer)? {
                    Some(arguments) if arguments.is_empty() => continue,
                    arguments => {
                        let request = |arguments| Taken::Request(Request { arguments });
                        return Ok(arguments.map(request));
                    }
                }
            }
            let count = match head(buffer) {
                Head::Incomplete => return Ok(None),
                Head::TooLong => return Err(ProtocolError::LongCount),
                Head::Number(number) => number.ok_or(ProtocolError::Count)?,
            };
            // An array of nothing, or of less, asks for nothing, as in Redis.
            let Some(count) = usize::try_from(count).ok().filter(|&count| count > 0) else {
                continue;
            };
            if count > self.limits.arguments {
                return Err(ProtocolError::Count);
            }
            self.under_way = Some(UnderWay::new(count));
        }
    }

    fn inline(&self, buffer: &mut BytesMut) -> Result<Option<Vec<Bytes>>, ProtocolError> {
        let Some(end) = line_end(buffer, INLINE_BYTES) else {
            let is_too_long = buffer.len() >= INLINE_BYTES;
            return if is_too_long { Err(ProtocolError::LongInline) } else { Ok(None) };
        };
        let arguments = inline::split(&buffer[..end]).ok_or(ProtocolError::Quotes)?;
        buffer.advance(end + 1);
        if arguments.len() > self.limits.arguments {
            return Err(ProtocolError::Count);
        }
        Ok(Some(arguments))
    }
}

impl UnderWay {
    fn new(count: usize) -> Self {
        Self {
            missing: count,
            // As many as most commands have; more come as they are sent.
            arguments: Vec::with_capacity(count.min(4)),
            bytes: 0,
            coming: None,
            skipping: 0,
            excess: None,
        }
    }

    fn finish(self) -> Taken {
        match self.excess {
            Some(excess) => Taken::Excess(excess),
            None => Taken::Request(Request { arguments: self.arguments }),
        }
    }

    /// Takes what has come; says whether that is all.
    fn advance(
        &mut self,
        buffer: &mut BytesMut,
        limits: RequestLimits,
    ) -> Result<bool, ProtocolError> {
        while self.missing > 0 {
            if self.skipping > 0 {
                let skipped = self.skipping.min(buffer.len());
                buffer.advance(skipped);
                self.skipping -= skipped;
                if self.skipping > 0 {
                    return Ok(false);
                }
                self.missing -= 1;
                continue;
            }
            let Some(length) = self.length(buffer)? else { return Ok(false) };
            self.bound(length, limits);
            if self.excess.is_some() {
                self.coming = None;
                self.skipping = length + 2;
                continue;
            }
            if buffer.len() < length + 2 {
                return Ok(false);
            }
            self.take(length, buffer)?;
        }
        Ok(true)
    }

    /// The declared length of the argument that is coming, if that has come.
    fn length(&mut self, buffer: &mut BytesMut) -> Result<Option<usize>, ProtocolError> {
        if self.coming.is_some() {
            return Ok(self.coming);
        }
        let Some(&first) = buffer.first() else { return Ok(None) };
        if first != b'$' {
            return Err(ProtocolError::NoBulk(first));
        }
        let length = match head(buffer) {
            Head::Incomplete => return Ok(None),
            Head::TooLong => return Err(ProtocolError::LongLength),
            Head::Number(number) => number.and_then(|length| usize::try_from(length).ok()),
        };
        let length = length.filter(|&length| length <= DECLARED_BYTES);
        self.coming = Some(length.ok_or(ProtocolError::Length)?);
        Ok(self.coming)
    }

    /// Notes that an argument of this length is more than may be held, and lets go of the others.
    fn bound(&mut self, length: usize, limits: RequestLimits) {
        if self.excess.is_some() {
            return;
        }
        if length > limits.argument_bytes {
            self.excess = Some(Excess::Argument { bytes: length, most: limits.argument_bytes });
        } else if self.bytes + length > limits.request_bytes {
            self.excess = Some(Excess::Request { most: limits.request_bytes });
        }
        if self.excess.is_some() {
            self.arguments = Vec::new();
            self.bytes = 0;
        }
    }

    fn take(&mut self, length: usize, buffer: &mut BytesMut) -> Result<(), ProtocolError> {
        if &buffer[length..length + 2] != b"\r\n" {
            return Err(ProtocolError::Unterminated);
        }
        let argument = if length <= COPIED_BYTES {
            let copied = Bytes::copy_from_slice(&buffer[..length]);
            buffer.advance(length);
            copied
        } else {
            buffer.split_to(length).freeze()
        };
        buffer.advance(2);
        self.arguments.push(argument);
        self.bytes += length;
        self.missing -= 1;
        self.coming = None;
        Ok(())
    }
}

/// What a line that declares a count or a length says.
enum Head {
    /// Its end has not come.
    Incomplete,
    TooLong,
    /// What stands behind its first byte, if that is a number.
    Number(Option<i64>),
}

/// Takes such a line off the front, if its end has come.
fn head(buffer: &mut BytesMut) -> Head {
    let Some(end) = line_end(buffer, HEAD_BYTES) else {
        return if buffer.len() >= HEAD_BYTES { Head::TooLong } else { Head::Incomplete };
    };
    let line = buffer[..end].get(1..).unwrap_or_default();
    let number = integer(line.strip_suffix(b"\r").unwrap_or(line));
    buffer.advance(end + 1);
    Head::Number(number)
}

/// Where the first line ends, if it does within so many bytes.
fn line_end(buffer: &[u8], most: usize) -> Option<usize> {
    memchr(b'\n', &buffer[..buffer.len().min(most)])
}

/// A decimal integer as Redis reads one: no sign but a minus, no leading zeros, nothing around it.
pub(super) fn integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let plain = matches!(digits, [b'0'] | [b'1'..=b'9', ..]) && text != b"-0";
    std::str::from_utf8(text).ok().filter(|_| plain)?.parse().ok()
}

#[cfg(test)]
mod tests;
