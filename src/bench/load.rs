//! A measured load: fill, warm up, measure, and look at the servers before and after.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use futures_util::future::{join_all, try_join_all};

use crate::bench::client::{ClientThread, Running, Share};
use crate::bench::door::Objects;
use crate::bench::keys::Keys;
use crate::bench::ledger::Ledger;
use crate::bench::pace::{Arrivals, Pace, Window};
use crate::bench::plan::{Doors, LoadPlan};
use crate::bench::servers::{Servers, Used};
use crate::bench::tally::Tally;
use crate::bench::worker::{Values, Work};
use crate::cli::Mix;
use crate::failure::Failure;

/// Longer than any load takes that ends by itself.
const NO_END: Duration = Duration::from_hours(24 * 365);
/// Under which an operation is counted that was never sent.
const NOT_SENT: &str = "due, and not sent before the end: the rate was not kept up with";

/// What came out.
pub(crate) struct Measured {
    /// Latencies and errors of the measured part.
    pub(crate) tally: Tally,
    /// How long the measured part was.
    pub(crate) elapsed: Duration,
    /// What the servers used in it.
    pub(crate) used: Used,
}

impl Measured {
    /// Microseconds of the servers' processors per operation, if any were named.
    pub(crate) fn cpu_per_operation(&self) -> Option<f64> {
        let used = self.used.processes.as_ref()?;
        Some(used.cpu_micros() as f64 / self.tally.operations().max(1) as f64)
    }
}

/// Sends the load and measures it, and what the servers used.
pub(crate) async fn measure(plan: LoadPlan, servers: &Servers) -> Result<Measured, Failure> {
    servers.look().await?;
    let plan = Arc::new(plan);
    let share = share(&plan);
    let threads = (0..plan.threads.get()).map(|number| ClientThread::start(share.clone(), number));
    let mut threads: Vec<ClientThread> = threads.collect::<Result<_, _>>()?;
    fill(&mut threads).await?;

    let pace = Arc::new(pace(&plan));
    let window = pace.window();
    let running: Vec<Running> =
        threads.into_iter().map(|thread| thread.begin(pace.clone())).collect();
    tokio::time::sleep_until(window.from.into()).await;
    let before = servers.look().await?;
    let ending = try_join_all(running.into_iter().map(Running::tally));
    let (tallies, after, elapsed) = if plan.mix == Mix::Load {
        let tallies = ending.await?;
        let elapsed = window.from.elapsed();
        (tallies, servers.look().await?, elapsed)
    } else {
        tokio::time::sleep_until(window.to.into()).await;
        let after = servers.look().await?;
        (ending.await?, after, plan.duration)
    };

    let mut tally = Tally::default();
    for measured in &tallies {
        tally.absorb(measured);
    }
    let sent = tally.operations() + tally.failures();
    if let Some(unsent) = pace.expected().map(|expected| expected.saturating_sub(sent))
        && unsent > 0
    {
        tally.errors.insert(NOT_SENT.into(), unsent);
    }
    Ok(Measured { tally, elapsed, used: after.since(&before) })
}

fn share(plan: &Arc<LoadPlan>) -> Share {
    let has_contexts = matches!(plan.doors, Doors::Http(_) | Doors::Native(..));
    let keeps = has_contexts && plan.mix != Mix::Load && plan.mix.writes();
    let objects = Objects {
        bucket: plan.bucket.as_str().into(),
        prefix: plan.prefix.as_str().into(),
        ledger: keeps.then(|| Arc::new(Ledger::new(plan.keys.get()))),
    };
    let work = Work {
        mix: plan.mix,
        keys: Keys::new(plan.keys, plan.distribution, plan.zipf_exponent),
        values: Values::new(plan.value_size),
        pipeline: plan.pipeline.get(),
        slot: plan.slot,
    };
    Share { plan: plan.clone(), work: Arc::new(work), objects }
}

/// Waits until all threads have stored what was missing.
async fn fill(threads: &mut [ClientThread]) -> Result<(), Failure> {
    let waiting = threads.iter_mut().map(|thread| &mut thread.missing);
    let missing = join_all(waiting).await;
    let missing: usize = missing.into_iter().map(Result::unwrap_or_default).sum();
    if missing == 0 {
        return Ok(());
    }
    Err(Failure::new(format!("{missing} keys could not be stored before reading them"))
        .try_next("see whether the cluster is up with `stator cluster status`"))
}

fn pace(plan: &LoadPlan) -> Pace {
    let start = Instant::now();
    if plan.mix == Mix::Load {
        let window = Window { from: start, to: start + NO_END };
        return Pace::Once { window, left: AtomicU64::new(plan.keys.get().into()) };
    }
    let from = start + plan.warm_up;
    let window = Window { from, to: from + plan.duration };
    match plan.rate {
        Some(rate) => Pace::Open(window, Arrivals::new(start, rate)),
        None => Pace::Closed(window),
    }
}
