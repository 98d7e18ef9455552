//! `GET /metrics`: the node's figures for Prometheus.
//!
//! The rule: nothing is counted here. Everything is read when it is asked for, from what the node
//! counts anyway, so that a scrape costs what it reads and a request pays nothing for being watched.
//! Labels are bounded: by words of the program, by members of the ring, by shards; never by keys,
//! buckets or clients. Every metric is listed in docs/metrics.md, which a test holds to what is
//! served.
//!
//! ```text
//! reading    everything that a page is made of, taken at one moment
//! page       the three kinds of metric, written by prometheus-client
//! requests, replicas, staleness, cluster, store, process   which metrics there are
//! ```

mod cluster;
mod page;
mod process;
mod reading;
mod replicas;
mod requests;
mod staleness;
mod store;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue, Method};
use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::registry::Registry;

use self::reading::Reading;
use super::front::Shared;
use super::problem::{Answer, Intent, Problem};

/// A way to write a page down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// What every version of Prometheus reads.
    Prometheus,
    /// The standard that came of it, for those who ask for it.
    OpenMetrics,
}

impl Format {
    fn asked_for(headers: &HeaderMap) -> Self {
        let accepts = |value: &HeaderValue| {
            value.to_str().is_ok_and(|text| text.contains("application/openmetrics-text"))
        };
        if headers.get_all(ACCEPT).iter().any(accepts) {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    fn write(self, reading: Reading) -> Result<String, std::fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(reading));
        let mut page = String::new();
        match self {
            Self::Prometheus => prometheus_text::encode(&mut page, &registry)?,
            Self::OpenMetrics => text::encode(&mut page, &registry)?,
        }
        Ok(page)
    }
}

/// `GET /metrics`.
pub(super) async fn answer(front: Shared, request: Request) -> Answer {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Problem::method_not_allowed(request.method(), "GET, HEAD"));
    }
    let format = Format::asked_for(request.headers());
    let reading = Reading::take(&front).await;
    let page = format.write(reading).map_err(|_| Problem::mismatched(Intent::Read))?;
    let mut response = Response::new(Body::from(page));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    Ok(response)
}
