//! A dead node's places are given to a new one, which gets everything from the other owners.
//!
//! The paper, 4.9; rule 17. The dead one is declared dead while the change is under way, so that
//! nobody waits for it to hand over.

use std::time::{Duration, Instant};

use stator_client::{Detail, StageRequest};

use crate::Failed;
use crate::doors::Doors;
use crate::filling::{fill, key, read_back};
use crate::fleet::{Fleet, bytes_sent, until};
use crate::options::Options;
use crate::report::Report;
use crate::values::Values;
use crate::weighing::{by_partition, mebibytes, sum};

const NODES: usize = 5;
/// Who dies.
const STRUCK: usize = 2;
/// How long everything may take.
const WITHIN: Duration = Duration::from_mins(15);

pub(crate) async fn run(options: &Options, report: &mut Report) -> Result<(), Failed> {
    let measure =
        async |fleet: &mut Fleet, report: &mut Report| measure(fleet, options, report).await;
    Fleet::measured((NODES, &[]), report, measure).await
}

async fn measure(fleet: &mut Fleet, options: &Options, report: &mut Report) -> Result<(), Failed> {
    let values = Values::new(options.value_bytes(128));
    let objects = options.objects(200_000);
    report.progress("waiting until the first ring is settled");
    fleet.settled(1, WITHIN).await?;
    fill(report, &fleet.doors(), objects, values).await?;
    report.progress("waiting until all replicas agree");
    fleet.converged(WITHIN).await?;
    let said = fleet.nodes[STRUCK].client.node(Detail::Partitions).await?;
    let weights = by_partition(said.ring_partitions, (0..objects).map(key), values)?;
    let lost = sum(&weights, said.partitions.iter().map(|each| each.partition));
    report.count("objects_of_the_dead_node", lost.objects);

    let (dead, new) = (fleet.nodes[STRUCK].name.clone(), NODES);
    fleet.nodes[STRUCK].kill()?;
    fleet.nodes[STRUCK].lose_all()?;
    report.progress("one is dead for ever, and a new one starts");
    fleet.add(1)?;
    fleet.join(new)?;
    let by = fleet.nodes[new].name.clone();
    fleet.plan(1).await?;
    fleet.stage(&StageRequest::Replace { node: dead.clone(), by: by.clone() }).await?;
    let plan = fleet.plan(2).await?;
    let needed = sum(&weights, plan.moves.iter().map(|moved| moved.partition));
    report.count("replicas_that_move", plan.moves.len() as u64);
    report.must(plan.moves.iter().all(|moved| moved.to == by), "only the new node gets replicas");
    report.say("bytes_needed", needed.bytes, mebibytes(needed.bytes));
    let sent_before = sent(fleet).await?;

    let begun = Instant::now();
    fleet.commit(&plan).await?;
    report.seconds("commit", begun.elapsed());
    fleet.stage(&StageRequest::Remove { node: dead }).await?;
    report.progress("the change is committed, and the dead one declared dead");
    fleet.settled(plan.version, WITHIN).await?;
    let took = begun.elapsed();
    report.seconds("commit_to_settled", took);
    fleet.converged(WITHIN).await?;
    report.seconds("commit_to_verify_holds", begun.elapsed());

    let received = fleet.nodes[new].client.node(Detail::Sums).await?.since_start;
    report.count("objects_received_by_the_new_node", received.exchanged_objects);
    let bytes = received.exchanged_bytes;
    report.say("bytes_of_states_received_by_the_new_node", bytes, mebibytes(bytes));
    let sent = sent(fleet).await? - sent_before;
    report.say("bytes_sent_by_all", sent, mebibytes(sent));
    let ratio = sent as f64 / needed.bytes.max(1) as f64;
    report.ratio("bytes_sent_over_bytes_needed", ratio);
    let rate = needed.bytes as f64 / took.as_secs_f64() / 1e6;
    report.say("megabytes_a_second", (rate * 10.0).round() / 10.0, format!("{rate:.1}"));

    report.progress("reading all objects");
    let living = fleet.nodes.iter().filter(|node| node.is_running());
    let doors = Doors::new(living.map(|node| node.client.clone()));
    let read = read_back(&doors, objects, values).await?;
    report.count("objects_missing", read.missing);
    report.must(read.missing + read.wrong == 0, "every object is there, byte for byte");
    Ok(())
}

/// Bytes that all living nodes have sent to compare and to repair replicas.
async fn sent(fleet: &Fleet) -> Result<u64, Failed> {
    let living = fleet.nodes.iter().filter(|node| node.is_running());
    let clients: Vec<_> = living.map(|node| node.client.clone()).collect();
    let said = until("every node says how it is", async || Fleet::survey(&clients).await).await?;
    Ok(said.iter().map(bytes_sent).sum())
}
