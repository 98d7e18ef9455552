//! Listing a bucket's keys: NDJSON read line by line as it comes, page after page.
//!
//! A listing is a scan in token order. It goes on behind the last key's cursor, so a long one
//! holds nothing open for long and can be taken up again.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use crate::error::ClientError;
use crate::path::{Query, listing_path};
use crate::problem::Problem;
use crate::transport::{Call, Client, Effect};

/// Keys asked for at a time.
const PAGE: u32 = 1000;
/// A line longer than this is not one of a listing: a key has at most 64 KiB.
const LINE_MAX: usize = 512 * 1024;

/// Which keys to list.
#[derive(Clone, Debug, Default)]
pub struct KeysQuery {
    /// At most so many; all if absent.
    pub limit: Option<u64>,
    /// Go on behind this cursor.
    pub after: Option<String>,
    /// `live`, `tombstone`, `conflict`, separated by commas; the server's default if absent.
    pub include: Option<String>,
}

/// One key of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEntry {
    /// Its bytes.
    pub key: Bytes,
    /// `live`, `tombstone` or `conflict`.
    pub state: String,
    /// Where to go on behind it.
    pub cursor: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Key { key: String, state: String, cursor: String },
    Problem { detail: String },
}

/// Keys as they come.
#[derive(Debug)]
pub struct KeyStream {
    client: Client,
    bucket: Bytes,
    query: KeysQuery,
    page: Option<Page>,
    ready: VecDeque<KeyEntry>,
}

#[derive(Debug)]
struct Page {
    body: Incoming,
    unread: BytesMut,
    asked: u64,
    seen: u64,
}

impl Client {
    /// Lists a bucket's keys. Nothing is sent before the first [`KeyStream::next`].
    pub fn keys(&self, bucket: &[u8], query: KeysQuery) -> KeyStream {
        KeyStream {
            client: self.clone(),
            bucket: Bytes::copy_from_slice(bucket),
            query,
            page: None,
            ready: VecDeque::new(),
        }
    }
}

impl KeyStream {
    /// The next key; none at the end.
    pub async fn next(&mut self) -> Result<Option<KeyEntry>, ClientError> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                self.query.after = Some(entry.cursor.clone());
                if let Some(limit) = &mut self.query.limit {
                    *limit -= 1;
                }
                return Ok(Some(entry));
            }
            if self.query.limit == Some(0) {
                return Ok(None);
            }
            let Some(page) = &mut self.page else {
                self.open().await?;
                continue;
            };
            let full = page.seen >= page.asked;
            if self.read().await? {
                continue;
            }
            self.page = None;
            if !full {
                return Ok(None);
            }
        }
    }

    async fn open(&mut self) -> Result<(), ClientError> {
        let asked = self.query.limit.map_or(u64::from(PAGE), |limit| limit.min(PAGE.into()));
        let path = Query::default()
            .with("limit", Some(asked.to_string()))
            .with("after", self.query.after.clone())
            .with("include", self.query.include.clone())
            .after(&listing_path(&self.bucket));
        let (head, body) = self.client.send(Call::get(path)).await?.into_parts();
        if head.status.is_success() {
            self.page = Some(Page { body, unread: BytesMut::new(), asked, seen: 0 });
            return Ok(());
        }
        let text = body
            .collect()
            .await
            .map_err(|error| self.client.broken(&error, Effect::Read))?
            .to_bytes();
        let problem = Problem::read(head.status, &head.headers, &text, Effect::Read);
        Err(ClientError::Problem(Box::new(problem)))
    }

    /// Reads one piece of the page; false at its end.
    async fn read(&mut self) -> Result<bool, ClientError> {
        let Some(page) = &mut self.page else { return Ok(false) };
        let Some(frame) = page.body.frame().await else {
            if page.unread.is_empty() {
                return Ok(false);
            }
            return Err(self.client.not_understood("a listing ends in half a line", Effect::Read));
        };
        let frame = frame.map_err(|error| self.client.broken(&error, Effect::Read))?;
        let Ok(data) = frame.into_data() else { return Ok(true) };
        page.unread.extend_from_slice(&data);
        while let Some(end) = page.unread.iter().position(|&byte| byte == b'\n') {
            let line = page.unread.split_to(end);
            page.unread.advance(1);
            if line.is_empty() {
                continue;
            }
            let entry =
                entry(&line).map_err(|detail| self.client.not_understood(&detail, Effect::Read))?;
            page.seen += 1;
            self.ready.push_back(entry);
        }
        if page.unread.len() > LINE_MAX {
            let detail = "a line of a listing is longer than any key";
            return Err(self.client.not_understood(detail, Effect::Read));
        }
        Ok(true)
    }
}

fn entry(line: &[u8]) -> Result<KeyEntry, String> {
    let line =
        serde_json::from_slice(line).map_err(|error| format!("a line of a listing: {error}"))?;
    match line {
        Line::Key { key, state, cursor } => {
            Ok(KeyEntry { key: percent_decode_str(&key).collect(), state, cursor })
        }
        Line::Problem { detail } => Err(format!("the listing was cut short: {detail}")),
    }
}

#[cfg(test)]
mod tests;
