//! Two of five nodes are killed under many writers, and come back.
//!
//! The paper, 1 and 6: always writable. No put may be refused but in the first second after the
//! deaths, and none that was acknowledged may be lost.

mod ledger;
mod phases;
mod writer;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use tokio::time::sleep_until;

use crate::Failed;
use crate::fleet::Fleet;
use crate::options::Options;
use crate::report::Report;
use crate::tally::Tally;
use crate::values::Values;

use ledger::Ledger;
use phases::{PHASES, Phase, Timeline};
use writer::Writer;

const NODES: usize = 5;
/// Who is killed.
const STRUCK: [usize; 2] = [1, 3];
/// How long it may take until no hints are held and all agree.
const HEALS_WITHIN: Duration = Duration::from_mins(5);

/// Kills at a quarter of the time, and brings back at seven twelfths.
pub(crate) async fn run(options: &Options, report: &mut Report) -> Result<(), Failed> {
    let length = options.duration(60);
    let values = Values::new(options.value_bytes(1024));
    let measure = async |fleet: &mut Fleet, report: &mut Report| {
        measure(fleet, (length, options.clients(64), values), report).await
    };
    Fleet::measured((NODES, &[]), report, measure).await
}

async fn measure(
    fleet: &mut Fleet,
    (length, writers, values): (Duration, u64, Values),
    report: &mut Report,
) -> Result<(), Failed> {
    report.progress(&format!("{writers} writers for {} s", length.as_secs()));
    report.count("writers", writers);
    let doors = fleet.doors();
    let porter = doors.porter();
    let begun = tokio::time::Instant::now();
    let timeline = Arc::new(Timeline::default());
    let end = begun + length;
    let writing: Vec<_> = (0..writers)
        .map(|number| {
            let writer = Writer::new(number, values, Arc::clone(&doors), Arc::clone(&timeline));
            tokio::spawn(writer.run(end))
        })
        .collect();

    sleep_until(begun + length / 4).await;
    timeline.killing();
    for node in STRUCK {
        fleet.nodes[node].kill()?;
    }
    timeline.killed();
    report.progress("two of five are dead");

    sleep_until(begun + length * 7 / 12).await;
    timeline.returning();
    let returned = Instant::now();
    for node in STRUCK {
        fleet.nodes[node].start(&[])?;
    }
    report.progress("they are started again");
    let clients = fleet.clients();
    let hints_home =
        async { Fleet::without_hints(&clients, HEALS_WITHIN).await.map(|()| returned.elapsed()) };
    let (home, written) = tokio::join!(hints_home, try_join_all(writing));

    let (mut ledger, mut puts, mut gets) = (Ledger::default(), nothing(), nothing());
    for writer in written? {
        absorb(&mut puts, &writer.puts);
        absorb(&mut gets, &writer.reads);
        ledger.absorb(writer.ledger);
    }
    report.progress("all writers have ended");
    tell(report, "puts", &puts);
    tell(report, "gets", &gets);
    report.seconds("return_to_first_moment_without_hints", home?);
    let ended = Instant::now();
    fleet.converged(HEALS_WITHIN).await?;
    Fleet::without_hints(&fleet.clients(), Duration::from_secs(1)).await?;
    report.seconds("return_to_verify_holds", returned.elapsed());
    report.seconds("end_of_writing_to_verify_holds", ended.elapsed());

    report.progress("reading back what was acknowledged");
    let found = ledger.read_back(&doors, values).await?;
    drop(porter);
    report.count("acknowledged_writes", ledger.acknowledged());
    report.count("objects_read_back", found.objects);
    report.count("acknowledged_writes_missing", found.missing);
    report.count("objects_with_siblings", found.with_siblings);
    report.count("values_not_as_written", found.strange);
    report.must(found.missing == 0, "every acknowledged write is there, or was superseded");
    report.must(found.strange == 0, "every value read is one that was written, byte for byte");
    Ok(())
}

fn nothing() -> Vec<Tally> {
    vec![Tally::default(); PHASES.len()]
}

fn absorb(sums: &mut [Tally], parts: &[Tally]) {
    for (sum, part) in sums.iter_mut().zip(parts) {
        sum.absorb(part);
    }
}

fn tell(report: &mut Report, what: &str, tallies: &[Tally]) {
    for (phase, tally) in PHASES.iter().zip(tallies) {
        report.say(&format!("{what}_{}", phase.name()), tally.document(), tally);
    }
    let refused = |phase: Phase| tallies[phase as usize].refused;
    let later = refused(Phase::WhileDead) + refused(Phase::AfterReturn);
    report.count(&format!("{what}_refused_after_the_first_second"), later);
    report.must(later == 0, &format!("no {what} are refused after the first second"));
    let before = refused(Phase::Before);
    report.must(before == 0, &format!("no {what} are refused while all nodes live"));
}
