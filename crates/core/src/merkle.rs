//! The Merkle tree of one partition's replica: a fixed shape by token, kept up in the same step as
//! every write. The paper, 4.7; rule 12.
//!
//! Leaves are order-free sums of the digests of their objects, and a branch is the sum of its
//! leaves, so that a write changes one number and nothing has to be read or sorted:
//!
//! ```text
//! root = sum of 64 branches      branch = sum of 64 leaves      leaf = sum of H(key, state)
//! ```
//!
//! A leaf is chosen by the 12 bits of the token that follow the partition's own.

use std::fmt;

use crate::object::{ObjectDigest, ObjectKey};
use crate::token::{PartitionCount, Token};

/// Branches under the root, and leaves under each branch.
pub const FAN_OUT: usize = 64;
/// Leaves of a tree.
pub const LEAVES: usize = FAN_OUT * FAN_OUT;
const LEAF_BITS: u32 = LEAVES.trailing_zeros();

/// A sum of objects' digests, modulo 2^128; zero where there are no objects. Equal sums mean equal
/// objects, as surely as digests do.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct TreeSum(u128);

impl TreeSum {
    /// What one object adds.
    pub fn of(key: &ObjectKey, digest: ObjectDigest) -> Self {
        let (bucket, name) = (key.bucket().as_bytes(), key.key().as_bytes());
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(bucket.len() as u64).to_be_bytes()).update(bucket);
        hasher.update(&(name.len() as u64).to_be_bytes()).update(name);
        hasher.update(digest.as_bytes());
        let (cut, _) = hasher
            .finalize()
            .as_bytes()
            .split_first_chunk::<16>()
            .map(|(cut, rest)| (*cut, rest.len()))
            .expect("a BLAKE3 hash has 32 bytes");
        Self(u128::from_be_bytes(cut))
    }

    /// A sum from its bits, as sent.
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// Its bits.
    pub const fn to_bits(self) -> u128 {
        self.0
    }

    /// This sum with `other` added.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }

    /// This sum with `other` taken away.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.wrapping_sub(other.0))
    }

    /// The lower half: enough to tell two versions of one object apart.
    pub const fn short(self) -> u64 {
        self.0 as u64
    }
}

impl fmt::Display for TreeSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for TreeSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TreeSum({self})")
    }
}

/// A leaf of a partition's tree, counted from 0 in token order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeafIndex(u16);

impl LeafIndex {
    /// The leaf with this number; none if no tree has it.
    pub const fn new(index: u16) -> Option<Self> {
        if (index as usize) < LEAVES { Some(Self(index)) } else { None }
    }

    /// The leaf that a token's objects belong to.
    pub fn of(partitions: PartitionCount, token: Token) -> Self {
        let (first, _) = partitions.range_of(partitions.partition_of(token));
        let within = token.get() - first.get();
        Self((within >> Self::shift(partitions)) as u16)
    }

    /// Its number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The branch that it belongs to.
    pub const fn branch(self) -> usize {
        self.0 as usize / FAN_OUT
    }

    /// The first and the last token of this leaf in the partition that begins at `first`.
    pub fn range(self, partitions: PartitionCount, first: Token) -> (Token, Token) {
        let shift = Self::shift(partitions);
        let from = first.get() + (u128::from(self.0) << shift);
        (Token::new(from), Token::new(from + ((1 << shift) - 1)))
    }

    fn shift(partitions: PartitionCount) -> u32 {
        128 - partitions.get().trailing_zeros() - LEAF_BITS
    }
}

/// A set of branches, as one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BranchSet(pub u64);

impl BranchSet {
    /// Adds a branch, from 0 to 63.
    pub const fn insert(&mut self, branch: usize) {
        self.0 |= 1 << branch;
    }

    /// Its branches, in order.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..FAN_OUT).filter(move |branch| self.0 >> branch & 1 == 1)
    }

    /// Whether it has none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// The tree of one partition's replica. An empty one takes no memory beyond itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// None while nothing was ever added.
    leaves: Option<Box<[TreeSum]>>,
    /// The sum of all leaves.
    root: TreeSum,
}

impl Tree {
    /// The tree of a replica that holds nothing.
    pub const fn empty() -> Self {
        Self { leaves: None, root: TreeSum(0) }
    }

    /// A tree from its leaves; none if they are not [`LEAVES`].
    pub fn from_leaves(leaves: Vec<TreeSum>) -> Option<Self> {
        let root = total(&leaves);
        (leaves.len() == LEAVES).then(|| Self { leaves: Some(leaves.into_boxed_slice()), root })
    }

    /// An object of this leaf has come, gone or changed.
    pub fn replace(&mut self, leaf: LeafIndex, old: TreeSum, new: TreeSum) {
        if old == new {
            return;
        }
        let leaves =
            self.leaves.get_or_insert_with(|| vec![TreeSum::default(); LEAVES].into_boxed_slice());
        let sum = &mut leaves[usize::from(leaf.0)];
        *sum = sum.minus(old).plus(new);
        self.root = self.root.minus(old).plus(new);
    }

    /// The sum of one leaf.
    pub fn leaf(&self, leaf: LeafIndex) -> TreeSum {
        self.leaves.as_ref().map_or_else(TreeSum::default, |leaves| leaves[usize::from(leaf.0)])
    }

    /// Every leaf's sum, in order; none if nothing was ever added.
    pub fn leaves(&self) -> Option<&[TreeSum]> {
        self.leaves.as_deref()
    }

    /// The sums of one branch's leaves, in order.
    pub fn leaves_of(&self, branch: usize) -> [TreeSum; FAN_OUT] {
        let mut sums = [TreeSum::default(); FAN_OUT];
        if let Some(leaves) = &self.leaves {
            sums.copy_from_slice(&leaves[branch * FAN_OUT..(branch + 1) * FAN_OUT]);
        }
        sums
    }

    /// The sums of the branches, in order.
    pub fn branches(&self) -> [TreeSum; FAN_OUT] {
        std::array::from_fn(|branch| total(&self.leaves_of(branch)))
    }

    /// The sum of everything.
    pub const fn root(&self) -> TreeSum {
        self.root
    }
}

fn total(sums: &[TreeSum]) -> TreeSum {
    sums.iter().fold(TreeSum::default(), |sum, &more| sum.plus(more))
}

#[cfg(test)]
mod tests;
