//! Replies, and how they are written in RESP2 and RESP3. A handler says what it answers; which of
//! the two the client speaks matters here alone.

use std::fmt::Write;

use bytes::{BufMut, Bytes, BytesMut};

use crate::memory::Part;

/// Which protocol a client speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Protocol {
    /// The one that every connection begins with.
    #[default]
    Resp2,
    /// Asked for with `HELLO 3`.
    Resp3,
}

impl Protocol {
    /// Its number.
    pub(super) const fn number(self) -> i64 {
        match self {
            Self::Resp2 => 2,
            Self::Resp3 => 3,
        }
    }
}

/// A stored value on its way to a client, and its part of the door's memory until it is sent.
#[derive(Debug)]
pub(super) struct HeldValue {
    bytes: Bytes,
    _part: Part,
}

impl HeldValue {
    pub(super) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// What stands before the bytes.
    pub(super) fn write_head(&self, out: &mut BytesMut) {
        line(out, '$', self.bytes.len());
    }

    /// What stands behind them.
    pub(super) fn write_end(out: &mut BytesMut) {
        out.put_slice(b"\r\n");
    }
}

/// What is answered.
#[derive(Debug)]
pub(super) enum Reply {
    /// A word, such as `OK`.
    Simple(&'static str),
    /// What went wrong, beginning with its prefix.
    Error(String),
    /// A number.
    Integer(i64),
    /// Bytes.
    Bulk(Bytes),
    /// A stored value.
    Value(HeldValue),
    /// Nothing.
    Null,
    /// Several replies.
    Array(Vec<Reply>),
    /// Pairs; in RESP2 an array of keys and values in turn.
    Map(Vec<(Reply, Reply)>),
}

impl Reply {
    pub(super) const OK: Self = Self::Simple("OK");

    /// A stored value that holds this part of the door's memory.
    pub(super) fn value(bytes: Bytes, part: Part) -> Self {
        Self::Value(HeldValue { bytes, _part: part })
    }

    /// Text as bytes.
    pub(super) fn text(text: impl AsRef<str>) -> Self {
        Self::Bulk(Bytes::copy_from_slice(text.as_ref().as_bytes()))
    }

    /// A count of things.
    pub(super) fn count(count: usize) -> Self {
        Self::Integer(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// Appends the reply's bytes.
    pub(super) fn write(&self, protocol: Protocol, out: &mut BytesMut) {
        match self {
            Self::Simple(word) => line(out, '+', word),
            Self::Error(text) => line(out, '-', text.replace(['\r', '\n'], " ")),
            Self::Integer(number) => line(out, ':', number),
            Self::Bulk(bytes) | Self::Value(HeldValue { bytes, .. }) => {
                line(out, '$', bytes.len());
                out.put_slice(bytes);
                out.put_slice(b"\r\n");
            }
            Self::Null => out.put_slice(match protocol {
                Protocol::Resp2 => b"$-1\r\n",
                Protocol::Resp3 => b"_\r\n",
            }),
            Self::Array(replies) => {
                line(out, '*', replies.len());
                for reply in replies {
                    reply.write(protocol, out);
                }
            }
            Self::Map(pairs) => {
                match protocol {
                    Protocol::Resp2 => line(out, '*', pairs.len() * 2),
                    Protocol::Resp3 => line(out, '%', pairs.len()),
                }
                for (key, value) in pairs {
                    key.write(protocol, out);
                    value.write(protocol, out);
                }
            }
        }
    }
}

fn line(out: &mut BytesMut, kind: char, what: impl std::fmt::Display) {
    // Writing to a buffer that grows can't fail.
    let _ = write!(out, "{kind}{what}\r\n");
}

#[cfg(test)]
mod tests;
