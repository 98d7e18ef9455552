//! Learning the ring: from any node that is known; at the start, and when none of those answers, from
//! the addresses that the client was given and those that an HTTP endpoint names.
//!
//! What HTTP says is only where to look: a node that is found so must have the cluster's client key,
//! or no connection is made.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use stator_core::ring::RingVersion;
use stator_wire::client::{Answer, Ask};
use tokio::sync::Mutex as AsyncMutex;

use super::chart::Chart;
use super::link::{DialError, Link, dial, shown};
use super::lock;
use super::pool::Pool;
use crate::error::{ClientError, Outcome};
use crate::transport::Client;

/// How long asking one node for the ring may take.
const ASK: Duration = Duration::from_secs(1);
/// How long a client that found nobody waits before it looks again.
const LOOKS_AGAIN: Duration = Duration::from_millis(500);
/// A chart is drawn anew at most so often, whatever happens.
const EVERY: Duration = Duration::from_millis(200);

/// The chart, and how it is kept up to date.
#[derive(Debug)]
pub(crate) struct Learning {
    chart: RwLock<Arc<Chart>>,
    /// Native addresses to begin with.
    seeds: Vec<String>,
    /// HTTP endpoints to begin with.
    endpoints: Vec<Client>,
    state: Mutex<State>,
    /// Held by the one that learns.
    turn: AsyncMutex<()>,
}

#[derive(Debug, Default)]
struct State {
    tried: Option<Instant>,
    failed: Option<(Instant, ClientError)>,
}

impl Learning {
    /// Nothing is known yet.
    pub(crate) fn new(seeds: Vec<String>, endpoints: Vec<Client>) -> Self {
        let (chart, state) = (RwLock::default(), Mutex::default());
        Self { chart, seeds, endpoints, state, turn: AsyncMutex::default() }
    }

