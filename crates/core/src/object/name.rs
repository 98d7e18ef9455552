//! Buckets, keys and the name of an object: arbitrary bytes, within bounds.

use std::fmt;

use bytes::Bytes;

use crate::token::Token;

/// Why a bucket or a key can't be named so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was named.
    #[error("the {what} is empty: it takes at least one byte")]
    Empty {
        /// `bucket` or `key`.
        what: &'static str,
    },
    /// Longer than the bound, which is inclusive.
    #[error("the {what} has {len} bytes: at most {max} are allowed")]
    TooLong {
        /// `bucket` or `key`.
        what: &'static str,
        /// Its length in bytes.
        len: usize,
        /// The longest allowed.
        max: usize,
    },
}

fn check(what: &'static str, bytes: &[u8], max: usize) -> Result<(), NameError> {
    if bytes.is_empty() {
        return Err(NameError::Empty { what });
    }
    if bytes.len() > max {
        return Err(NameError::TooLong { what, len: bytes.len(), max });
    }
    Ok(())
}

/// Shows bytes as text, with what is not printable ASCII percent-encoded.
fn show(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for &byte in bytes {
        match byte {
            b'%' => f.write_str("%25")?,
            0x20..=0x7e => write!(f, "{}", byte as char)?,
            _ => write!(f, "%{byte:02X}")?,
        }
    }
    Ok(())
}

/// The name of a bucket: 1 to 1024 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketName(Bytes);

impl BucketName {
    /// The longest name, in bytes.
    pub const MAX_LEN: usize = 1024;

    /// A bucket's name from its bytes.
    pub fn new(bytes: Bytes) -> Result<Self, NameError> {
        check("bucket", &bytes, Self::MAX_LEN)?;
        Ok(Self(bytes))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// Whether the bucket belongs to the Redis protocol (`redis.0` to `redis.15`): such buckets
    /// are last-write-wins from birth.
    pub fn is_redis_database(&self) -> bool {
        let Some(number) = self.0.strip_prefix(b"redis.") else { return false };
        matches!(number, [b'0'..=b'9'] | [b'1', b'0'..=b'5'])
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(&self.0, f)
    }
}

impl fmt::Debug for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BucketName({self})")
    }
}

/// A key within a bucket: 1 byte to 64 KiB.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Bytes);

impl Key {
    /// The longest key, in bytes. A front door may be configured to take less.
    pub const MAX_LEN: usize = 64 * 1024;

    /// A key from its bytes.
    pub fn new(bytes: Bytes) -> Result<Self, NameError> {
        check("key", &bytes, Self::MAX_LEN)?;
        Ok(Self(bytes))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(&self.0, f)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

/// The full name of an object, with its token worked out once.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    token: Token,
    bucket: BucketName,
    key: Key,
}

impl ObjectKey {
    /// The object `key` of `bucket`.
    pub fn new(bucket: BucketName, key: Key) -> Self {
        let mut named = Self { token: Token::new(0), bucket, key };
        named.token = Token::of(&named);
        named
    }

    /// Its bucket.
    pub fn bucket(&self) -> &BucketName {
        &self.bucket
    }

    /// Its key.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Its place on the ring.
    pub fn token(&self) -> Token {
        self.token
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.bucket, self.key)
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectKey({self})")
    }
}
