//! Changes of the ring, as an operator makes them: staged, looked at, committed, waited for.

use std::time::{Duration, Instant};

use stator_client::{ClusterDocument, PlanDocument, StageRequest};

use super::{Fleet, Node, until, until_within};
use crate::Failed;

/// How often it is told how far a change is.
const TOLD_EVERY: Duration = Duration::from_secs(5);

impl Fleet {
    /// More nodes that are not started yet.
    pub(crate) fn add(&mut self, count: usize) -> Result<(), Failed> {
        for number in self.nodes.len() + 1..=self.nodes.len() + count {
            self.nodes.push(Node::new(self.dir.path(), &format!("n{number}"), &[])?);
        }
        Ok(())
    }

    /// Starts a node that asks the first to let it in.
    pub(crate) fn join(&mut self, node: usize) -> Result<(), Failed> {
        let first = self.nodes[0].peer.clone();
        self.nodes[node].start(&["--join", &first])
    }

    /// Waits until nothing moves any more and so many changes are staged; the plan of them.
    pub(crate) async fn plan(&self, changes: usize) -> Result<PlanDocument, Failed> {
        let first = &self.nodes[0].client;
        until("all changes are staged, and the one before is settled", async || {
            let plan = first.plan().await.ok()?;
            let is_settled = first.cluster().await.ok()?.transition.is_none();
            (plan.changes.len() == changes && is_settled).then_some(plan)
        })
        .await
    }

    /// Stages a change.
    pub(crate) async fn stage(&self, change: &StageRequest) -> Result<(), Failed> {
        Ok(self.nodes[0].client.stage(change).await?)
    }

    /// Commits a plan.
    pub(crate) async fn commit(&self, plan: &PlanDocument) -> Result<(), Failed> {
        self.nodes[0].client.commit(plan.version).await?;
        Ok(())
    }

    /// Waits until all members that run know a ring at least as new and nothing of it moves any more;
    /// tells how far it is meanwhile. Who has left is not asked: it takes part in nothing.
    pub(crate) async fn settled(&self, version: u64, within: Duration) -> Result<(), Failed> {
        let (mut last, mut told) = (String::new(), Instant::now());
        let members = self.cluster().await?.members;
        let is_member = |node: &&Node| {
            members.iter().any(|member| member.name == node.name && member.share > 0.0)
        };
        for node in self.nodes.iter().filter(|node| node.is_running()).filter(is_member) {
            let settled = until_within(within, "the change of the ring is settled", async || {
                let seen = node.client.cluster().await.ok()?;
                last = format!("{}: {}", node.name, moving(&seen));
                if told.elapsed() >= TOLD_EVERY {
                    told = Instant::now();
                    eprintln!("            {last}");
                }
                (seen.ring_version >= version && seen.transition.is_none()).then_some(())
            });
            let settled = settled.await;
            settled.map_err(|error| format!("{error}; {last}"))?;
        }
        Ok(())
    }

    /// The ring as the first node sees it.
    pub(crate) async fn cluster(&self) -> Result<ClusterDocument, Failed> {
        let first = &self.nodes[0].client;
        until("the first node tells of the cluster", async || first.cluster().await.ok()).await
    }
}

/// What still moves, for people.
fn moving(seen: &ClusterDocument) -> String {
    let Some(transition) = &seen.transition else {
        return format!("ring {}, settled", seen.ring_version);
    };
    format!(
        "{} of {} partitions still move to ring {}; waits for {}",
        transition.partitions_left,
        transition.partitions,
        transition.version,
        transition.waits_for.join(", ")
    )
}
