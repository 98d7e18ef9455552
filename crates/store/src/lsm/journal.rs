//! A look at the engine's journals before the engine opens them.
//!
//! A crash of the machine may leave the tail of the journal torn: pages of the batch that was
//! being written reach the disk in any order. The engine by itself would then refuse to open (a
//! whole batch with a wrong checksum), and where the damage lies in the middle it would silently
//! cut off every acknowledged batch behind it. So the tail is judged here first, by one rule:
//!
//! *the store keeps at most one batch unsynced, so a torn batch is the last one of the newest
//! journal. Whatever else is broken was whole once and has been damaged at rest.*
//!
//! A torn tail is cut off, as after any crash. Damage is an error and nothing is changed.
//!
//! ```text
//! batch = start, items, end          start = 1, item count: u32, sequence number: u64
//! item  = 2, type: u8, compression: u8, keyspace: u64, key length: u16,
//!         value length: u32, stored length: u32, key, stored value
//!       | 4, keyspace: u64           (the keyspace was emptied)
//! end   = 3, XXH3 of the items: u64, "FJL" 3            integers are little endian
//! ```

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

const START: u8 = 1;
const START_LEN: usize = 13;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
const TRAILER: &[u8; 4] = b"FJL\x03";

/// The end of the newest journal that was cut off at opening: a batch that a crash had torn. It
/// was never synced, so nobody was told that it is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// How many bytes of the torn batch had reached the disk.
    pub bytes: u64,
}

/// What is wrong with the journals.
#[derive(Debug)]
pub(super) enum JournalError {
    Io(io::Error),
    /// Damage at rest: where, for the operator.
    Damaged(String),
}

impl From<io::Error> for JournalError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Checks all journals in `dir` and cuts off a torn tail. Nobody else may have them open.
pub(super) fn repair(dir: &Path) -> Result<Option<TornTail>, JournalError> {
    let mut journals = list(dir)?;
    let Some((_, newest)) = journals.pop() else {
        return Ok(None);
    };
    for (_, path) in &journals {
        // A journal is synced as a whole before the next one begins: it has no torn tail.
        if let Some(broken) = first_broken(path)? {
            return Err(damaged(path, broken.at));
        }
    }
    let Some(broken) = first_broken(&newest)? else {
        return Ok(None);
    };
    if broken.is_followed_by_whole_batch()? {
        return Err(damaged(&newest, broken.at));
    }
    let file = OpenOptions::new().write(true).open(&newest)?;
    file.set_len(broken.at)?;
    file.sync_all()?;
    Ok(Some(TornTail { bytes: broken.rest.len() as u64 }))
}

/// The journals of `dir`, the oldest first.
fn list(dir: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut journals = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if let Some(number) = number(&path) {
            journals.push((number, path));
        }
    }
    journals.sort();
    Ok(journals)
}

fn number(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_suffix(".jnl")?.parse().ok()
}

fn damaged(path: &Path, at: u64) -> JournalError {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    JournalError::Damaged(format!("journal {name} is broken at byte {at} and goes on behind that"))
}

/// The first batch of a journal that is not whole.
struct Broken {
    /// Where it begins, in bytes.
    at: u64,
    /// Everything from there, without the zeros of the preallocated end.
    rest: Vec<u8>,
}

