//! Three nodes become six, and then four, under a load that does not change; one of the joining ones
//! is killed while data moves to it, and comes back.
//!
//! The paper, 2.1 (incremental scalability), 4.9 and 6.2; rule 17: reads and writes go on while stored
//! data moves, and nothing that was acknowledged is lost.

mod figures;
mod ledger;
mod moving;
mod phases;
mod updating;

use std::sync::Arc;
use std::time::{Duration, Instant};

use stator_client::{ObjectName, RequestOptions, StageRequest};
use tokio::time::sleep;

use crate::Failed;
use crate::doors::Doors;
use crate::filling::{BUCKET, fill, key, read_back};
use crate::fleet::{Fleet, until};
use crate::options::Options;
use crate::report::Report;
use crate::values::Values;
use crate::weighing::by_partition;

use figures::tell;
use moving::Moving;
use phases::Phase;
use updating::{Seen, Updating};

const FOUNDERS: usize = 3;
const JOINING: usize = 3;
/// Who is killed while it joins.
const STRUCK: usize = 4;
/// How long it stays dead.
const DEAD_FOR: Duration = Duration::from_secs(5);
/// Who leaves: one of the first, and one that has joined.
const LEAVING: [usize; 2] = [1, 5];
/// Gets that each of them is asked when it has left.
const ASKED: u64 = 10;
/// How long data may take to move, and replicas to agree.
const SETTLES_WITHIN: Duration = Duration::from_mins(10);
/// How long the cluster is asked for all that it can do.
const CALIBRATION: Duration = Duration::from_secs(5);

pub(crate) async fn run(options: &Options, report: &mut Report) -> Result<(), Failed> {
    let measure =
        async |fleet: &mut Fleet, report: &mut Report| measure(fleet, options, report).await;
    Fleet::measured((FOUNDERS, &[]), report, measure).await
}

async fn measure(fleet: &mut Fleet, options: &Options, report: &mut Report) -> Result<(), Failed> {
    let values = Values::new(options.value_bytes(1024));
    let (objects, length) = (options.objects(20_000), options.duration(30));
    report.progress("waiting until the first ring is settled");
    fleet.settled(1, SETTLES_WITHIN).await?;
    fill(report, &fleet.doors(), objects, values).await?;
    report.progress("waiting until all replicas agree");
    fleet.converged(SETTLES_WITHIN).await?;
    let partitions = fleet.told().await?[0].ring_partitions;
    let mut moving = Moving::new(by_partition(partitions, (0..objects).map(key), values)?);
    moving.tell_nodes(report, fleet, "with_three").await?;

    fleet.add(JOINING)?;
    let doors = Doors::of_members(fleet.clients(), FOUNDERS);
    let porter = doors.strict_porter();
    let struck = fleet.nodes[STRUCK].client.endpoint().to_string();
    let load = Updating::start(options.clients(32), doors.clone(), struck);
    report.count("clients", options.clients(32));
    let rate = rate(options, &load).await;
    report.say("load_updates_a_second", rate.round(), format!("{rate:.0}"));
    load.pace(rate);
    // What has piled up at full speed is not to be measured.
    sleep(Duration::from_secs(2)).await;
    report.progress("the load goes on; three nodes");
    load.shared.now.is(Phase::Three);
    sleep(length).await;

    grow(fleet, &load, &mut moving, report).await?;
    load.shared.now.is(Phase::Six);
    report.progress("six nodes");
    sleep(length / 3).await;
    moving.tell_nodes(report, fleet, "with_six").await?;

    shrink(fleet, &load, &mut moving, report).await?;
    load.shared.now.is(Phase::Four);
    report.progress("four nodes");
    sleep(length / 3).await;
    moving.tell_nodes(report, fleet, "with_four").await?;
    moving.tell_total(report);
    through_who_left(report, fleet, objects).await;

    let seen = load.stop().await?;
    let idle = Instant::now();
    fleet.converged(SETTLES_WITHIN).await?;
    report.seconds("end_of_load_to_verify_holds", idle.elapsed());
    tell(report, &seen);
    report.progress("reading back what was acknowledged");
    judge(report, &seen, &doors, (objects, values)).await?;
    drop(porter);
    Ok(())
}

