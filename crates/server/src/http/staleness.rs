//! How stale reads may be of what is written through this node, as it estimates from its own writes
//! ([`stator_core::staleness`]).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use http::{Method, StatusCode};
use serde::Serialize;
use stator_core::random::Random;
use stator_core::staleness::{Delays, Estimate, Laws, Setting, WriteDelays};
use tokio::sync::Mutex;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::front::{Front, Shared};
use super::json;
use super::node::name_of;
use super::path::Target;
use super::problem::{Answer, Problem, kind};
use super::query::Words;

/// The words of a request for an estimate.
pub(super) const WORDS: &[&str] = &["n", "r", "w", "dw", "after_ms"];

/// A draw costs a core the more, the more replicas it is for.
const MOST_REPLICAS: u64 = 32;

/// How long after an acknowledgement, in milliseconds, if the request does not say.
const AFTER_MS: [f64; 5] = [0.0, 1.0, 5.0, 10.0, 50.0];
/// So many times may be asked for at once, none longer than a minute.
const MOST_TIMES: usize = 16;
const LONGEST_MS: f64 = 60_000.0;
/// How long an estimate is good for: it takes some milliseconds of a core, and what it is made of
/// changes slowly.
const GOOD_FOR: Duration = Duration::from_secs(5);

/// How stale reads may be.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Staleness)]
pub(super) struct Document {
    /// The node that tells.
    node: String,
    /// Its id.
    id: String,
    /// Always `node`: of what is written through this node and read through another.
    scope: &'static str,
    /// Puts that it has watched; the newest weigh most.
    pub(super) watched_puts: u32,
    /// Until its own copies were on disk; null before it has watched one.
    own_sync: Option<Spread>,
    /// What those puts met at each replica.
    replicas: Vec<Replica>,
    /// By setting; none before a put was watched to its end.
    pub(super) estimates: Vec<Estimated>,
}

/// What writes to one replica met.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ReplicaDelays)]
struct Replica {
    node: String,
    /// There and back.
    trip: Spread,
    /// From a state's arrival there until it was on disk.
    sync: Spread,
}

/// Some quantiles of a time, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
struct Spread {
    p50_ms: f64,
    p99_ms: f64,
    p999_ms: f64,
}

/// The estimate for one setting.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = StalenessEstimate)]
pub(super) struct Estimated {
    /// Replicas.
    pub(super) n: u8,
    /// Of those, asked by a read.
    pub(super) r: u8,
    /// Of those, waited for by a write.
    pub(super) w: u8,
    /// Of those, with the write on disk.
    dw: u8,
    /// The probability that a read is stale which begins so long after a write was acknowledged.
    pub(super) stale: Vec<Stale>,
    /// So long after its acknowledgement, 99 % of reads see a write.
    seen_by_99_percent_ms: f64,
    /// And 99.9 %.
    pub(super) seen_by_999_per_mille_ms: f64,
}

/// A probability, by time.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(super) struct Stale {
    pub(super) after_ms: f64,
    pub(super) probability: f64,
}

/// What was told last for the usual settings.
pub(super) type Last = Mutex<Option<(Instant, Arc<Document>)>>;

/// `GET /v1/cluster/staleness`.
pub(super) async fn answer(front: Shared, request: Request) -> Answer {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Problem::method_not_allowed(request.method(), "GET, HEAD"));
    }
    let words = Words::parse(Target::of(&request).query, WORDS)?;
    if WORDS.iter().all(|word| words.get(word).is_none()) {
        return Ok(json::response(StatusCode::OK, &*told(&front).await));
    }
    let asked = asked(&front, &words)?;
    // One at a time, whoever asks.
    let _drawing = front.staleness.lock().await;
    Ok(json::response(StatusCode::OK, &document(&front, asked).await))
}

/// What estimates are made for.
struct Asked {
    settings: Vec<Setting>,
    after_ms: Vec<f64>,
}

fn asked(front: &Front, words: &Words) -> Result<Asked, Problem> {
    let n = words.number("n", 1..=MOST_REPLICAS)?.and_then(|n| u8::try_from(n).ok());
    let n = n.unwrap_or_else(|| copies(front));
    let after_ms = words.get("after_ms").map_or_else(|| Ok(AFTER_MS.to_vec()), times)?;
    if ["r", "w", "dw"].iter().all(|word| words.get(word).is_none()) {
        return Ok(Asked { settings: Setting::common(n), after_ms });
    }
    let setting = Setting::of(n, &words.quorum()?)
        .map_err(|impossible| Problem::new(kind::IMPOSSIBLE_QUORUM, impossible.to_string()))?;
    Ok(Asked { settings: vec![setting], after_ms })
}

