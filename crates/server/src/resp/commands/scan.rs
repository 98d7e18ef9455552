//! Going through a database's keys: the same scan as a listing over HTTP, a piece at a time.
//!
//! A cursor is the upper half of a token: where the next piece begins. No two keys of one token half
//! are ever in different pieces, so a key that is there from the first `SCAN` to the last is
//! returned, and once.

use bytes::Bytes;
use stator_core::quorum::QuorumOptions;
use stator_core::request::{ListEntry, ListPosition};
use stator_core::ring::Ring;
use stator_core::time::WallTime;
use stator_core::token::{Partition, Token};

use super::super::batch::UnderWay;
use super::super::call::{Call, database};
use super::super::failure::Failure;
use super::super::reply::Reply;
use super::super::request::integer;
use super::glob;
use crate::backend::DEFAULT_TIMEOUT;
use crate::clock;
use crate::scan::{Scan, Scanned};

/// Keys looked at by a `SCAN` that does not say, as in Redis.
const COUNT: u32 = 10;
/// The most keys that one `SCAN` looks at.
const MOST_COUNT: u32 = 10_000;
/// Keys asked of a partition at a time.
const PAGE: u32 = 256;
/// Partitions that one `SCAN` looks at before it answers with what it has.
const PARTITIONS: usize = 64;
/// Partitions that an estimate looks at, spread over the ring.
const SAMPLED: u32 = 256;

/// What a `SCAN` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Options {
    from: u64,
    pattern: Option<Bytes>,
    count: u32,
    /// Whether there can be keys of the kind that is asked for.
    is_of_strings: bool,
}

impl Options {
    fn parse(arguments: &[Bytes]) -> Result<Self, Failure> {
        let cursor = arguments.get(1).and_then(|text| std::str::from_utf8(text).ok());
        let cursor = cursor.and_then(|text| text.parse().ok());
        let mut options = Self {
            from: cursor.ok_or_else(|| Failure::err("invalid cursor"))?,
            pattern: None,
            count: COUNT,
            is_of_strings: true,
        };
        let mut rest = arguments.get(2..).unwrap_or_default();
        while let [word, given, after @ ..] = rest {
            if word.eq_ignore_ascii_case(b"MATCH") {
                options.pattern = Some(given.clone());
            } else if word.eq_ignore_ascii_case(b"COUNT") {
                let count = integer(given).ok_or_else(Failure::not_an_integer)?;
                let count = u64::try_from(count).ok().filter(|&count| count > 0);
                let count = count.ok_or_else(Failure::syntax)?;
                options.count = count.min(u64::from(MOST_COUNT)) as u32;
            } else if word.eq_ignore_ascii_case(b"TYPE") {
                options.is_of_strings = given.eq_ignore_ascii_case(b"string");
            } else {
                return Err(Failure::syntax());
            }
            rest = after;
        }
        if rest.is_empty() { Ok(options) } else { Err(Failure::syntax()) }
    }

    fn wants(&self, entry: &ListEntry, at: WallTime) -> bool {
        let is_live = entry.outline.siblings().iter().any(|sibling| sibling.live(at).is_some());
        let name = entry.key.key().as_bytes();
        is_live && self.pattern.as_ref().is_none_or(|pattern| glob::matches(pattern, name))
    }
}

/// The upper half of a token.
fn upper(token: Token) -> u64 {
    let [half, _] = halves(token);
    half
}

fn halves(token: Token) -> [u64; 2] {
    let bytes = token.to_be_bytes();
    let half =
        |at: usize| bytes[at..at + 8].iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
    [half(0), half(8)]
}

/// The first token with this upper half, and the position before all keys that have it.
fn beginning(upper: u64) -> (Token, ListPosition) {
    let token = Token::new(u128::from(upper) << 64);
    (token, ListPosition(Bytes::copy_from_slice(&token.to_be_bytes())))
}

fn not_member() -> Failure {
    Failure::refused("the node knows no ring yet: stage its join and commit it, or ask another")
}

fn scanned(call: &Call) -> Result<Scanned, Failure> {
    let quorum = QuorumOptions::default();
    Ok(Scanned { bucket: database(call.database)?, quorum, timeout: DEFAULT_TIMEOUT })
}

