//! The canonical encoding of a state: equal states are equal bytes, on every node.
//!
//! ```text
//! state   = format (1 byte, 1) rule (1 byte) vector siblings
//! vector  = count, count × (actor: 8 bytes, counter)
//! sibling = actor: 8 bytes, counter, stamp: 8 bytes, kind (1 byte: 0 tombstone, 1 value), value?
//! value   = expiry (0 = none, else ms + 1), content type, count, count × (name, text), bytes
//! ```
//!
//! Numbers without a width are LEB128 in their shortest form; texts and bytes are a length and the
//! bytes. What is not in this one form (unsorted, doubled, not shortest, bytes left over) is
//! refused, so that a digest of the bytes is a digest of the state.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::state::{ConflictRule, Content, Metadata, ObjectState, Sibling, Value};
use crate::identity::ActorId;
use crate::time::{Stamp, WallTime};
use crate::version::{Dot, VersionVector};

/// The format byte that begins every encoded state.
pub const FORMAT: u8 = 1;

/// Bytes that are no canonical encoding of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end too early.
    #[error("the encoded object is cut off")]
    Truncated,
    /// A format byte that this version does not know.
    #[error("the object has format {0}, which this version does not know")]
    UnknownFormat(u8),
    /// Bytes that no encoder writes.
    #[error("the encoded object is damaged: {0}")]
    NotCanonical(&'static str),
}

pub(crate) fn put_number(out: &mut BytesMut, mut number: u64) {
    while number >= 0x80 {
        out.put_u8(number as u8 | 0x80);
        number >>= 7;
    }
    out.put_u8(number as u8);
}

pub(crate) fn put_bytes(out: &mut BytesMut, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.put_slice(bytes);
}

pub(crate) fn put_vector(out: &mut BytesMut, vector: &VersionVector) {
    put_number(out, vector.len() as u64);
    for &(actor, counter) in vector.entries() {
        out.put_u64(actor.get());
        put_number(out, counter);
    }
}

/// Takes typed pieces off the front of some bytes, without copying.
#[derive(Debug)]
pub(crate) struct Reader<B = Bytes>(B);

impl<B: Buf> Reader<B> {
    pub(crate) fn new(bytes: B) -> Self {
        Self(bytes)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, DecodeError> {
        self.0.try_get_u8().map_err(|_| DecodeError::Truncated)
    }

    pub(crate) fn fixed(&mut self) -> Result<u64, DecodeError> {
        self.0.try_get_u64().map_err(|_| DecodeError::Truncated)
    }

    pub(crate) fn number(&mut self) -> Result<u64, DecodeError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if shift == 63 && part > 1 {
                return Err(DecodeError::NotCanonical("a number is too large"));
            }
            number |= part << shift;
            if byte & 0x80 == 0 {
                if byte == 0 && shift > 0 {
                    return Err(DecodeError::NotCanonical("a number is not in its shortest form"));
                }
                return Ok(number);
            }
        }
        Err(DecodeError::NotCanonical("a number is too long"))
    }

    /// A count of things that take at least `least` bytes each: bounded by what is there, so that a
    /// declared length never makes anybody allocate more than was sent.
    fn count(&mut self, least: usize) -> Result<usize, DecodeError> {
        let count = self.number()?;
        if count > (self.0.remaining() / least) as u64 {
            return Err(DecodeError::Truncated);
        }
        Ok(count as usize)
    }

    /// Leaves some bytes out.
    fn skip(&mut self) -> Result<(), DecodeError> {
        let len = self.count(1)?;
        self.0.advance(len);
        Ok(())
    }

    pub(crate) fn end(self) -> Result<(), DecodeError> {
        if self.0.has_remaining() {
            Err(DecodeError::NotCanonical("bytes are left over"))
        } else {
            Ok(())
        }
    }

    pub(crate) fn vector(&mut self) -> Result<VersionVector, DecodeError> {
        let count = self.count(9)?;
        let mut entries: Vec<(ActorId, u64)> = Vec::with_capacity(count);
        for _ in 0..count {
            let entry = (ActorId::new(self.fixed()?), self.number()?);
            if entry.1 == 0 || entries.last().is_some_and(|last| last.0 >= entry.0) {
                return Err(DecodeError::NotCanonical("a version vector is out of order"));
            }
            entries.push(entry);
        }
        Ok(VersionVector::from_sorted(entries))
    }
}

impl Reader {
    pub(crate) fn bytes(&mut self) -> Result<Bytes, DecodeError> {
        let len = self.count(1)?;
        Ok(self.0.split_to(len))
    }

    /// All that is left.
    pub(crate) fn rest(self) -> Bytes {
        self.0
    }
}

