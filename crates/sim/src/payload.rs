//! What simulated clients store: values that say which write they are, in every eight bytes and
//! beside them, so that an invented, a cut and a mixed value are all recognised.

use bytes::{BufMut, Bytes, BytesMut};
use stator_core::object::{Content, Metadata, NewValue, Value};

use crate::history::CallId;

const LENGTH: &[u8] = b"length";

/// The value that the write `call` stores, `len` bytes long.
pub fn payload(call: CallId, len: usize) -> NewValue {
    let mut bytes = BytesMut::with_capacity(len + 8);
    while bytes.len() < len {
        bytes.put_u64(call.0);
    }
    bytes.truncate(len);
    Content::Value(Value {
        bytes: bytes.freeze(),
        metadata: Metadata {
            content_type: Bytes::from(format!("sim/{}", call.0)),
            user: vec![(Bytes::from_static(LENGTH), Bytes::from(len.to_string()))],
            expires_at: None,
        },
    })
}

/// Which write a value is, or what is wrong with it.
pub fn author(value: &Value) -> Result<CallId, String> {
    let number = |bytes: &[u8]| std::str::from_utf8(bytes).ok()?.parse::<u64>().ok();
    let call = value
        .metadata
        .content_type
        .strip_prefix(b"sim/")
        .and_then(number)
        .ok_or_else(|| format!("its type {:?} names no write", value.metadata.content_type))?;
    let len = match &value.metadata.user[..] {
        [(name, len)] if name == LENGTH => number(len),
        _ => None,
    };
    if len != Some(value.bytes.len() as u64) {
        return Err(format!(
            "write #{call} has {} bytes and should have {len:?}",
            value.bytes.len()
        ));
    }
    let expected = call.to_be_bytes();
    if value.bytes.chunks(8).any(|chunk| chunk != &expected[..chunk.len()]) {
        return Err(format!("write #{call} has bytes of another write"));
    }
    Ok(CallId(call))
}

#[cfg(test)]
mod tests;
