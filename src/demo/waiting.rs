//! How the tour waits: for a condition, never for a time, and not for ever.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::demo::processes::Cluster;
use crate::failure::Failure;

/// How long anything may take.
pub(super) const WITHIN: Duration = Duration::from_mins(1);
/// How often it is asked.
const AGAIN: Duration = Duration::from_millis(50);

/// Asks again and again until there is an answer; a node that ended ends the waiting.
pub(super) async fn until<T>(
    cluster: &mut Cluster,
    otherwise: &str,
    ask: impl AsyncFnMut() -> Option<T>,
) -> Result<T, Failure> {
    until_within(WITHIN, cluster, otherwise, ask).await
}

/// As [`until`], with a time limit of its own.
pub(super) async fn until_within<T>(
    within: Duration,
    cluster: &mut Cluster,
    otherwise: &str,
    mut ask: impl AsyncFnMut() -> Option<T>,
) -> Result<T, Failure> {
    let deadline = Instant::now() + within;
    loop {
        cluster.check()?;
        if let Some(answer) = ask().await {
            return Ok(answer);
        }
        if Instant::now() > deadline {
            let waited = within.as_secs();
            return Err(Failure::new(format!("{otherwise} within {waited} s")));
        }
        sleep(AGAIN).await;
    }
}