/// `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]`.
pub(crate) fn scan(call: Call) -> UnderWay {
    Box::pin(async move {
        let options = Options::parse(&call.arguments)?;
        let view = call.front.backend.view();
        let ring = view.ring.as_ref().ok_or_else(not_member)?;
        if !options.is_of_strings {
            return Ok(Reply::Array(vec![Reply::text("0"), Reply::Array(Vec::new())]));
        }
        let from = (options.from > 0).then(|| beginning(options.from));
        let scan = Scan::new(ring, scanned(&call)?, from);
        let Piece { keys, next } = piece(&call, ring, scan, &options).await?;
        let keys = keys.into_iter().map(Reply::Bulk).collect();
        Ok(Reply::Array(vec![Reply::text(next.to_string()), Reply::Array(keys)]))
    })
}

/// What one `SCAN` found, and the cursor of the next; 0 if there is nothing more.
struct Piece {
    keys: Vec<Bytes>,
    next: u64,
}

async fn piece(
    call: &Call,
    ring: &Ring,
    mut scan: Scan,
    options: &Options,
) -> Result<Piece, Failure> {
    let at = clock::now();
    let mut piece = Piece { keys: Vec::new(), next: 0 };
    let (mut looked_at, mut partitions, mut last) = (0, 0, None);
    while !scan.is_done() {
        // Between two partitions no token half is split, since there are not so many partitions.
        let partition = scan.partition();
        if partitions >= PARTITIONS {
            piece.next = upper(ring.partitions.range_of(partition).0);
            return Ok(piece);
        }
        // One more than is wanted, to know where the next piece begins.
        let limit = (options.count + 1).saturating_sub(looked_at).clamp(2, PAGE);
        for entry in call.page(&mut scan, limit).await?.entries {
            let half = upper(entry.key.token());
            if looked_at >= options.count && last != Some(half) {
                piece.next = half;
                return Ok(piece);
            }
            if options.wants(&entry, at) {
                piece.keys.push(entry.key.key().as_bytes().clone());
            }
            (looked_at, last) = (looked_at + 1, Some(half));
        }
        partitions += usize::from(scan.is_done() || scan.partition() != partition);
    }
    Ok(piece)
}

/// `DBSIZE`: what the first keys of some partitions, spread over the ring, say of all. Exact where
/// they hold few.
pub(crate) fn dbsize(call: Call) -> UnderWay {
    Box::pin(async move {
        let view = call.front.backend.view();
        let ring = view.ring.as_ref().ok_or_else(not_member)?;
        let partitions = ring.partitions.get();
        let sampled = partitions.min(SAMPLED);
        let mut estimated = 0.0;
        for sample in 0..sampled {
            let number = u64::from(sample) * u64::from(partitions) / u64::from(sampled);
            estimated += keys_in(&call, ring, Partition::new(number as u32)).await?;
        }
        let all = estimated * f64::from(partitions) / f64::from(sampled);
        Ok(Reply::Integer(all.round() as i64))
    })
}

/// How many keys a partition has, going by its first page.
async fn keys_in(call: &Call, ring: &Ring, partition: Partition) -> Result<f64, Failure> {
    let (first, end) = ring.partitions.range_of(partition);
    let mut scan = Scan::new(ring, scanned(call)?, Some(beginning(upper(first))));
    let page = call.page(&mut scan, PAGE).await?;
    let at = clock::now();
    let is_live = |entry: &&ListEntry| {
        entry.outline.siblings().iter().any(|sibling| sibling.live(at).is_some())
    };
    let live = page.entries.iter().filter(is_live).count() as f64;
    let Some(last) = page.next.and(page.entries.last()) else { return Ok(live) };
    let (begin, reached, end) = (upper(first), upper(last.key.token()), upper(end));
    let looked_at = reached.saturating_sub(begin).saturating_add(1) as f64;
    let whole = end.saturating_sub(begin).saturating_add(1) as f64;
    Ok(live * whole / looked_at)
}

#[cfg(test)]
mod tests;
