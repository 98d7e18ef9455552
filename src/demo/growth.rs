//! The tour's change of the ring: one more node joins while a writer goes on.
//!
//! The paper, 4.9 and 6.2; an operator looks at the plan and commits it, and stored data moves to its
//! new owners. No write that was acknowledged meanwhile may be missing in the end.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use stator_client::{Client, Detail, PlanDocument, TransitionDocument};
use tokio::time::Instant;

use crate::demo::cart::expect;
use crate::demo::failures::{converged, millis, seconds};
use crate::demo::narrator::Narrator;
use crate::demo::ports::NodePorts;
use crate::demo::processes::Cluster;
use crate::demo::ring::{check_balance, draw};
use crate::demo::waiting::{until, until_within};
use crate::demo::writer::{Counted, Writer};
use crate::failure::Failure;
use crate::output;

/// How long the data may take to move.
const MOVES_WITHIN: Duration = Duration::from_mins(3);
/// How often it is told how far it is.
const TOLD_EVERY: Duration = Duration::from_secs(5);

/// Another node joins; from then on it is among the clients.
pub(super) async fn grow(
    narrator: &Narrator,
    cluster: &mut Cluster,
    clients: &mut Vec<Client>,
    newcomer: &NodePorts,
) -> Result<Value, Failure> {
    let (first, name) = (clients[0].clone(), newcomer.name.as_str());
    cluster.add(newcomer)?;
    let plan = until(cluster, "its join is not staged", async || {
        let plan = first.plan().await.ok()?;
        let is_staged = plan.changes.iter().any(|change| change.node == name);
        let is_settled = first.cluster().await.ok()?.transition.is_none();
        (is_staged && is_settled).then_some(plan)
    })
    .await?;
    let partitions = plan.moves.iter().map(|moved| moved.partition).collect::<BTreeSet<_>>().len();
    narrator.say(&format!(
        "  {name} starts with --join, which stages its join. `stator cluster plan`, before and after:"
    ))?;
    draw(narrator, &before(&plan))?;
    narrator.say("")?;
    draw(narrator, &after(&plan))?;
    narrator.say(&format!(
        "  {} replicas of {partitions} partitions would move. A writer begins, and then \
         `stator cluster commit --version {}`.",
        plan.moves.len(),
        plan.version
    ))?;

    let joined = Client::new(newcomer.endpoint());
    let mut all = clients.clone();
    all.push(joined.clone());
    let writer = Writer::start(all.clone());
    until(cluster, "the writer writes nothing", async || (writer.acknowledged() > 0).then_some(()))
        .await?;
    let begun = Instant::now();
    first.commit(plan.version).await?;
    let mut progress = Progress { narrator, begun, told: begun };
    until_within(MOVES_WITHIN, cluster, "the change is not settled", async || {
        if joined.ready().await.is_ok() {
            writer.admit_the_last();
        }
        if let Some(transition) = first.cluster().await.ok()?.transition {
            progress.tell(&transition, &writer);
            return None;
        }
        settled(&all, plan.version).await
    })
    .await?;
    let took = begun.elapsed();
    let counted = writer.stop().await?;
    let moved = joined.node(Detail::Sums).await?.since_start;
    let (objects, bytes) = (moved.exchanged_objects, output::size(moved.exchanged_bytes));
    narrator.say(&format!(
        "  Settled after {}: {name} has pulled {objects} objects ({bytes}); who gave places up has \
         handed over and dropped its copies.",
        seconds(took)
    ))?;
    let lost = judge(narrator, &counted, &all).await?;
    as_planned(&all, &plan).await?;
    let verdict = converged(&first).await?;
    narrator.say(&format!(
        "  `stator verify`: all {} partitions are the same at all their replicas.",
        verdict.partitions
    ))?;
    *clients = all;
    Ok(json!({
        "joined": name,
        "ring_version": plan.version,
        "replicas_moved": plan.moves.len(),
        "partitions_moved": partitions,
        "shares": plan.members,
        "seconds": took.as_secs_f64(),
        "pulled_objects": moved.exchanged_objects,
        "pulled_bytes": moved.exchanged_bytes,
        "puts": {
            "acknowledged": counted.acknowledged(),
            "refused": counted.refused,
            "indeterminate": counted.indeterminate,
            "lost": lost,
            "slowest_ms": counted.slowest.as_millis() as u64,
        },
    }))
}

/// How far the data is, told now and then.
struct Progress<'a> {
    narrator: &'a Narrator,
    begun: Instant,
    told: Instant,
}

impl Progress<'_> {
    fn tell(&mut self, transition: &TransitionDocument, writer: &Writer) {
        if self.told.elapsed() < TOLD_EVERY {
            return;
        }
        self.told = Instant::now();
        let text = format!(
            "  after {}: {} of {} partitions still move; {} puts acknowledged meanwhile",
            seconds(self.begun.elapsed()),
            transition.partitions_left,
            transition.partitions,
            writer.acknowledged()
        );
        // Whoever does not listen any more is noticed at the end of the step.
        let _ = self.narrator.say(&text);
    }
}

/// Whether every node says that the ring is chosen and nothing of it moves any more.
async fn settled(clients: &[Client], version: u64) -> Option<()> {
    for client in clients {
        let seen = client.cluster().await.ok()?;
        if seen.ring_version < version || seen.transition.is_some() {
            return None;
        }
    }
    Some(())
}

/// Reads back what was acknowledged; an error if anything is missing or was refused.
async fn judge(
    narrator: &Narrator,
    counted: &Counted,
    clients: &[Client],
) -> Result<usize, Failure> {
    let lost = counted.lost(clients).await?;
    let Counted { refused, indeterminate, slowest, said, .. } = counted;
    narrator.say(&format!(
        "  Meanwhile {} puts were acknowledged, {refused} refused, {indeterminate} in doubt; the \
         slowest took {}. Read back through other nodes: {lost} lost.",
        counted.acknowledged(),
        millis(*slowest)
    ))?;
    expect(lost == 0, &format!("{lost} acknowledged puts are lost"))?;
    let said = said.as_deref().unwrap_or_default();
    expect(*refused == 0, &format!("{refused} puts were refused; the first said: {said}"))?;
    Ok(lost)
}

/// Whether every node owns what the plan gave it.
async fn as_planned(clients: &[Client], plan: &PlanDocument) -> Result<(), Failure> {
    let planned = after(plan);
    for client in clients {
        let members = client.cluster().await?.members;
        for (name, share) in &planned {
            let has = members.iter().find(|member| member.name == *name);
            let is_so = has.is_some_and(|member| (member.share - share).abs() < 1e-6);
            expect(
                is_so,
                &format!("{} does not say that {name} owns what it was to own", client.endpoint()),
            )?;
        }
    }
    check_balance(&planned.iter().map(|(_, share)| *share).collect::<Vec<_>>())
}

fn before(plan: &PlanDocument) -> Vec<(String, f64)> {
    let owns = plan.members.iter().filter(|member| member.share_before > 0.0);
    in_order(owns.map(|member| (member.name.clone(), member.share_before)).collect())
}

fn after(plan: &PlanDocument) -> Vec<(String, f64)> {
    in_order(plan.members.iter().map(|member| (member.name.clone(), member.share_after)).collect())
}

/// From n1 on: a plan names members in the order of their ids.
fn in_order(mut shares: Vec<(String, f64)>) -> Vec<(String, f64)> {
    shares.sort_by_key(|(name, _)| (name.len(), name.clone()));
    shares
}