/// Times in milliseconds, separated by commas.
fn times(text: &str) -> Result<Vec<f64>, Problem> {
    let time = |text: &str| text.parse().ok().filter(|time| (0.0..=LONGEST_MS).contains(time));
    let times: Option<Vec<f64>> = text.split(',').map(time).collect();
    times.filter(|times| times.len() <= MOST_TIMES).ok_or_else(|| {
        let detail = format!(
            "after_ms={text}: write at most {MOST_TIMES} numbers of milliseconds from 0 to \
             {LONGEST_MS}, separated by commas"
        );
        Problem::new(kind::QUERY_INVALID, detail)
    })
}

/// What is told for the usual settings.
pub(super) async fn told(front: &Front) -> Arc<Document> {
    let mut last = front.staleness.lock().await;
    if let Some((at, document)) = last.as_ref()
        && at.elapsed() < GOOD_FOR
    {
        return Arc::clone(document);
    }
    let asked = Asked { settings: Setting::common(copies(front)), after_ms: AFTER_MS.to_vec() };
    let document = Arc::new(document(front, asked).await);
    *last = Some((Instant::now(), Arc::clone(&document)));
    document
}

/// How many replicas a bucket has that says nothing, and the ring has nodes for.
fn copies(front: &Front) -> u8 {
    let view = front.backend.view();
    let Some(ring) = &view.ring else { return 1 };
    u8::try_from(ring.members.len()).map_or(ring.replicas, |members| members.min(ring.replicas))
}

async fn document(front: &Front, asked: Asked) -> Document {
    let (view, seen) = (front.backend.view(), front.backend.inspect().await.whole.writes);
    let members = view.ring.as_ref().map_or(1, |ring| ring.members.len());
    let own_sync = spread(&seen.own_syncs);
    let replicas = seen.replicas.iter().filter_map(|(&node, delays)| {
        let (trip, sync) = (spread(&delays.trips)?, spread(&delays.syncs)?);
        Some(Replica { node: name_of(&view, node), trip, sync })
    });
    Document {
        node: front.backend.name().to_owned(),
        id: front.backend.me().to_string(),
        scope: "node",
        watched_puts: seen.own_syncs.count(),
        own_sync,
        replicas: replicas.collect(),
        estimates: estimates(seen, members, asked).await,
    }
}

/// Drawn where it holds up nobody.
async fn estimates(seen: WriteDelays, members: usize, asked: Asked) -> Vec<Estimated> {
    let drawn = tokio::task::spawn_blocking(move || {
        let Some(laws) = Laws::of(&seen) else { return Vec::new() };
        // The same seed always: figures change only where what they are made of does.
        let mut random = Random::from_seed([0; 32]);
        let each = |setting| {
            let estimate = laws.estimate(setting, members, &mut random);
            estimated(setting, &estimate, &asked.after_ms)
        };
        asked.settings.into_iter().map(each).collect()
    });
    // It does not panic, and is dropped only with the whole door.
    drawn.await.unwrap_or_default()
}

fn estimated(setting: Setting, estimate: &Estimate, after_ms: &[f64]) -> Estimated {
    let stale = |&after_ms: &f64| Stale {
        after_ms,
        probability: estimate.stale(Duration::from_secs_f64(after_ms / 1e3)),
    };
    Estimated {
        n: setting.n(),
        r: setting.r(),
        w: setting.w(),
        dw: setting.dw(),
        stale: after_ms.iter().map(stale).collect(),
        seen_by_99_percent_ms: millis(estimate.seen_by(0.99)),
        seen_by_999_per_mille_ms: millis(estimate.seen_by(0.999)),
    }
}

fn spread(delays: &Delays) -> Option<Spread> {
    let of = |share| delays.quantile(share).map(millis);
    Some(Spread { p50_ms: of(0.5)?, p99_ms: of(0.99)?, p999_ms: of(0.999)? })
}

/// To the microsecond, beyond which nothing is measured.
fn millis(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e3
}
