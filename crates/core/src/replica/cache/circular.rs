//! Rows of bytes by key, in one piece of memory of bounded size.
//!
//! A circular log with a second chance (the CLOCK policy): rows are laid down one behind the other,
//! and at the end of the memory over the oldest ones again; a row that was asked for since it was laid
//! down, or last passed over, is passed over once. Nothing is allocated for a row, so that millions
//! of them leave the allocator's memory as it is, and finding one touches two places in memory: its
//! entry in the index, and the row.
//!
//! ```text
//! row = room (4 bytes) state length (4) kept (4) key length (2) marks (1) 0 (1) digest (16)
//!       key kept-bytes room-to-spare
//! ```

use hashbrown::HashTable;

use crate::object::ObjectDigest;

// Where in a row its parts begin, in bytes; its room comes first.
const LEN: usize = 4;
const KEPT: usize = 8;
const KEY_LEN: usize = 12;
const MARKS: usize = 14;
const DIGEST: usize = 16;
const HEADER: usize = 32;
/// Rows begin at multiples of this, so that an index entry of four bytes reaches 64 GiB.
const ALIGN: usize = 16;
/// So many rows are passed over at most to make room for one.
const PASSED_OVER: usize = 8;
/// What the row of the smallest object takes, in bytes.
const SMALLEST: usize = 80;
/// What the index takes for a row, on average, in bytes.
const INDEXED: usize = 8;

/// The row is what the index has for its key.
const LIVE: u8 = 1;
/// The row was asked for.
const ASKED_FOR: u8 = 2;

/// The part of a row that is not bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The state's digest.
    pub(super) digest: ObjectDigest,
    /// Bytes of the encoded state.
    pub(super) len: u32,
}

/// Where a row begins, in units of [`ALIGN`].
#[derive(Clone, Copy, Debug)]
struct At(u32);

impl At {
    const fn of(offset: usize) -> Self {
        Self((offset / ALIGN) as u32)
    }

    const fn offset(self) -> usize {
        self.0 as usize * ALIGN
    }
}

/// The rows.
#[derive(Debug)]
pub(super) struct CircularLog {
    /// Grows as rows come, up to the capacity.
    bytes: Vec<u8>,
    capacity: usize,
    index: HashTable<At>,
    /// Where the next row goes.
    head: usize,
    /// Where the oldest row begins; what lies between is free.
    oldest: usize,
    /// Where the rows of the last time round end.
    end: usize,
}

impl CircularLog {
    /// Without rows, and of so many bytes at most, what the index takes on average included.
    pub(super) fn within(bytes: u64) -> Self {
        let capacity = bytes as usize / (SMALLEST + INDEXED) * SMALLEST;
        Self { bytes: Vec::new(), capacity, index: HashTable::new(), head: 0, oldest: 0, end: 0 }
    }

    /// Bytes that it takes now.
    pub(super) fn taken(&self) -> u64 {
        (self.bytes.len() + self.index.len() * INDEXED) as u64
    }

    /// A row and what is kept in it.
    pub(super) fn get(&mut self, hash: u64, key: &[u8]) -> Option<(Header, &[u8])> {
        let row = self.find(hash, key)?;
        self.bytes[row + MARKS] |= ASKED_FOR;
        let start = row + HEADER + key.len();
        let kept = self.number(row + KEPT);
        Some((self.header(row), &self.bytes[start..start + kept]))
    }

    /// Lays a row down, or puts it in the place of the one that its key had. One that takes more than
    /// an eighth of the memory is not kept.
    pub(super) fn insert(&mut self, hash: u64, key: &[u8], header: Header, kept: &[u8]) {
        let room = (HEADER + key.len() + kept.len()).next_multiple_of(ALIGN);
        if let Some(row) = self.find(hash, key) {
            let has = self.number(row);
            if (room..=2 * room).contains(&has) {
                self.fill(row, has, key, header, kept);
                self.bytes[row + MARKS] |= ASKED_FOR;
                return;
            }
        }
        self.remove(hash, key);
        if room > self.capacity / 8 {
            return;
        }
        let row = self.make_room(room);
        self.fill(row, room, key, header, kept);
        let Self { index, bytes, .. } = self;
        index.insert_unique(hash, At::of(row), |at| hash_at(bytes, at.offset()));
    }

