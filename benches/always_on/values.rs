//! Values that tell which write they come from, and of which every byte is known.

use bytes::Bytes;

/// Bytes that say whose value it is.
const MARKER: usize = 16;

/// The values of one run: a mark of the run, a number, and bytes that follow from both and can't be
/// compressed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Values {
    run: u64,
    len: usize,
}

impl Values {
    /// Values of so many bytes, at least 16.
    pub(crate) fn new(len: usize) -> Self {
        Self { run: rand::random(), len: len.max(MARKER) }
    }

    /// Bytes of each.
    pub(crate) fn len(self) -> usize {
        self.len
    }

    /// The value with this number.
    pub(crate) fn of(self, number: u64) -> Bytes {
        let mut bytes = Vec::with_capacity(self.len + 8);
        bytes.extend(self.mark());
        bytes.extend(number.to_be_bytes());
        let mut state = self.run ^ number.rotate_left(32);
        while bytes.len() < self.len {
            bytes.extend(split_mix(&mut state).to_be_bytes());
        }
        bytes.truncate(self.len);
        bytes.into()
    }

    /// The number of a value; none if a byte of it is other than it was written.
    pub(crate) fn number(self, value: &[u8]) -> Option<u64> {
        let number = self.claimed(value)?;
        (self.of(number) == value).then_some(number)
    }

    /// The number that a value begins with.
    pub(crate) fn claimed(self, value: &[u8]) -> Option<u64> {
        let rest = value.strip_prefix(&self.mark())?;
        Some(u64::from_be_bytes(rest.get(..8)?.try_into().ok()?))
    }

    /// What all values of the run begin with.
    pub(crate) fn mark(self) -> [u8; 8] {
        self.run.to_be_bytes()
    }
}

/// `SplitMix64`: the next number.
pub(crate) fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
