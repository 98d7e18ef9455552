//! How an object lies in a store.
//!
//! ```text
//! key   = token (16 bytes) bucket length (2 bytes) bucket key          if that is short enough
//!       | token (16 bytes) ff ff BLAKE3(bucket length, bucket, key)    otherwise
//! value = encoded state                                                in the first case
//!       | bucket length, bucket, key length, key, encoded state        in the second
//! ```
//!
//! Keys begin with the token, so a partition is one range, whatever Q is. The state is stored as
//! it was sent: no byte of a value is copied to record it.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use crate::message::EncodedState;
use crate::object::codec::{DecodeError, Reader, put_bytes};
use crate::object::{BucketName, Key, ObjectKey};
use crate::store::{KeyRange, MAX_STORE_KEY};
use crate::token::Token;

const TOKEN: usize = 16;
const HASHED: u16 = u16::MAX;

/// The key of an object in a store.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoreKey(Bytes);

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreKey(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

impl StoreKey {
    /// Where an object lies.
    pub fn of(key: &ObjectKey) -> Self {
        let (bucket, name) = (key.bucket().as_bytes(), key.key().as_bytes());
        let len = TOKEN + 2 + bucket.len() + name.len();
        let mut out = BytesMut::with_capacity(len.min(MAX_STORE_KEY));
        out.put_slice(&key.token().to_be_bytes());
        if len <= MAX_STORE_KEY {
            out.put_u16(bucket.len() as u16);
            out.put_slice(bucket);
            out.put_slice(name);
        } else {
            out.put_u16(HASHED);
            let mut hasher = blake3::Hasher::new();
            hasher.update(&(bucket.len() as u64).to_be_bytes());
            hasher.update(bucket).update(name);
            out.put_slice(hasher.finalize().as_bytes());
        }
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

    /// The range of the objects from token `first` to token `last`, both included.
    pub fn range(first: Token, last: Token) -> KeyRange {
        KeyRange {
            from: Bytes::copy_from_slice(&first.to_be_bytes()),
            to: Bytes::copy_from_slice(&last.to_be_bytes()),
        }
    }

    /// The name that the key spells, unless it is a hash.
    pub(super) fn spelled(&self) -> Result<Option<ObjectKey>, DecodeError> {
        let rest = self.0.get(TOKEN..).ok_or(DecodeError::Truncated)?;
        let (length, _) = rest.split_first_chunk::<2>().ok_or(DecodeError::Truncated)?;
        let length = u16::from_be_bytes(*length);
        if length == HASHED {
            return Ok(None);
        }
        let start = TOKEN + 2;
        let end = start + usize::from(length);
        if end > self.0.len() {
            return Err(DecodeError::Truncated);
        }
        named(self.0.slice(start..end), self.0.slice(end..)).map(Some)
    }
}

fn named(bucket: Bytes, key: Bytes) -> Result<ObjectKey, DecodeError> {
    let bucket =
        BucketName::new(bucket).map_err(|_| DecodeError::NotCanonical("a bucket's name"))?;
    let key = Key::new(key).map_err(|_| DecodeError::NotCanonical("a key"))?;
    Ok(ObjectKey::new(bucket, key))
}

/// The value to store for an object.
pub fn encode_record(at: &StoreKey, key: &ObjectKey, state: &EncodedState) -> Bytes {
    if at.0[TOKEN..TOKEN + 2] != HASHED.to_be_bytes() {
        return state.as_bytes().clone();
    }
    let name_len = key.bucket().as_bytes().len() + key.key().as_bytes().len();
    let mut out = BytesMut::with_capacity(name_len + state.as_bytes().len() + 16);
    put_bytes(&mut out, key.bucket().as_bytes());
    put_bytes(&mut out, key.key().as_bytes());
    out.put_slice(state.as_bytes());
    out.freeze()
}

/// The object that a stored value is of, and its state.
pub fn decode_record(
    at: &StoreKey,
    value: &Bytes,
) -> Result<(ObjectKey, EncodedState), DecodeError> {
    if let Some(key) = at.spelled()? {
        return Ok((key, EncodedState::from_bytes(value.clone())));
    }
    let mut reader = Reader::new(value.clone());
    let key = named(reader.bytes()?, reader.bytes()?)?;
    if StoreKey::of(&key) != *at {
        return Err(DecodeError::NotCanonical("a record under another object's key"));
    }
    Ok((key, EncodedState::from_bytes(reader.rest())))
}
