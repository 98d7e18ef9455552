//! The buckets that a layout has, made through the front door.

use std::time::Duration;

use serde_json::{Map, Value, json};
use stator_client::Client;
use stator_core::bucket::BucketFact;
use stator_core::object::{BucketName, ConflictRule};
use stator_core::quorum::{Level, QuorumMode};
use stator_sim::layout::Layout;
use tokio::time::{Instant, sleep};

use crate::harness::PATIENCE;

/// Makes every bucket, and waits until all nodes know it.
pub(super) async fn make(layout: &Layout, nodes: &[Client]) {
    let deadline = Instant::now() + PATIENCE;
    for (name, fact) in layout.buckets.iter() {
        let settings = settings(name, fact);
        while let Err(error) = nodes[0].set_bucket(name.as_bytes(), &settings).await {
            assert!(Instant::now() < deadline, "the bucket {name} can't be made: {error}");
            sleep(Duration::from_millis(100)).await;
        }
        for node in nodes {
            while !knows(node, name, &settings).await {
                assert!(Instant::now() < deadline, "{} never learns of {name}", node.endpoint());
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn knows(node: &Client, name: &BucketName, settings: &Map<String, Value>) -> bool {
    let Ok(told) = node.bucket(name.as_bytes()).await else { return false };
    settings.iter().all(|(property, value)| told.get(property) == Some(value))
}

fn settings(name: &BucketName, fact: &BucketFact) -> Map<String, Value> {
    let quorum = fact.mutable.quorum;
    let conflicts = match fact.fixed.conflicts {
        ConflictRule::Siblings => "siblings",
        ConflictRule::LastWriteWins => "lww",
    };
    let mode = match quorum.mode.unwrap_or_default() {
        QuorumMode::Sloppy => "sloppy",
        QuorumMode::Strict => "strict",
    };
    let mut settings = Map::new();
    // Those of Redis are what they are from birth.
    if !name.is_redis_database() {
        settings.insert("n".into(), json!(fact.fixed.n));
        settings.insert("conflicts".into(), json!(conflicts));
    }
    settings.insert("quorum".into(), json!(mode));
    settings.insert("max_siblings".into(), json!(fact.mutable.max_siblings));
    for (property, level) in [("r", quorum.r), ("w", quorum.w), ("dw", quorum.dw)] {
        let Some(level) = level else { continue };
        let value = match level {
            Level::Count(count) => json!(count),
            word => json!(word.to_string()),
        };
        settings.insert(property.into(), value);
    }
    settings
}
