//! From the core's [`KeyRange`], whose end is a prefix, to the bounds that ordered maps take.

use std::ops::Bound;

use bytes::Bytes;
use stator_core::store::KeyRange;

/// The bounds of a range in an ordered map.
pub(crate) type Bounds = (Bound<Bytes>, Bound<Bytes>);

/// The bounds of `range`; nothing if no key can be in it.
pub(crate) fn bounds(range: &KeyRange) -> Option<Bounds> {
    let from = Bound::Included(range.from.clone());
    let Some(end) = successor(&range.to) else {
        return Some((from, Bound::Unbounded));
    };
    // An ordered map panics on a start that lies behind the end.
    (range.from < end).then_some((from, Bound::Excluded(end)))
}

/// The first key behind every key that begins with `prefix`: its last byte that is not 0xFF is
/// raised by one and what follows it is cut. Nothing lies behind a prefix of 0xFF only, nor behind
/// the empty one.
fn successor(prefix: &[u8]) -> Option<Bytes> {
    let last = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut next = prefix[..=last].to_vec();
    next[last] += 1;
    Some(next.into())
}

#[cfg(test)]
mod tests;
