//! A cluster of real processes, formed as the manual says.

mod changing;
mod node;

use std::time::{Duration, Instant};

use serde_json::Value;
use stator_client::{Client, Detail, NodeDocument};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::Failed;
use crate::doors::Doors;
use crate::process::stator;
use crate::report::Report;

pub(crate) use node::{Memory, Node};

/// How long anything may take that has no time limit of its own.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often what is waited for is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// The nodes. Their processes end with it, and their data is deleted unless it is kept.
pub(crate) struct Fleet {
    pub(crate) nodes: Vec<Node>,
    dir: TempDir,
}

impl Fleet {
    /// So many nodes that are one cluster, each started with these settings.
    pub(crate) async fn form(count: usize, settings: &[&str]) -> Result<Self, Failed> {
        let mut fleet = Self::of(count, settings)?;
        fleet.found().await?;
        Ok(fleet)
    }

    /// So many nodes that are to be started with these settings.
    pub(crate) fn of(count: usize, settings: &[&str]) -> Result<Self, Failed> {
        let dir = tempfile::tempdir()?;
        let nodes =
            (1..=count).map(|number| Node::new(dir.path(), &format!("n{number}"), settings));
        Ok(Self { nodes: nodes.collect::<Result<_, _>>()?, dir })
    }

    /// Starts them and makes one cluster of them.
    pub(crate) async fn found(&mut self) -> Result<(), Failed> {
        self.nodes[0].start(&["--init"])?;
        self.nodes[0].answers().await?;
        let first = self.nodes[0].peer.clone();
        for node in &mut self.nodes[1..] {
            node.start(&["--join", &first])?;
        }
        let (founder, count) = (self.nodes[0].client.clone(), self.nodes.len());
        let version = until("all joins are staged", async || {
            let plan = founder.plan().await.ok()?;
            (plan.changes.len() == count - 1).then_some(plan.version)
        })
        .await?;
        founder.commit(version).await?;
        self.ready().await
    }

    /// Forms a cluster for a measurement. Data and logs of one that could not be made, or of which
    /// something does not hold that must, are kept.
    pub(crate) async fn measured(
        (count, settings): (usize, &[&str]),
        report: &mut Report,
        measure: impl AsyncFnOnce(&mut Self, &mut Report) -> Result<(), Failed>,
    ) -> Result<(), Failed> {
        let mut fleet = Self::form(count, settings).await?;
        let done = measure(&mut fleet, report).await;
        fleet.judge(done, report)
    }

    /// A measurement of it has ended so. Data and logs are kept as [`Self::measured`] says.
    pub(crate) fn judge(
        &mut self,
        done: Result<(), Failed>,
        report: &Report,
    ) -> Result<(), Failed> {
        if done.is_err() || !report.holds() {
            self.keep();
        }
        done
    }

    /// Waits until every node serves and sees all others up.
    pub(crate) async fn ready(&self) -> Result<(), Failed> {
        for node in &self.nodes {
            until(&format!("{} serves and sees all others", node.name), async || {
                node.client.ready().await.ok()?;
                let cluster = node.client.cluster().await.ok()?;
                let up = cluster.members.iter().filter(|member| member.state == "up").count();
                (up == self.nodes.len()).then_some(())
            })
            .await?;
        }
        Ok(())
    }

    /// Clients of all nodes.
    pub(crate) fn clients(&self) -> Vec<Client> {
        self.nodes.iter().map(|node| node.client.clone()).collect()
    }

    /// Waits until `stator verify` holds, and says for how long; an error with its reasons if it
    /// does not within that time.
    pub(crate) async fn converged(&self, within: Duration) -> Result<Duration, Failed> {
        let begun = Instant::now();
        let mut command = stator();
        command.args(["verify", "--json", "--timeout", &format!("{}s", within.as_secs())]);
        command.args(["--endpoint", &self.nodes[0].client.endpoint().to_string()]);
        let mut command = tokio::process::Command::from(command);
        let output = command.kill_on_drop(true).output().await?;
        if output.status.success() {
            return Ok(begun.elapsed());
        }
        let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let told = document["told"].to_string();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(format!("not converged within {} s: {told}{errors}", within.as_secs()).into())
    }

    /// What every node says of itself; none if one can't be asked.
    pub(crate) async fn survey(clients: &[Client]) -> Option<Vec<NodeDocument>> {
        let mut said = Vec::with_capacity(clients.len());
        for client in clients {
            said.push(client.node(Detail::Sums).await.ok()?);
        }
        Some(said)
    }

    /// As [`Self::survey`], an error if one can't be asked.
    pub(crate) async fn told(&self) -> Result<Vec<NodeDocument>, Failed> {
        let clients = self.clients();
        until("every node says how it is", async || Self::survey(&clients).await).await
    }

    /// Waits until no node holds hints.
    pub(crate) async fn without_hints(clients: &[Client], within: Duration) -> Result<(), Failed> {
        until_within(within, "no hint is held", async || {
            let said = Self::survey(clients).await?;
            let none = said.iter().all(|node| node.hints.is_empty() && !node.counting_hints);
            none.then_some(())
        })
        .await
    }

    /// Doors of all nodes.
    pub(crate) fn doors(&self) -> std::sync::Arc<Doors> {
        Doors::new(self.clients())
    }

    /// Keeps data and logs for whoever looks into a failure.
    fn keep(&mut self) {
        self.dir.disable_cleanup(true);
        eprintln!("data and logs of the nodes are kept in {}", self.dir.path().display());
    }
}

/// Bytes that a node has sent to compare and to repair replicas since it started, as it counts them.
pub(crate) fn bytes_sent(said: &NodeDocument) -> u64 {
    let one = std::slice::from_ref(said);
    total(one, "exchange_bytes_sent") + total(one, "repair_bytes_sent")
}

/// The sum of a count over nodes. Counts that clients know by name are not among `more`.
pub(crate) fn total(said: &[NodeDocument], count: &str) -> u64 {
    said.iter().map(|node| node.since_start.more.get(count).copied().unwrap_or_default()).sum()
}

/// Asks again and again until there is an answer.
pub(crate) async fn until<T>(what: &str, ask: impl AsyncFnMut() -> Option<T>) -> Result<T, Failed> {
    until_within(PATIENCE, what, ask).await
}

/// As [`until`], with a time limit of its own.
pub(crate) async fn until_within<T>(
    within: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> Option<T>,
) -> Result<T, Failed> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(answer) = ask().await {
            return Ok(answer);
        }
        if Instant::now() >= deadline {
            return Err(format!("{what}: not within {} s", within.as_secs()).into());
        }
        sleep(LOOK).await;
    }
}