    /// The chart as it is now.
    pub(crate) fn chart(&self) -> Arc<Chart> {
        Arc::clone(&self.chart.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A chart that shows somebody, learned now if there is none yet.
    pub(crate) async fn known(&self, pool: &Pool) -> Result<Arc<Chart>, ClientError> {
        let chart = self.chart();
        if chart.nodes().next().is_some() {
            return Ok(chart);
        }
        let _turn = self.turn.lock().await;
        let chart = self.chart();
        if chart.nodes().next().is_some() {
            return Ok(chart);
        }
        let failed = lock(&self.state).failed.clone();
        if let Some((at, error)) = failed
            && at.elapsed() < LOOKS_AGAIN
        {
            return Err(error);
        }
        let learned = self.begin(pool).await;
        lock(&self.state).failed =
            learned.as_ref().err().map(|error| (Instant::now(), error.clone()));
        learned
    }

    /// Learns the ring again if this version is newer than the chart's, or if nobody answers where
    /// the chart says (`newer` is none). Done by one at a time, and not all the time.
    pub(crate) async fn refresh(&self, pool: &Pool, newer: Option<RingVersion>) {
        let Ok(_turn) = self.turn.try_lock() else { return };
        if newer.is_some_and(|newer| newer <= self.chart().version()) {
            return;
        }
        {
            let mut state = lock(&self.state);
            if state.tried.is_some_and(|at| at.elapsed() < EVERY) {
                return;
            }
            state.tried = Some(Instant::now());
        }
        if !self.ask_known(pool).await && newer.is_none() {
            // What is known is better than nothing if nobody answers.
            let _ = self.begin(pool).await;
        }
    }

    /// From nodes that the chart shows; whether one of them answered.
    async fn ask_known(&self, pool: &Pool) -> bool {
        let chart = self.chart();
        for (node, addresses) in chart.nodes() {
            let Ok(link) = pool.link(node, &addresses.native, ASK).await else { continue };
            if let Some(chart) = ask(&link).await {
                self.draw(chart, pool);
                return true;
            }
        }
        false
    }

    /// From seeds, and from what endpoints name; all are asked at a time, so that one that hangs
    /// holds nobody up. That a node refuses this client is told before that others can't be reached.
    async fn begin(&self, pool: &Pool) -> Result<Arc<Chart>, ClientError> {
        let mut failed = None;
        if let Some(chart) = self.ask_all(self.seeds.clone(), pool, &mut failed).await {
            return Ok(chart);
        }
        let mut documents: FuturesUnordered<_> = self.endpoints.iter().map(members).collect();
        while let Some(document) = documents.next().await {
            let addresses = match document {
                Ok(addresses) => addresses,
                Err(error) => {
                    note(&mut failed, error);
                    continue;
                }
            };
            if let Some(chart) = self.ask_all(addresses, pool, &mut failed).await {
                return Ok(chart);
            }
        }
        Err(failed.unwrap_or_else(|| ClientError::Unreachable {
            endpoint: "any node".to_owned(),
            cause: "no address of a node is known".to_owned(),
        }))
    }

    /// From whoever answers first at these addresses.
    async fn ask_all(
        &self,
        addresses: Vec<String>,
        pool: &Pool,
        failed: &mut Option<ClientError>,
    ) -> Option<Arc<Chart>> {
        let mut asked: FuturesUnordered<_> =
            addresses.iter().map(|address| self.ask_at(address, pool)).collect();
        while let Some(answer) = asked.next().await {
            match answer {
                Ok(Some(chart)) => return Some(chart),
                Ok(None) => {}
                Err(error) => note(failed, error),
            }
        }
        None
    }

    /// From whoever is at an address; none if that node knows nobody.
    async fn ask_at(&self, address: &str, pool: &Pool) -> Result<Option<Arc<Chart>>, ClientError> {
        let (link, welcome) =
            dial(address, None, pool.key(), ASK).await.map_err(|error| no_link(address, error))?;
        let Some(chart) = ask(&link).await else { return Ok(None) };
        pool.adopt(welcome.node, link);
        let shows_somebody = chart.nodes().next().is_some();
        Ok(shows_somebody.then(|| self.draw(chart, pool)))
    }

    /// Puts a chart in the place of an older one.
    fn draw(&self, chart: Chart, pool: &Pool) -> Arc<Chart> {
        let chart = Arc::new(chart);
        let mut current = self.chart.write().unwrap_or_else(PoisonError::into_inner);
        if chart.version() >= current.version() {
            pool.keep(|node| chart.address(node).is_some());
            *current = chart;
        }
        Arc::clone(&current)
    }
}

/// The native addresses of a cluster's members, as an endpoint names them.
async fn members(endpoint: &Client) -> Result<Vec<String>, ClientError> {
    let outcome = Outcome::Refused;
    let cluster = tokio::time::timeout(ASK, endpoint.cluster()).await.unwrap_or_else(|_| {
        let endpoint = endpoint.endpoint().to_string();
        Err(ClientError::TimedOut { endpoint, waited: ASK, outcome })
    })?;
    let addresses = cluster.members.into_iter().map(|member| member.address);
    Ok(addresses.filter(|address| !address.is_empty()).collect())
}

async fn ask(link: &Link) -> Option<Chart> {
    let answer = link.call(Ask::Ring, Instant::now() + ASK, Duration::ZERO).await.ok()?;
    match answer.outcome {
        Ok(Answer::Ring(picture)) => Some(Chart::from(*picture)),
        _ => None,
    }
}

fn note(failed: &mut Option<ClientError>, error: ClientError) {
    if !matches!(failed, Some(ClientError::KeyRefused { .. })) {
        *failed = Some(error);
    }
}

/// Why no connection was made, in this crate's words.
pub(crate) fn no_link(address: &str, error: DialError) -> ClientError {
    let (endpoint, cause) = (shown(address), error.to_string());
    match error {
        DialError::Refused(_) => ClientError::KeyRefused { endpoint, cause },
        DialError::Unreachable(_) | DialError::Another { .. } => {
            ClientError::Unreachable { endpoint, cause }
        }
    }
}
