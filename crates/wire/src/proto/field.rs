//! Reading one field of a message: present, within its bounds, of its length.

use bytes::Bytes;
use stator_core::identity::ClusterId;
use stator_core::object::{BucketName, Key, ObjectDigest, ObjectKey};
use stator_core::token::{Partition, PartitionCount};

use crate::error::WireError;

/// The name of a field, as `message.field`, for errors.
pub(crate) type Field = &'static str;

/// The field's value, which every sender sets.
pub(crate) fn required<T>(field: Field, value: Option<T>) -> Result<T, WireError> {
    value.ok_or(WireError::Missing { field })
}

/// The one of several kinds that was sent; none means one that this version does not know.
pub(crate) fn known<T>(field: Field, kind: Option<T>) -> Result<T, WireError> {
    kind.ok_or(WireError::UnknownKind { field })
}

/// A number from `min` to `max`.
pub(crate) fn within(field: Field, value: u32, min: u32, max: u32) -> Result<u32, WireError> {
    if (min..=max).contains(&value) {
        return Ok(value);
    }
    let (value, min, max) = (u64::from(value), u64::from(min), u64::from(max));
    Err(WireError::OutOfRange { field, value, min, max })
}

/// A number from 0 to 255.
pub(crate) fn byte(field: Field, value: u32) -> Result<u8, WireError> {
    within(field, value, 0, u32::from(u8::MAX)).map(|value| value as u8)
}

/// A number from 1 to 255.
pub(crate) fn positive_byte(field: Field, value: u32) -> Result<u8, WireError> {
    within(field, value, 1, u32::from(u8::MAX)).map(|value| value as u8)
}

/// A partition. Whether the receiver's ring has it is for the receiver to check.
pub(crate) fn partition(field: Field, value: u32) -> Result<Partition, WireError> {
    within(field, value, 0, PartitionCount::MAX - 1).map(Partition::new)
}

/// Sixteen bytes.
fn sixteen(field: Field, bytes: &[u8]) -> Result<[u8; 16], WireError> {
    bytes.try_into().map_err(|_| WireError::Length { field, found: bytes.len(), expected: 16 })
}

/// A cluster's id as it is sent.
pub(crate) fn from_cluster(cluster: ClusterId) -> Bytes {
    Bytes::copy_from_slice(&cluster.get().to_be_bytes())
}

/// A cluster's id.
pub(crate) fn cluster(field: Field, bytes: &[u8]) -> Result<ClusterId, WireError> {
    Ok(ClusterId::new(u128::from_be_bytes(sixteen(field, bytes)?)))
}

/// A digest as it is sent.
pub(crate) fn from_digest(digest: &ObjectDigest) -> Bytes {
    Bytes::copy_from_slice(digest.as_bytes())
}

/// A digest.
pub(crate) fn digest(field: Field, bytes: &[u8]) -> Result<ObjectDigest, WireError> {
    Ok(ObjectDigest::new(sixteen(field, bytes)?))
}

/// The name of a bucket, sharing the frame's bytes.
pub(crate) fn bucket(field: Field, bytes: Bytes) -> Result<BucketName, WireError> {
    BucketName::new(bytes).map_err(|source| WireError::Name { field, source })
}

/// The name of an object, sharing the frame's bytes.
pub(crate) fn object_key(field: Field, names: (Bytes, Bytes)) -> Result<ObjectKey, WireError> {
    let key = Key::new(names.1).map_err(|source| WireError::Name { field, source })?;
    Ok(ObjectKey::new(bucket(field, names.0)?, key))
}

/// The name of an object as it is sent: its bucket and its key.
pub(crate) fn from_object_key(key: &ObjectKey) -> (Bytes, Bytes) {
    (key.bucket().as_bytes().clone(), key.key().as_bytes().clone())
}
