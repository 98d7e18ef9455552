//! How a hint lies in a store.
//!
//! ```text
//! key   = token (16 bytes) owner (8 bytes) BLAKE3(bucket length, bucket, key), cut to 16 bytes
//! value = when stored (8 bytes, ms) bucket length, bucket, key length, key, state
//! ```
//!
//! Keys begin with the token, so that the hints of a partition, and those of an object, are ranges.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use crate::identity::NodeId;
use crate::message::EncodedState;
use crate::object::codec::{DecodeError, Reader, put_bytes};
use crate::object::{BucketName, Key, ObjectKey};
use crate::store::KeyRange;
use crate::time::WallTime;
use crate::token::Token;

const LEN: usize = 16 + 8 + 16;

/// Where a hint lies in a store: one for each owner and object.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HintKey(Bytes);

impl fmt::Debug for HintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HintKey(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// One hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The primary that it is kept for.
    pub owner: NodeId,
    /// Which object.
    pub key: ObjectKey,
    /// Its whole state.
    pub state: EncodedState,
    /// When it was first stored.
    pub stored: WallTime,
}

impl HintKey {
    /// Where the hint of an object for an owner lies.
    pub fn of(owner: NodeId, key: &ObjectKey) -> Self {
        let (bucket, name) = (key.bucket().as_bytes(), key.key().as_bytes());
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(bucket.len() as u64).to_be_bytes()).update(bucket).update(name);
        let mut out = BytesMut::with_capacity(LEN);
        out.put_slice(&key.token().to_be_bytes());
        out.put_u64(owner.get());
        out.put_slice(&hasher.finalize().as_bytes()[..16]);
        Self(out.freeze())
    }

    /// A key as a store returned it.
    pub const fn from_bytes(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// The hints from token `first` to token `last`, both included, after a place among them.
    pub(super) fn range((first, last): (Token, Token), after: Option<&Self>) -> KeyRange {
        let from = match after {
            None => Bytes::copy_from_slice(&first.to_be_bytes()),
            Some(after) => [&after.0[..], &[0]].concat().into(),
        };
        KeyRange { from, to: Bytes::copy_from_slice(&last.to_be_bytes()) }
    }
}

/// The value to store for a hint.
pub(super) fn encode(hint: &Hint) -> Bytes {
    let (bucket, name) = (hint.key.bucket().as_bytes(), hint.key.key().as_bytes());
    let state = hint.state.as_bytes();
    let mut out = BytesMut::with_capacity(16 + bucket.len() + name.len() + state.len() + 16);
    out.put_u64(hint.stored.as_millis());
    put_bytes(&mut out, bucket);
    put_bytes(&mut out, name);
    out.put_slice(state);
    out.freeze()
}

impl Hint {
    /// The hint that a stored value is.
    pub fn decode(at: &HintKey, value: &Bytes) -> Result<Self, DecodeError> {
        decode(at, value)
    }
}

fn decode(at: &HintKey, value: &Bytes) -> Result<Hint, DecodeError> {
    let owner = at.0.get(16..24).and_then(|bytes| bytes.try_into().ok());
    let owner = NodeId::new(u64::from_be_bytes(owner.ok_or(DecodeError::Truncated)?));
    let mut reader = Reader::new(value.clone());
    let stored = WallTime::from_millis(reader.fixed()?);
    let bucket = BucketName::new(reader.bytes()?)
        .map_err(|_| DecodeError::NotCanonical("a bucket's name"))?;
    let name = Key::new(reader.bytes()?).map_err(|_| DecodeError::NotCanonical("a key"))?;
    let key = ObjectKey::new(bucket, name);
    if HintKey::of(owner, &key) != *at {
        return Err(DecodeError::NotCanonical("a hint under another hint's key"));
    }
    Ok(Hint { owner, key, state: EncodedState::from_bytes(reader.rest()), stored })
}
