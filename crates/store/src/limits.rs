//! What no engine takes, refused before anything is written: engines differ in how they would fail.

use stator_core::store::{Batch, KeyRange, MAX_STORE_KEY, StoreError, WriteOp};

use crate::record::CHECKSUM_LEN;

/// The longest value, in bytes: its record's length must fit 32 bits.
pub(crate) const MAX_VALUE: usize = u32::MAX as usize - CHECKSUM_LEN;

/// Refuses keys and values that can't be stored.
pub(crate) fn check_batches(batches: &[Batch]) -> Result<(), StoreError> {
    for op in batches.iter().flat_map(Batch::ops) {
        match op {
            WriteOp::Put { key, value, .. } => {
                check_key(key)?;
                check_value(value.len())?;
            }
            WriteOp::Delete { key, .. } => check_key(key)?,
        }
    }
    Ok(())
}

/// Refuses a key that can't be stored.
pub(crate) fn check_key(key: &[u8]) -> Result<(), StoreError> {
    if key.is_empty() {
        return Err(StoreError::Engine("a key of 0 bytes can't be stored".into()));
    }
    check_length("a key", key.len(), MAX_STORE_KEY)
}

/// Refuses a range whose bounds no key can reach. Its start may be one byte longer than a key,
/// since a scan goes on from "just after" the last key, which is that key and a zero byte.
pub(crate) fn check_range(range: &KeyRange) -> Result<(), StoreError> {
    check_length("the start of a range", range.from.len(), MAX_STORE_KEY + 1)?;
    check_length("the end of a range", range.to.len(), MAX_STORE_KEY)
}

fn check_value(length: usize) -> Result<(), StoreError> {
    check_length("a value", length, MAX_VALUE)
}

fn check_length(what: &str, length: usize, most: usize) -> Result<(), StoreError> {
    if length <= most {
        return Ok(());
    }
    Err(StoreError::Engine(format!("{what} of {length} bytes is longer than the limit of {most}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_whose_length_does_not_fit_its_field_is_refused() {
        assert!(check_value(MAX_VALUE).is_ok());
        let error = check_value(MAX_VALUE + 1).expect_err("too long");
        assert!(error.to_string().contains("4294967292"), "{error}");
    }
}
