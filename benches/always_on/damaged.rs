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
use crate::fleet::{Fleet, until_within};
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
    let mut fleet = Fleet::form(NODES, &[]).await?;
    let done = measure(&mut fleet, options, report).await;
    if done.is_err() || !report.holds() {
        fleet.keep();
    }
    done
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
    let (said, took) = whole?;
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
    report.must(damaged == healed, "as many are healed as were found damaged");
    report.must(damaged >= flipped.objects, "every damaged object was found");

    report.progress("reading all once more");
    let read = readers::read_all(fleet.clients(), objects, values).await;
    report.say("reads_afterwards", read.document(), &read);
    report.must(
        read.wrong + read.absent + read.failed() == 0,
        "afterwards every node gives every object as it was written",
    );
    Ok(())
}

/// Waits until as many objects as were damaged are found and healed.
async fn whole_again(
    fleet: &Fleet,
    objects: u64,
    began: Instant,
) -> Result<(NodeDocument, Duration), Failed> {
    let client = &fleet.nodes[STRUCK].client;
    let mut since = None;
    let mut told = Instant::now();
    until_within(HEALS_WITHIN, "every damaged object is found and healed", async || {
        let said = client.node(Detail::Sums).await.ok()?;
        let (damaged, healed) = (said.since_start.damaged, said.since_start.healed);
        if told.elapsed() > Duration::from_secs(5) {
            told = Instant::now();
            eprintln!("            {damaged} found, {healed} healed of {objects}");
        }
        if damaged < objects || healed < damaged || said.set_aside > 0 {
            since = None;
            return None;
        }
        // More may be found a moment later.
        let (at, took) = *since.get_or_insert((Instant::now(), began.elapsed()));
        (at.elapsed() >= SETTLED).then_some((said, took))
    })
    .await
}
