//! What changes of the ring move: bytes that must move, bytes that were sent, and who owns what.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};
use stator_client::{Detail, PlanDocument};

use crate::Failed;
use crate::fleet::{Fleet, bytes_sent, until_within};
use crate::report::Report;
use crate::weighing::{Weight, mebibytes, sum};

/// Counts what changes move.
pub(super) struct Moving {
    weights: BTreeMap<u32, Weight>,
    /// Bytes that each node had sent when the change began; of one that has started anew since,
    /// none.
    sent: Vec<u64>,
    /// Bytes sent in this change by a process that was killed.
    sent_by_the_dead: u64,
    /// Bytes of the replicas that this change moves.
    least: u64,
    /// Bytes sent, and the least possible, in all changes so far.
    all: (u64, u64),
}

impl Moving {
    /// Replicas of partitions that weigh so much.
    pub(super) fn new(weights: BTreeMap<u32, Weight>) -> Self {
        Self { weights, sent: Vec::new(), sent_by_the_dead: 0, least: 0, all: (0, 0) }
    }

    /// A change is about to be committed.
    pub(super) async fn begin(
        &mut self,
        report: &mut Report,
        fleet: &Fleet,
        name: &str,
        plan: &PlanDocument,
    ) -> Result<(), Failed> {
        self.sent = fleet.told().await?.iter().map(bytes_sent).collect();
        let moves = plan.moves.iter().map(|moved| moved.partition);
        let weight = sum(&self.weights, moves);
        self.least = weight.bytes;
        report.count(&format!("{name}_replicas_that_move"), plan.moves.len() as u64);
        report.say(&format!("{name}_bytes_needed"), weight.bytes, mebibytes(weight.bytes));
        Ok(())
    }

    /// Bytes that a node gets by a plan.
    pub(super) fn due(&self, plan: &PlanDocument, node: &str) -> u64 {
        let gets = plan.moves.iter().filter(|moved| moved.to == node);
        sum(&self.weights, gets.map(|moved| moved.partition)).bytes
    }

    /// Waits until a node has pulled half of what it gets. It is then killed, so that what it has
    /// sent is taken down.
    pub(super) async fn half_pulled(
        &mut self,
        fleet: &Fleet,
        node: usize,
        due: u64,
        report: &mut Report,
    ) -> Result<(), Failed> {
        let (client, first) = (&fleet.nodes[node].client, &fleet.nodes[0].client);
        let said = until_within(Duration::from_mins(5), "half of it is pulled", async || {
            let said = client.node(Detail::Sums).await.ok()?;
            (said.since_start.exchanged_bytes * 2 >= due).then_some(said)
        })
        .await?;
        let pulled = said.since_start.exchanged_bytes;
        let text = format!("{pulled} of {due}");
        report.say("bytes_pulled_when_killed", json!({ "pulled": pulled, "due": due }), text);
        let seen = first.cluster().await?;
        report.must(seen.transition.is_some(), "the change is under way when the node is killed");
        self.sent_by_the_dead = bytes_sent(&said);
        self.sent[node] = 0;
        Ok(())
    }

    /// The change is settled.
    pub(super) async fn end(
        &mut self,
        report: &mut Report,
        fleet: &Fleet,
        name: &str,
    ) -> Result<(), Failed> {
        let now = fleet.told().await?;
        let sent = now.iter().map(bytes_sent).zip(&self.sent);
        let sent: u64 = sent.map(|(now, before)| now - before).sum();
        let sent = sent + std::mem::take(&mut self.sent_by_the_dead);
        report.say(&format!("{name}_bytes_sent"), sent, mebibytes(sent));
        let least = self.least.max(1);
        report.ratio(&format!("{name}_bytes_sent_over_needed"), sent as f64 / least as f64);
        self.all.0 += sent;
        self.all.1 += self.least;
        Ok(())
    }

    /// All changes together.
    pub(super) fn tell_total(&self, report: &mut Report) {
        let (sent, least) = self.all;
        report.ratio("bytes_sent_over_needed", sent as f64 / least.max(1) as f64);
    }

    /// Who owns how much of the ring, and what each store takes up on disk.
    pub(super) async fn tell_nodes(
        &self,
        report: &mut Report,
        fleet: &Fleet,
        when: &str,
    ) -> Result<(), Failed> {
        let cluster = fleet.cluster().await?;
        let (mut document, mut text) = (serde_json::Map::<String, Value>::new(), String::new());
        for node in fleet.nodes.iter().filter(|node| node.is_running()) {
            let member = cluster.members.iter().find(|member| member.name == node.name);
            let share = member.map_or(0.0, |member| member.share);
            let disk = node.disk_bytes();
            let told = json!({ "share": share, "disk_bytes": disk });
            document.insert(node.name.clone(), told);
            let mebibytes = disk as f64 / f64::from(1 << 20);
            let _ = write!(text, "{} {:.1} %, {mebibytes:.1} MiB; ", node.name, share * 100.0);
        }
        report.say(&format!("share_and_disk_{when}"), document, text.trim_end_matches("; "));
        Ok(())
    }
}
