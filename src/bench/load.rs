//! A measured load: fill, warm up, measure, and read the servers' processor time around it.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rand::RngCore;
use stator_client::Endpoint;

use crate::bench::cpu;
use crate::bench::tally::Tally;
use crate::bench::worker::{Window, Worker};
use crate::cli::Mix;
use crate::failure::Failure;

/// What to send, where, and for how long.
pub(crate) struct LoadPlan {
    /// The nodes over which the connections are spread; at least one.
    pub(crate) endpoints: Vec<Endpoint>,
    /// Connections, each with one request at a time.
    pub(crate) conns: NonZeroUsize,
    /// Bytes of a value.
    pub(crate) value_size: usize,
    /// How many different keys.
    pub(crate) keys: NonZeroU32,
    /// How many operations are puts.
    pub(crate) mix: Mix,
    /// Where they are stored.
    pub(crate) bucket: String,
    /// How long before what is measured.
    pub(crate) warm_up: Duration,
    /// How long is measured.
    pub(crate) duration: Duration,
}

impl LoadPlan {
    /// The connections, as keys are counted.
    pub(super) fn workers(&self) -> u32 {
        u32::try_from(self.conns.get()).unwrap_or(u32::MAX)
    }
}

/// What came out.
pub(crate) struct Measured {
    /// Latencies and errors of the measured part.
    pub(crate) tally: Tally,
    /// How long the measured part was.
    pub(crate) elapsed: Duration,
    /// Processor time of the servers in the measured part, if any were named.
    cpu: Option<Duration>,
}

impl Measured {
    /// Microseconds of the servers' processors per operation.
    pub(crate) fn cpu_per_operation(&self) -> Option<f64> {
        Some(self.cpu?.as_secs_f64() * 1e6 / self.tally.operations().max(1) as f64)
    }
}

/// Sends the load and measures it. `pids` are the server processes.
pub(crate) async fn measure(plan: LoadPlan, pids: &[u32]) -> Result<Measured, Failure> {
    cpu::used(pids)?;
    let plan = Arc::new(plan);
    let mut workers: Vec<Worker> = {
        let prefix: Arc<str> = prefix(&plan).into();
        (0..plan.conns.get())
            .map(|number| Worker::new(plan.clone(), prefix.clone(), number))
            .collect()
    };
    if plan.mix.puts_in_hundred() < 100 {
        workers = filled(workers).await?;
    }

    let from = Instant::now() + plan.warm_up;
    let window = Window { from, to: from + plan.duration };
    let running: Vec<_> =
        workers.into_iter().map(|worker| tokio::spawn(worker.run(window))).collect();
    tokio::time::sleep_until(window.from.into()).await;
    let before = cpu::used(pids)?;
    tokio::time::sleep_until(window.to.into()).await;
    let after = cpu::used(pids)?;

    let mut tally = Tally::default();
    for worker in join_all(running).await {
        let measured = worker
            .map_err(|error| Failure::new(format!("a connection's task ended early: {error}")))?;
        tally.absorb(&measured);
    }
    let cpu = (!pids.is_empty()).then(|| after.saturating_sub(before));
    Ok(Measured { tally, elapsed: plan.duration, cpu })
}

/// Reads want keys that are there; pure puts want keys that no earlier run has left.
fn prefix(plan: &LoadPlan) -> String {
    if plan.mix.puts_in_hundred() < 100 {
        return format!("{}-", plan.value_size);
    }
    format!("{:016x}-", rand::rng().next_u64())
}

async fn filled(workers: Vec<Worker>) -> Result<Vec<Worker>, Failure> {
    let filling = workers.into_iter().map(|mut worker| {
        tokio::spawn(async move {
            let missing = worker.fill().await;
            (worker, missing)
        })
    });
    let mut filled = Vec::new();
    let mut missing = 0;
    for worker in join_all(filling).await {
        let (worker, failed) = worker
            .map_err(|error| Failure::new(format!("a connection's task ended early: {error}")))?;
        missing += failed;
        filled.push(worker);
    }
    if missing > 0 {
        return Err(Failure::new(format!(
            "{missing} keys could not be stored before reading them"
        ))
        .try_next("see whether the cluster is up with `stator cluster status`"));
    }
    Ok(filled)
}
