//! A bucket's keys: a scan of all its partitions in token order, streamed as NDJSON.
//!
//! One line a key: `{"key", "state", "siblings", "token", "cursor"}`. The key is percent-encoded as
//! it would stand in a URL. A listing goes on behind the cursor of any line with `after=`. It holds
//! one page of one partition in memory, however large the bucket is, and waits while its reader is
//! slow. A listing that can't go on ends with a problem document as its last line and with a
//! connection that is cut, so that nobody takes a part for the whole.

mod cursor;
pub(super) mod line;

use std::io;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use stator_core::object::BucketName;
use stator_core::request::ListPage;

use self::line::Include;
use super::front::Shared;
use super::path::Target;
use super::problem::{Answer, Intent, Problem, kind};
use super::query::Words;
use super::{body, json};
use crate::backend::DEFAULT_TIMEOUT;
use crate::clock;
use crate::scan::{Scan, ScanError, Scanned};

/// The words of a listing.
pub(super) const WORDS: &[&str] = &["limit", "after", "include", "r", "pr", "quorum", "timeout"];

/// Keys asked of a partition at a time.
const PAGE: u32 = 256;

/// Says that the answer is a scan of the whole bucket, whose cost grows with it.
const SCAN: HeaderName = HeaderName::from_static("stator-scan");

/// `GET /v1/kv/{bucket}`.
pub(super) async fn answer(front: Shared, bucket: BucketName, target: Target<'_>) -> Answer {
    let words = Words::parse(target.query, WORDS)?;
    let mut listing = Listing::new(front, bucket, &words)?;
    // The first question is asked before the status is sent, so that a node which can't list at all
    // says so in the usual way.
    let first = listing.turn().await?;
    let pending = Pending::More(Box::new(listing), first);
    let body = Body::from_stream(stream::unfold(pending, Pending::next));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(SCAN, HeaderValue::from_static("true"));
    Ok(response)
}

/// A listing that is under way: where it is, and what is wanted of it.
struct Listing {
    front: Shared,
    include: Include,
    /// Lines still wanted; all there are if absent.
    left: Option<u64>,
    scan: Scan,
}

impl Listing {
    fn new(front: Shared, bucket: BucketName, words: &Words) -> Result<Self, Problem> {
        let view = front.backend.view();
        let Some(ring) = &view.ring else {
            let detail = "the node knows no ring yet: stage its join and commit it, or ask another";
            return Err(Problem::new(kind::NOT_MEMBER, detail));
        };
        let after = words.get("after").map(cursor::read).transpose()?;
        let (quorum, timeout) = (words.quorum()?, words.timeout(DEFAULT_TIMEOUT)?);
        Ok(Self {
            include: Include::parse(words.get("include"))?,
            left: words.number("limit", 1..=u64::MAX)?,
            scan: Scan::new(ring, Scanned { bucket, quorum, timeout }, after),
            front,
        })
    }

    fn done(&self) -> bool {
        self.left == Some(0) || self.scan.is_done()
    }

    /// Asks for the next page and moves on behind it; its lines, if any are wanted.
    async fn turn(&mut self) -> Result<Option<Bytes>, Problem> {
        let limit = match (self.left, self.include.everything()) {
            (Some(left), true) => u32::try_from(left).unwrap_or(PAGE).min(PAGE),
            _ => PAGE,
        };
        let page = self.scan.page(&*self.front.backend, limit).await;
        let page = page.map_err(|error| match error {
            ScanError::Request(error) => Problem::of_request(error, Intent::Read),
            ScanError::Mismatched => Problem::mismatched(Intent::Read),
        })?;
        let Some(lines) = self.lines(&page) else { return Ok(None) };
        // They may wait for a slow reader, and keys may be long.
        let part = self.front.memory.take(lines.len()).ok_or_else(body::no_memory)?;
        Ok(Some(part.until_gone(lines)))
    }

    fn lines(&mut self, page: &ListPage) -> Option<Bytes> {
        let at = clock::now();
        let mut lines = Vec::new();
        for entry in &page.entries {
            if self.left == Some(0) {
                break;
            }
            if line::write(entry, self.include, at, &mut lines) {
                self.left = self.left.map(|left| left - 1);
            }
        }
        Some(Bytes::from(lines)).filter(|lines| !lines.is_empty())
    }
}

/// What is still to be sent.
enum Pending {
    /// These lines, if any, then what the listing still finds.
    More(Box<Listing>, Option<Bytes>),
    /// Nothing but the failure, which ends the stream.
    Failed,
}

impl Pending {
    async fn next(self) -> Option<(Result<Bytes, io::Error>, Self)> {
        let Self::More(mut listing, mut ready) = self else {
            // The problem's line must have left before the connection is cut.
            tokio::task::yield_now().await;
            return Some((Err(io::Error::other("the listing could not go on")), self));
        };
        loop {
            if let Some(lines) = ready {
                return Some((Ok(lines), Self::More(listing, None)));
            }
            if listing.done() {
                return None;
            }
            match listing.turn().await {
                Ok(lines) => ready = lines,
                Err(problem) => {
                    let mut line = json::text(&problem.document(Intent::Read));
                    line.push(b'\n');
                    return Some((Ok(line.into()), Self::Failed));
                }
            }
        }
    }
}
