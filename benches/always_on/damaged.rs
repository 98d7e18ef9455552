//! Bytes of stored values are changed on disk under a node that is stopped.
//!
//! Rule 19; the trap "bit rot": what is damaged is never served, and is brought back from the other
//! owners.

mod flip;
mod readers;

use std::time::{Duration, Instant};

use serde_json::json;
use stator_client::{Detail, NodeDocument};

use crate::Failed;
use crate::filling::fill;
use crate::fleet::Fleet;
use crate::options::Options;
use crate::report::Report;
use crate::values::Values;

const NODES: usize = 3;
/// Whose files are damaged.
const STRUCK: usize = 0;
/// How long it may take until all is whole again.
const HEALS_WITHIN: Duration = Duration::from_mins(5);
/// How long after a node said that nothing is set aside it must still say so.
const SETTLED: Duration = Duration::from_secs(3);

pub(crate) async fn run(options: &Options, report: &mut Report) -> Result<(), Failed> {
    let measure =
        async |fleet: &mut Fleet, report: &mut Report| measure(fleet, options, report).await;
    Fleet::measured((NODES, &[]), report, measure).await
}

async fn measure(fleet: &mut Fleet, options: &Options, report: &mut Report) -> Result<(), Failed> {
    let values = Values::new(options.value_bytes(1024));
    let objects = options.objects(20_000);
    fill(report, &fleet.doors(), objects, values).await?;
    report.progress("waiting until all replicas agree");
    fleet.converged(HEALS_WITHIN).await?;

    fleet.nodes[STRUCK].stop().await?;
    let flipped = flip::flip(&fleet.nodes[STRUCK].store(), values, options.flips)?;
    report.count("objects_in_table_files", flipped.in_tables);
    report.count("objects_damaged_on_disk", flipped.objects);
    report.must(flipped.objects == options.flips as u64, "as many objects as asked are damaged");
    let seconds = options.scrub_interval.to_string();
    fleet.nodes[STRUCK].set(&["--scrub-interval", &seconds]);
    report.say("scrub_interval_seconds", options.scrub_interval, &seconds);
    let began = Instant::now();
    fleet.nodes[STRUCK].start(&[])?;
    report.progress("bytes of them are changed; the node is started again, and all is read");
    fleet.ready().await?;
    report.seconds("start_to_ready", began.elapsed());

    let reading = tokio::spawn(readers::read_all(fleet.clients(), objects, values));
    let whole = whole_again(fleet, flipped.objects, began).await;
    let converged = fleet.converged(HEALS_WITHIN).await.map(|_| began.elapsed());
    let read = reading.await?;
    report.say("reads", read.document(), &read);
    report.must(read.wrong == 0, "no damaged value is ever served");
    report.must(read.absent == 0, "no object is absent");
    let Whole { said, took, restarts } = whole?;
    report.count("stops_by_itself_and_restarts", restarts);
    report.seconds("start_to_all_healed", took);
    report.seconds("start_to_verify_holds", converged?);
    let at_end = fleet.nodes[STRUCK].client.node(Detail::Sums).await?;
    for (name, said) in [("at_first", &said), ("in_the_end", &at_end)] {
        let (damaged, healed) = (said.since_start.damaged, said.since_start.healed);
        report.say(
            &format!("set_aside_and_healed_{name}"),
            json!({ "damaged": damaged, "healed": healed, "set_aside": said.set_aside }),
            format!("{damaged} set aside as damaged, {healed} healed"),
        );
    }
    report.must(at_end.set_aside == 0, "nothing is set aside any more");
    let (damaged, healed) = (at_end.since_start.damaged, at_end.since_start.healed);
    // A node that stopped by itself counts anew, and has left out what it could not read.
    let alike = damaged == healed || restarts > 0;
    report.must(alike, "as many are healed as were found damaged");
    report.must(damaged >= flipped.objects || restarts > 0, "every damaged object was found");

    report.progress("reading all once more");
    let read = readers::read_all(fleet.clients(), objects, values).await;
    report.say("reads_afterwards", read.document(), &read);
    report.must(
        read.wrong + read.absent + read.failed() == 0,
        "afterwards every node gives every object as it was written",
    );
    Ok(())
}

/// The struck node once nothing is damaged any more.
struct Whole {
    said: NodeDocument,
    took: Duration,
    /// How often it stopped by itself.
    restarts: u64,
}

/// Waits until as many objects as were damaged are found and healed, or what the node could not read
/// is refilled. A node that stops by itself is started again, as by a supervisor.
async fn whole_again(fleet: &mut Fleet, objects: u64, began: Instant) -> Result<Whole, Failed> {
    let client = fleet.nodes[STRUCK].client.clone();
    let (mut since, mut restarts) = (None, 0);
    let mut told = Instant::now();
    let deadline = began + HEALS_WITHIN;
    while Instant::now() < deadline {
        if fleet.nodes[STRUCK].restart_if_ended()? {
            restarts += 1;
            since = None;
            let after = began.elapsed().as_secs_f64();
            eprintln!("            the node has stopped {after:.1} s after the start: again");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        let Ok(said) = client.node(Detail::Sums).await else { continue };
        let (damaged, healed) = (said.since_start.damaged, said.since_start.healed);
        if told.elapsed() > Duration::from_secs(5) {
            told = Instant::now();
            let lost = said.not_counting;
            eprintln!(
                "            {damaged} found, {healed} healed of {objects}; {lost} replicas to refill"
            );
        }
        let found = damaged >= objects || restarts > 0;
        let open = said.set_aside + said.not_counting + said.trees_building + said.silent_shards;
        if !found || healed < damaged || open > 0 || said.replicas == 0 {
            since = None;
            continue;
        }
        // More may be found a moment later.
        let (at, took) = *since.get_or_insert((Instant::now(), began.elapsed()));
        if at.elapsed() >= SETTLED {
            return Ok(Whole { said, took, restarts });
        }
    }
    Err(format!("not all is found and healed within {} s", HEALS_WITHIN.as_secs()).into())
}
