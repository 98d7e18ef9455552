//! One request: which nodes are asked, when another one is, and what its end means.
//!
//! ```text
//! nodes in order   first ── answer ──────────────> done
//!                    │ never sent, or refused and safe: the next one, at once
//!                    │ a read that is slow:           the next one as well (a hedge)
//!                    │ a write that was sent and is not answered: indeterminate, nobody is asked
//!                    └ all asked: a pause, and from the start, until the deadline
//! ```

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use stator_core::identity::NodeId;
use stator_wire::client::{Answer, Ask, NodeAnswer};

use super::failure::{Again, told};
use super::latency::Latencies;
use super::learning::no_link;
use super::link::{NoAnswer, shown};
use crate::error::ClientError;
use crate::ring::Inner;
use crate::transport::Effect;

/// How long past its deadline a node's own last word is waited for.
const GRACE: Duration = Duration::from_secs(1);
/// The first pause before all nodes are asked again; each later one is four times as long.
const PAUSE: Duration = Duration::from_millis(10);
/// How often all nodes are asked.
const ROUNDS: u32 = 4;

/// A request, ready to be sent to any node.
pub(crate) struct Request<'a> {
    pub(crate) ask: Ask,
    pub(crate) effect: Effect,
    pub(crate) nodes: Vec<NodeId>,
    pub(crate) until: Instant,
    pub(crate) inner: &'a Inner,
}

/// What came of a request, and who did it.
pub(crate) struct Done {
    pub(crate) answer: Answer,
    pub(crate) by: NodeId,
}

/// Why it was not done.
pub(crate) struct Failed {
    pub(crate) error: ClientError,
    /// Whether no node could be reached at all: another way may be tried.
    pub(crate) nobody: bool,
}

/// What one attempt came to.
enum Attempt {
    Answered(NodeId, NodeAnswer),
    /// It was never sent.
    NotSent(ClientError),
    /// It was sent, and nobody knows.
    Unknown(ClientError),
}

impl Request<'_> {
    /// Sends it until it is done, can't be done, or nobody knows.
    pub(crate) async fn run(self) -> Result<Done, Failed> {
        let mut failed = Failed {
            error: ClientError::Unreachable {
                endpoint: "any node".to_owned(),
                cause: "no node of the cluster is known".to_owned(),
            },
            nobody: true,
        };
        for round in 0..ROUNDS {
            let (next, again) = match self.round(failed.nobody).await {
                Ok(done) => return Ok(done),
                Err(failed) => failed,
            };
            failed = next;
            let pause = PAUSE * 4_u32.pow(round);
            if again != Again::Anywhere || Instant::now() + pause >= self.until {
                break;
            }
            self.inner.refresh(None);
            tokio::time::sleep(pause).await;
        }
        Err(failed)
    }

    /// Asks one node after the other, and for a slow read one beside the other.
    async fn round(&self, nobody_so_far: bool) -> Result<Done, (Failed, Again)> {
        let begun = Instant::now();
        let mut left = self.nodes.iter().copied();
        let mut running = FuturesUnordered::new();
        let mut nobody = nobody_so_far;
        let mut last: Option<(ClientError, Again)> = None;
        let mut others = u32::MAX;
        let mut may_hedge = self.effect == Effect::Read;
        let slow = if may_hedge { self.latencies().slow() } else { Duration::ZERO };
        let mut hedge_at = std::pin::pin!(tokio::time::sleep(slow));
        running.extend(left.next().map(|node| self.attempt(node)));
        loop {
            let attempt = tokio::select! {
                biased;
                Some(attempt) = running.next() => attempt,
                () = &mut hedge_at, if may_hedge && !running.is_empty() => {
                    may_hedge = false;
                    if self.latencies().may_hedge() {
                        running.extend(left.next().map(|node| self.attempt(node)));
                    }
                    continue;
                }
                else => break,
            };
            let (error, again) = match attempt {
                Attempt::Answered(by, NodeAnswer { ring, outcome, .. }) => {
                    nobody = false;
                    self.inner.saw(ring);
                    match outcome {
                        Ok(answer) => {
                            if self.effect == Effect::Read {
                                self.latencies().read_took(begun.elapsed());
                            }
                            return Ok(Done { answer, by });
                        }
                        Err(error) => (told(&error, self.effect), Again::of(&error, self.effect)),
                    }
                }
                Attempt::NotSent(error) => {
                    // Who refuses the client key is there: HTTP would only hide it.
                    nobody &= !matches!(error, ClientError::KeyRefused { .. });
                    (error, Again::Anywhere)
                }
                Attempt::Unknown(error) => {
                    nobody = false;
                    let again = match self.effect {
                        Effect::Read => Again::Anywhere,
                        Effect::Write => Again::Never,
                    };
                    (error, again)
                }
            };
            match again {
                Again::Never => return Err((Failed { error, nobody }, again)),
                Again::Once => others = others.min(1),
                Again::Anywhere => {}
            }
            last = Some(worse(last, (error, again)));
            if running.is_empty() && others > 0 && Instant::now() < self.until {
                others = others.saturating_sub(1);
                running.extend(left.next().map(|node| self.attempt(node)));
            }
        }
        let (error, again) = last.unwrap_or_else(|| {
            let endpoint = "any node".to_owned();
            let cause = "no node of the cluster is known".to_owned();
            (ClientError::Unreachable { endpoint, cause }, Again::Never)
        });
        Err((Failed { error, nobody }, again))
    }

    fn latencies(&self) -> &Latencies {
        self.inner.latencies(self.effect)
    }

    async fn attempt(&self, node: NodeId) -> Attempt {
        let chart = self.inner.chart();
        let Some(address) = chart.address(node) else {
            let (endpoint, cause) = (node.to_string(), "the node has left".to_owned());
            return Attempt::NotSent(ClientError::Unreachable { endpoint, cause });
        };
        let under_way = self.latencies().begin(node);
        let left = self.until.saturating_duration_since(Instant::now());
        let link = match self.inner.pool().link(node, address, left).await {
            Ok(link) => link,
            Err(error) => {
                under_way.was_not_sent();
                self.inner.refresh(None);
                return Attempt::NotSent(no_link(address, error));
            }
        };
        let endpoint = shown(address);
        let outcome = self.effect.doubt();
        match link.call(self.ask.clone(), self.until, GRACE).await {
            Ok(answer) => {
                under_way.was_answered();
                Attempt::Answered(node, answer)
            }
            Err(NoAnswer::NotSent(cause)) => {
                under_way.was_not_sent();
                Attempt::NotSent(ClientError::Unreachable { endpoint, cause })
            }
            Err(NoAnswer::Broken(cause)) => {
                under_way.was_not_sent();
                self.inner.refresh(None);
                Attempt::Unknown(ClientError::Broken { endpoint, cause, outcome })
            }
            Err(NoAnswer::TimedOut) => {
                drop(under_way);
                let waited = left + GRACE;
                Attempt::Unknown(ClientError::TimedOut { endpoint, waited, outcome })
            }
        }
    }
}

/// Of two errors of one round, the one to be told: a node's word before that another could not be
/// reached.
fn worse(last: Option<(ClientError, Again)>, next: (ClientError, Again)) -> (ClientError, Again) {
    match last {
        Some(last) if matches!(next.0, ClientError::Unreachable { .. }) => last,
        _ => next,
    }
}