impl ObjectState {
    /// The canonical encoding.
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(self.encoded_size_hint());
        out.put_u8(FORMAT);
        out.put_u8(match self.rule {
            ConflictRule::Siblings => 0,
            ConflictRule::LastWriteWins => 1,
        });
        put_vector(&mut out, &self.vector);
        put_number(&mut out, self.siblings.len() as u64);
        for sibling in &self.siblings {
            put_sibling(&mut out, sibling);
        }
        out.freeze()
    }

    fn encoded_size_hint(&self) -> usize {
        let value_size = |sibling: &Sibling| match &sibling.content {
            Content::Value(value) => value.bytes.len() + value.metadata.content_type.len() + 64,
            Content::Tombstone => 32,
        };
        16 + self.vector.len() * 18 + self.siblings.iter().map(value_size).sum::<usize>()
    }

    /// Decodes a canonical encoding; values share its bytes.
    pub fn decode(encoded: &Bytes) -> Result<Self, DecodeError> {
        let value = |reader: &mut Reader| Ok(Content::Value(take_value(reader)?));
        Self::decode_with(Reader::new(encoded.clone()), value)
    }

    /// Decodes the [`Self::versions`] of an encoded state, and looks at its values no further than is
    /// needed to pass over them.
    pub fn decode_versions(encoded: &[u8]) -> Result<Self, DecodeError> {
        Self::decode_with(Reader::new(encoded), |reader| {
            skip_value(reader)?;
            Ok(Content::Tombstone)
        })
    }

    fn decode_with<B: Buf>(
        mut reader: Reader<B>,
        value: impl Fn(&mut Reader<B>) -> Result<Content, DecodeError>,
    ) -> Result<Self, DecodeError> {
        match reader.byte()? {
            FORMAT => {}
            other => return Err(DecodeError::UnknownFormat(other)),
        }
        let rule = match reader.byte()? {
            0 => ConflictRule::Siblings,
            1 => ConflictRule::LastWriteWins,
            _ => return Err(DecodeError::NotCanonical("an unknown conflict rule")),
        };
        let vector = reader.vector()?;
        let count = reader.count(18)?;
        let mut siblings: Vec<Sibling> = Vec::with_capacity(count);
        for _ in 0..count {
            let sibling = take_sibling(&mut reader, &value)?;
            if siblings.last().is_some_and(|last| last.dot >= sibling.dot) {
                return Err(DecodeError::NotCanonical("siblings are out of order"));
            }
            if sibling.dot.counter == 0 || !vector.covers(sibling.dot) {
                return Err(DecodeError::NotCanonical("a sibling that its vector has not seen"));
            }
            siblings.push(sibling);
        }
        if rule == ConflictRule::LastWriteWins && siblings.len() > 1 {
            return Err(DecodeError::NotCanonical("a last-write-wins object with siblings"));
        }
        reader.end()?;
        Ok(Self { rule, siblings, vector })
    }
}

fn put_sibling(out: &mut BytesMut, sibling: &Sibling) {
    out.put_u64(sibling.dot.actor.get());
    put_number(out, sibling.dot.counter);
    out.put_u64(sibling.stamp.to_bits());
    let Content::Value(value) = &sibling.content else {
        out.put_u8(0);
        return;
    };
    out.put_u8(1);
    put_number(out, value.metadata.expires_at.map_or(0, |at| at.as_millis().saturating_add(1)));
    put_bytes(out, &value.metadata.content_type);
    put_number(out, value.metadata.user.len() as u64);
    for (name, text) in &value.metadata.user {
        put_bytes(out, name);
        put_bytes(out, text);
    }
    put_bytes(out, &value.bytes);
}

fn take_sibling<B: Buf>(
    reader: &mut Reader<B>,
    value: impl Fn(&mut Reader<B>) -> Result<Content, DecodeError>,
) -> Result<Sibling, DecodeError> {
    let dot = Dot { actor: ActorId::new(reader.fixed()?), counter: reader.number()? };
    let stamp = Stamp::from_bits(reader.fixed()?);
    let content = match reader.byte()? {
        0 => Content::Tombstone,
        1 => value(reader)?,
        _ => return Err(DecodeError::NotCanonical("an unknown kind of sibling")),
    };
    Ok(Sibling { dot, stamp, content })
}

fn take_value(reader: &mut Reader) -> Result<Value, DecodeError> {
    let expires_at = reader.number()?.checked_sub(1).map(WallTime::from_millis);
    let content_type = reader.bytes()?;
    let count = reader.count(2)?;
    let mut user: Vec<(Bytes, Bytes)> = Vec::with_capacity(count);
    for _ in 0..count {
        let entry = (reader.bytes()?, reader.bytes()?);
        if user.last().is_some_and(|last| last.0 >= entry.0) {
            return Err(DecodeError::NotCanonical("metadata is out of order"));
        }
        user.push(entry);
    }
    let bytes = reader.bytes()?;
    Ok(Value { bytes, metadata: Metadata { content_type, user, expires_at } })
}

fn skip_value(reader: &mut Reader<impl Buf>) -> Result<(), DecodeError> {
    // When it expires, and its content type.
    reader.number()?;
    reader.skip()?;
    for _ in 0..reader.count(2)? {
        reader.skip()?;
        reader.skip()?;
    }
    // Its bytes.
    reader.skip()
}

#[cfg(test)]
mod tests;
