//! Where a key lives: MD5 to a 128-bit token on the ring, the ring cut into Q equal partitions.
//!
//! The paper, 4.1 to 4.3 and 6.2 (strategy 3). The token of an object is the MD5 of
//! `bucket "/" key`, read as a big-endian number, so that anyone can check a placement with
//! `printf carts/alice | md5sum`. Two names that read the same joined share a token and nothing
//! else: a token says where an object is, never which object it is.

use std::fmt;

use md5::{Digest, Md5};

use crate::object::ObjectKey;

/// A position on the ring: 128 bits, compared as a number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(u128);

impl Token {
    /// The token of an object.
    pub fn of(key: &ObjectKey) -> Self {
        let mut md5 = Md5::new();
        md5.update(key.bucket().as_bytes());
        md5.update(b"/");
        md5.update(key.key().as_bytes());
        Self(u128::from_be_bytes(md5.finalize().into()))
    }

    /// The token with these bits.
    pub const fn new(bits: u128) -> Self {
        Self(bits)
    }

    /// Its bits.
    pub const fn get(self) -> u128 {
        self.0
    }

    /// Its sixteen bytes, most significant first: stored keys begin with them, so that a store's
    /// order is the ring's order.
    pub const fn to_be_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({self})")
    }
}

/// One of the Q equal slices of the ring, counted from 0 in token order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(u32);

impl Partition {
    /// The partition with this index; [`PartitionCount`] says which exist.
    pub const fn new(index: u32) -> Self {
        Self(index)
    }

    /// Its index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Its number, as sent.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// Q: how many partitions the ring is cut into. A power of two, chosen when the cluster is founded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionCount {
    bits: u8,
}

/// A number of partitions that can't be: not a power of two, or out of bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} partitions: the number must be a power of two from 1 to {max}", max = PartitionCount::MAX)]
pub struct InvalidPartitionCount(pub u32);

impl PartitionCount {
    /// The largest Q.
    pub const MAX: u32 = 1 << 20;

    /// `count` partitions.
    pub const fn new(count: u32) -> Result<Self, InvalidPartitionCount> {
        if !count.is_power_of_two() || count > Self::MAX {
            return Err(InvalidPartitionCount(count));
        }
        Ok(Self { bits: count.trailing_zeros() as u8 })
    }

    /// The number.
    pub const fn get(self) -> u32 {
        1 << self.bits
    }

    /// The partition that `token` falls into: the token's leading bits.
    pub fn partition_of(self, token: Token) -> Partition {
        if self.bits == 0 {
            return Partition(0);
        }
        Partition((token.0 >> (128 - u32::from(self.bits))) as u32)
    }

    /// The first and the last token of a partition.
    pub fn range_of(self, partition: Partition) -> (Token, Token) {
        if self.bits == 0 {
            return (Token(0), Token(u128::MAX));
        }
        let shift = 128 - u32::from(self.bits);
        let first = u128::from(partition.0) << shift;
        (Token(first), Token(first | ((1 << shift) - 1)))
    }

    /// Every partition, in token order.
    pub fn all(self) -> impl ExactSizeIterator<Item = Partition> + use<> {
        (0..self.get()).map(Partition)
    }
}

#[cfg(test)]
mod tests;