/// Updates a second: those asked for, or a third of what the three do at most.
async fn rate(options: &Options, load: &Updating) -> f64 {
    if let Some(rate) = options.rate {
        return rate as f64;
    }
    // The first second warms up.
    sleep(Duration::from_secs(1)).await;
    let (before, begun) = (load.done(), Instant::now());
    sleep(CALIBRATION).await;
    (load.done() - before) as f64 / begun.elapsed().as_secs_f64() / 3.0
}

/// Three nodes join, and one of them dies and returns meanwhile.
async fn grow(
    fleet: &mut Fleet,
    load: &Updating,
    moving: &mut Moving,
    report: &mut Report,
) -> Result<(), Failed> {
    for node in FOUNDERS..FOUNDERS + JOINING {
        fleet.join(node)?;
    }
    let plan = fleet.plan(JOINING).await?;
    moving.begin(report, fleet, "growing", &plan).await?;
    load.shared.now.is(Phase::Growing);
    let begun = Instant::now();
    fleet.commit(&plan).await?;
    report.progress("three more join");
    let due = moving.due(&plan, &fleet.nodes[STRUCK].name);
    moving.half_pulled(fleet, STRUCK, due, report).await?;

    load.shared.now.is(Phase::Dead);
    fleet.nodes[STRUCK].kill()?;
    report.seconds("commit_to_kill", begun.elapsed());
    report.progress("one of them is killed");
    sleep(DEAD_FOR).await;
    fleet.nodes[STRUCK].start(&[])?;
    report.progress("it is started again");
    let client = fleet.nodes[STRUCK].client.clone();
    until("the killed node serves", async || client.ready().await.ok()).await?;
    load.shared.now.is(Phase::GrowingOn);
    fleet.settled(plan.version, SETTLES_WITHIN).await?;
    report.seconds("growing_commit_to_settled", begun.elapsed());
    moving.end(report, fleet, "growing").await
}

/// Two nodes leave.
async fn shrink(
    fleet: &mut Fleet,
    load: &Updating,
    moving: &mut Moving,
    report: &mut Report,
) -> Result<(), Failed> {
    for node in LEAVING {
        fleet.stage(&StageRequest::Leave { node: fleet.nodes[node].name.clone() }).await?;
    }
    let plan = fleet.plan(LEAVING.len()).await?;
    moving.begin(report, fleet, "shrinking", &plan).await?;
    load.shared.now.is(Phase::Shrinking);
    let begun = Instant::now();
    fleet.commit(&plan).await?;
    report.progress("two leave");
    fleet.settled(plan.version, SETTLES_WITHIN).await?;
    report.seconds("shrinking_commit_to_settled", begun.elapsed());
    moving.end(report, fleet, "shrinking").await
}

/// Whether nodes that have left go on answering for the others, as they must until they are stopped.
async fn through_who_left(report: &mut Report, fleet: &Fleet, objects: u64) {
    let mut answered = 0;
    for (node, number) in LEAVING.iter().flat_map(|&node| (0..ASKED).map(move |n| (node, n))) {
        let key = key(number % objects);
        let name = ObjectName { bucket: BUCKET, key: key.as_bytes() };
        let got = fleet.nodes[node].client.get(name, &RequestOptions::default()).await;
        answered += u64::from(got.is_ok());
    }
    report.count("gets_answered_by_nodes_that_have_left", answered);
    let all = ASKED * LEAVING.len() as u64;
    report.must(answered == all, "nodes that have left go on answering until they are stopped");
}

/// Whether everything that was acknowledged is there.
async fn judge(
    report: &mut Report,
    seen: &Seen,
    doors: &Arc<Doors>,
    (objects, values): (u64, Values),
) -> Result<(), Failed> {
    let found = seen.ledger.read_back(doors).await?;
    report.count("acknowledged_appends", seen.ledger.count());
    report.count("objects_appended_to", found.objects);
    report.count("acknowledged_appends_missing", found.missing);
    report.count("appends_there_though_not_made", found.strange);
    report.count("objects_with_siblings", found.with_siblings);
    let stored = read_back(doors, objects, values).await?;
    report.count("stored_objects_missing", stored.missing);
    report.must(found.missing == 0, "every acknowledged append is there");
    report.must(found.strange == 0, "nothing is there that was refused");
    let as_written = stored.missing + stored.wrong == 0;
    report.must(as_written, "every stored object is there, byte for byte");
    Ok(())
}
