//! The stored form of a value, the same in every engine.
//!
//! ```text
//!  4 bytes, little endian                                  the rest
//! +-------------------------------------------------------+---------+
//! | CRC-32C of keyspace name, key length (LE), key, value | value   |
//! +-------------------------------------------------------+---------+
//! ```
//!
//! The checksum covers the keyspace and the key as well, so that a whole record which turns up
//! under another key is caught like a flipped bit. The length of the key is part of it, so that
//! no byte can move between key and value.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use stator_core::store::{Keyspace, StoreError};

/// Bytes that a record is longer than its value.
pub(crate) const CHECKSUM_LEN: usize = 4;

/// A key and its record, ready to be stored.
pub(crate) struct Sealed {
    pub(crate) key: Bytes,
    pub(crate) record: Bytes,
}

/// Copies a key and its value into one buffer of their own. The copy is deliberate: what an engine
/// keeps for long must not hold on to the much larger network buffer that it arrived in.
pub(crate) fn seal(keyspace: Keyspace, key: &[u8], value: &[u8]) -> Sealed {
    let mut buffer = BytesMut::with_capacity(key.len() + CHECKSUM_LEN + value.len());
    buffer.put_slice(key);
    buffer.put_u32_le(checksum(keyspace, key, value));
    buffer.put_slice(value);
    let mut record = buffer.freeze();
    let key = record.split_to(key.len());
    Sealed { key, record }
}

/// The value of a record, without a copy, if its checksum matches.
pub(crate) fn open(keyspace: Keyspace, key: &[u8], mut record: Bytes) -> Result<Bytes, StoreError> {
    if record.len() < CHECKSUM_LEN {
        return Err(corrupt(keyspace, key));
    }
    let stored = record.get_u32_le();
    if stored != checksum(keyspace, key, &record) {
        return Err(corrupt(keyspace, key));
    }
    Ok(record)
}

/// The error that names a damaged key.
pub(crate) fn corrupt(keyspace: Keyspace, key: &[u8]) -> StoreError {
    StoreError::Corrupt { keyspace, key: hex(key) }
}

fn checksum(keyspace: Keyspace, key: &[u8], value: &[u8]) -> u32 {
    let name = crc32c::crc32c(keyspace.name().as_bytes());
    let length = crc32c::crc32c_append(name, &(key.len() as u32).to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(length, key), value)
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 0x0f)]));
    }
    text
}

#[cfg(test)]
mod tests;
