//! The digest of a state, by which replicas tell whether they hold the same (rules 10 and 12).
//!
//! ```text
//! digest = BLAKE3(the canonical encoding, with XXH3-128(bytes) in the place of each value's bytes), cut to 128 bits
//! ```
//!
//! Dots are under the cryptographic hash, and a dot names one value for ever (rule 1): two different
//! states never have the same digest, whatever clients write. The values' own hash is there to find
//! what should not happen, a dot with two values, and it is ten times as fast.

use std::fmt;

use xxhash_rust::xxh3::xxh3_128;

/// A 128-bit digest of a state's canonical encoding: equal digests mean equal states.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectDigest([u8; 16]);

impl ObjectDigest {
    /// The digest of a canonical encoding. Of other bytes, all are under the cryptographic hash.
    pub fn of_encoded(encoded: &[u8]) -> Self {
        let hash = match condensed(encoded) {
            Some(condensed) => blake3::hash(&condensed),
            None => blake3::hash(encoded),
        };
        let mut digest = [0; 16];
        digest.copy_from_slice(&hash.as_bytes()[..16]);
        Self(digest)
    }

    /// The digest with these bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// What an encoding is with its values hashed. None if it is not shaped like one.
fn condensed(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut walk = Walk { rest: encoded };
    // Everything but values' bytes is copied; `from` is where that begins.
    let mut from = encoded;
    let mut out = Vec::with_capacity(256);
    walk.skip(2)?;
    for _ in 0..walk.number()? {
        walk.skip(8)?;
        walk.number()?;
    }
    for _ in 0..walk.number()? {
        walk.skip(8)?;
        walk.number()?;
        walk.skip(8)?;
        if walk.skip(1)? == [0] {
            continue;
        }
        walk.number()?;
        walk.text()?;
        for _ in 0..walk.number()? {
            walk.text()?;
            walk.text()?;
        }
        let len = walk.number()?;
        out.extend_from_slice(&from[..from.len() - walk.rest.len()]);
        let bytes = walk.skip(len)?;
        out.extend_from_slice(&xxh3_128(bytes).to_be_bytes());
        from = walk.rest;
    }
    out.extend_from_slice(from);
    Some(out)
}

/// Steps through an encoding ([`super::codec`]) without making anything of it.
struct Walk<'a> {
    rest: &'a [u8],
}

impl<'a> Walk<'a> {
    fn skip(&mut self, len: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(len).ok()?)?;
        self.rest = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let len = self.number()?;
        self.skip(len)
    }
}

impl fmt::Display for ObjectDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ObjectDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectDigest({self})")
    }
}

#[cfg(test)]
mod tests;
