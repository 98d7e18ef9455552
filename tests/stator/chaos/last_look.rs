//! After healing: every key is read from all its replicas, again and again until they answer.

use std::time::Duration;

use stator_core::quorum::{Level, QuorumMode, QuorumOptions};
use stator_sim::client::{Action, Intent};
use tokio::time::{Instant, sleep};

use super::NODES;
use super::record::End;
use super::round::Round;
use super::worker::get;
use crate::harness::PATIENCE;

/// The client that these gets are noted under.
const NOBODY: usize = usize::MAX;

/// Reads every key of a round.
pub(super) async fn read_all(round: &Round) {
    let deadline = Instant::now() + PATIENCE;
    for key in 0..round.layout.keys.len() {
        read(round, key, deadline).await;
    }
}

async fn read(round: &Round, key: usize, deadline: Instant) {
    let all = Some(Level::All);
    let strict = Some(QuorumMode::Strict);
    let quorum = QuorumOptions { r: all, pr: all, mode: strict, ..QuorumOptions::default() };
    for attempt in 0.. {
        let (node, timeout) = ((key + attempt) % NODES, Duration::from_secs(10));
        let intent = Intent { key, node, action: Action::Get, quorum, timeout };
        match get(round, NOBODY, &intent, End::Last).await {
            Ok(_) => return,
            Err(failed) if Instant::now() >= deadline => {
                round.record().unreadable(failed);
                return;
            }
            Err(_) => sleep(Duration::from_millis(200)).await,
        }
    }
}
