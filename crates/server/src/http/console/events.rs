//! Pages kept up to date: server-sent events that carry the blocks of a page which have changed.
//!
//! A page is made anew every second for as long as somebody reads the stream, by the same code that
//! makes it when it is opened: what is seen live is never another thing than what is loaded.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures_util::stream::{Stream, unfold};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use super::super::front::Shared;
use super::super::problem::{Answer, Problem, kind};
use super::layout;
use super::page::Page;

/// How often a page is made anew.
const EVERY: Duration = Duration::from_secs(1);
/// A stream in which nothing has changed says so after so many rounds, so that one that nobody
/// reads any more is noticed.
const QUIET_ROUNDS: u32 = 10;
/// How long a stream lasts. Browsers come again by themselves.
const LASTS: Duration = Duration::from_mins(30);

/// `GET /console/events/…`: the stream of a page.
pub(super) fn answer(front: Shared, page: Page) -> Answer {
    let Some(permit) = front.console.stream() else {
        let detail = "as many pages are kept up to date as may be: reload this one by hand";
        return Err(Problem::new(kind::OVERLOADED, detail));
    };
    let watch = Watch {
        front,
        page,
        shown: BTreeMap::new(),
        ticks: ticks(),
        quiet: 0,
        ends: Instant::now() + LASTS,
        _permit: permit,
    };
    let mut response = Response::new(Body::from_stream(watch.stream()));
    let headers = response.headers_mut();
    layout::guard(headers);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn ticks() -> Interval {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// One page that somebody watches.
struct Watch {
    front: Shared,
    page: Page,
    /// The blocks as they were last sent.
    shown: BTreeMap<&'static str, String>,
    ticks: Interval,
    quiet: u32,
    ends: Instant,
    _permit: OwnedSemaphorePermit,
}

/// A block, as it is sent.
#[derive(Serialize)]
struct Part<'a> {
    id: &'a str,
    html: &'a str,
}

impl Watch {
    fn stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        unfold(self, async |mut watch| {
            let next = watch.next().await?;
            Some((Ok(next), watch))
        })
    }

    /// The next piece; none once the stream is over.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if Instant::now() > self.ends {
                return None;
            }
            tokio::select! {
                biased;
                () = self.front.console.closed() => return None,
                _ = self.ticks.tick() => {}
            }
            let text = self.round().await;
            if !text.is_empty() {
                self.quiet = 0;
                return Some(text.into());
            }
            self.quiet += 1;
            if self.quiet == QUIET_ROUNDS {
                self.quiet = 0;
                return Some(Bytes::from_static(b":\n\n"));
            }
        }
    }

    /// The page made anew: the blocks that differ from what was sent. One that can't be made now is
    /// left as it was shown.
    async fn round(&mut self) -> String {
        let mut text = String::new();
        let Ok(sheet) = self.page.sheet(&self.front).await else { return text };
        for block in sheet.blocks {
            let (Some(id), html) = (block.live, block.content.into_string()) else { continue };
            if self.shown.get(id) == Some(&html) {
                continue;
            }
            let part = serde_json::to_string(&Part { id, html: &html });
            text.push_str("event: part\ndata: ");
            text.push_str(&part.expect("texts are JSON"));
            text.push_str("\n\n");
            self.shown.insert(id, html);
        }
        text
    }
}