    /// Forgets a row.
    pub(super) fn remove(&mut self, hash: u64, key: &[u8]) {
        let Self { index, bytes, .. } = self;
        if let Ok(found) = index.find_entry(hash, |at| has_key(bytes, at.offset(), key)) {
            let row = found.get().offset();
            found.remove();
            bytes[row + MARKS] = 0;
        }
    }

    fn find(&self, hash: u64, key: &[u8]) -> Option<usize> {
        let found = self.index.find(hash, |at| has_key(&self.bytes, at.offset(), key))?;
        Some(found.offset())
    }

    /// Where a row of this size can be laid down.
    fn make_room(&mut self, room: usize) -> usize {
        let mut chances = PASSED_OVER;
        while self.oldest - self.head < room {
            if self.oldest < self.end {
                self.give_up_oldest(&mut chances);
            } else if self.capacity - self.head >= room {
                // Behind the last row of the last time round nothing is in the way.
                self.oldest = self.capacity;
            } else {
                (self.end, self.head, self.oldest) = (self.head, 0, 0);
            }
        }
        let row = self.head;
        self.head += room;
        if self.bytes.len() < self.head {
            self.bytes.resize(self.head, 0);
        }
        row
    }

    /// The oldest row gives its room, unless it has earned a chance: then it moves up to the newest.
    fn give_up_oldest(&mut self, chances: &mut usize) {
        let row = self.oldest;
        let (room, marks) = (self.number(row), self.bytes[row + MARKS]);
        self.oldest += room;
        if marks & LIVE == 0 {
            return;
        }
        let hash = hash_at(&self.bytes, row);
        let Ok(mut found) = self.index.find_entry(hash, |at| at.offset() == row) else { return };
        if marks & ASKED_FOR == 0 || *chances == 0 {
            found.remove();
            return;
        }
        *chances -= 1;
        *found.get_mut() = At::of(self.head);
        self.bytes[row + MARKS] = LIVE;
        self.bytes.copy_within(row..row + room, self.head);
        self.head += room;
    }

    fn header(&self, row: usize) -> Header {
        let digest = self.bytes[row + DIGEST..].first_chunk().copied().unwrap_or_default();
        Header { digest: ObjectDigest::new(digest), len: self.number(row + LEN) as u32 }
    }

    fn fill(&mut self, row: usize, room: usize, key: &[u8], header: Header, kept: &[u8]) {
        let bytes = &mut self.bytes[row..row + room];
        bytes[..4].copy_from_slice(&(room as u32).to_ne_bytes());
        bytes[LEN..LEN + 4].copy_from_slice(&header.len.to_ne_bytes());
        bytes[KEPT..KEPT + 4].copy_from_slice(&(kept.len() as u32).to_ne_bytes());
        bytes[KEY_LEN..KEY_LEN + 2].copy_from_slice(&(key.len() as u16).to_ne_bytes());
        bytes[MARKS] = LIVE;
        bytes[DIGEST..DIGEST + 16].copy_from_slice(header.digest.as_bytes());
        bytes[HEADER..HEADER + key.len()].copy_from_slice(key);
        bytes[HEADER + key.len()..][..kept.len()].copy_from_slice(kept);
    }

    fn number(&self, at: usize) -> usize {
        let number = self.bytes[at..].first_chunk();
        number.map_or(0, |number| u32::from_ne_bytes(*number) as usize)
    }
}

fn key_at(bytes: &[u8], row: usize) -> &[u8] {
    let len = bytes[row + KEY_LEN..].first_chunk().map_or(0, |len| u16::from_ne_bytes(*len));
    &bytes[row + HEADER..][..usize::from(len)]
}

fn has_key(bytes: &[u8], row: usize, key: &[u8]) -> bool {
    key_at(bytes, row) == key
}

fn hash_at(bytes: &[u8], row: usize) -> u64 {
    super::hash_of(key_at(bytes, row))
}

#[cfg(test)]
mod tests;