impl Broken {
    /// Whether a whole batch stands behind this one. It may begin anywhere, since the lengths
    /// before it can't be trusted; its checksum tells it from a chance match.
    fn is_followed_by_whole_batch(&self) -> io::Result<bool> {
        for place in 1..self.rest.len() {
            let mut candidate = &self.rest[place..];
            if looks_like_batch(candidate) && read_batch(&mut candidate)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether a start stands here, and an item behind it. Saves most places the look at a checksum.
fn looks_like_batch(bytes: &[u8]) -> bool {
    bytes[0] == START && matches!(bytes.get(START_LEN), Some(&(ITEM | CLEAR)))
}

/// Reads a journal up to its first batch that is not whole; nothing if all are, up to the zeros
/// of the preallocated end.
fn first_broken(path: &Path) -> io::Result<Option<Broken>> {
    let mut reader = BufReader::with_capacity(256 * 1024, File::open(path)?);
    let mut at = 0;
    while let Some(length) = read_batch(&mut reader)? {
        at += length;
    }
    reader.seek(SeekFrom::Start(at))?;
    let rest = read_without_trailing_zeros(&mut reader)?;
    Ok((!rest.is_empty()).then_some(Broken { at, rest }))
}

/// Reads to the end. Takes memory for what stands before the trailing zeros only.
fn read_without_trailing_zeros(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    const CHUNK: usize = 64 * 1024;
    let (mut chunk, zero_chunk) = (vec![0; CHUNK], vec![0; CHUNK]);
    let mut rest = Vec::new();
    let mut zeros = 0;
    loop {
        let length = reader.read(&mut chunk)?;
        if length == 0 {
            rest.truncate(rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
            return Ok(rest);
        }
        // A journal is preallocated, so that most of its end is zeros: slices compare at once.
        if chunk[..length] == zero_chunk[..length] {
            zeros += length;
            continue;
        }
        rest.resize(rest.len() + zeros, 0);
        rest.extend_from_slice(&chunk[..length]);
        zeros = 0;
    }
}

/// The length in bytes of the whole batch that `reader` stands before; nothing if there is none.
fn read_batch(reader: &mut impl Read) -> io::Result<Option<u64>> {
    match parse_batch(reader) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        other => other,
    }
}

fn parse_batch(reader: &mut impl Read) -> io::Result<Option<u64>> {
    let mut input = Input { reader, length: 0, checksum: Xxh3::new() };
    let [START, ..] = input.take::<1>()? else {
        return Ok(None);
    };
    let items = u32::from_le_bytes(input.take()?);
    let _sequence_number = u64::from_le_bytes(input.take()?);
    input.checksum.reset();
    for _ in 0..items {
        if input.skip_item()?.is_none() {
            return Ok(None);
        }
    }
    let checksum = input.checksum.digest();
    let [END, ..] = input.take::<1>()? else {
        return Ok(None);
    };
    let stored = u64::from_le_bytes(input.take()?);
    let whole = stored == checksum && &input.take::<4>()? == TRAILER;
    Ok(whole.then_some(input.length))
}

/// Counts and sums up what is read.
struct Input<'a, R> {
    reader: &'a mut R,
    length: u64,
    checksum: Xxh3,
}

impl<R: Read> Input<'_, R> {
    fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        self.length += N as u64;
        self.checksum.update(&bytes);
        Ok(bytes)
    }

    /// Reads over one item; nothing if it is none.
    fn skip_item(&mut self) -> io::Result<Option<()>> {
        match self.take::<1>()? {
            [ITEM] => {
                let _type_compression_keyspace = self.take::<10>()?;
                let key = u16::from_le_bytes(self.take()?);
                let _value = u32::from_le_bytes(self.take()?);
                let stored = u32::from_le_bytes(self.take()?);
                self.skip(u64::from(key) + u64::from(stored))?;
            }
            [CLEAR] => {
                let _keyspace = self.take::<8>()?;
            }
            _ => return Ok(None),
        }
        Ok(Some(()))
    }

    /// Reads over bytes in pieces: a length read from a torn batch is not worth an allocation.
    fn skip(&mut self, mut length: u64) -> io::Result<()> {
        let mut piece = [0; 4096];
        while length > 0 {
            let next = piece.len().min(length as usize);
            self.reader.read_exact(&mut piece[..next])?;
            self.checksum.update(&piece[..next]);
            self.length += next as u64;
            length -= next as u64;
        }
        Ok(())
    }
}

/// Disk space that the journals in `dir` take, in bytes; what can't be read counts as nothing.
pub(super) fn disk_bytes(dir: &Path) -> u64 {
    let journals = list(dir).unwrap_or_default();
    let files = journals.iter().filter_map(|(_, path)| std::fs::metadata(path).ok());
    files.map(|file| allocated(&file)).sum()
}

#[cfg(unix)]
fn allocated(file: &std::fs::Metadata) -> u64 {
    /// The unit of the count of blocks, whatever the file system's own is.
    const BLOCK_BYTES: u64 = 512;
    std::os::unix::fs::MetadataExt::blocks(file) * BLOCK_BYTES
}

#[cfg(not(unix))]
fn allocated(file: &std::fs::Metadata) -> u64 {
    file.len()
}

#[cfg(test)]
mod tests;
