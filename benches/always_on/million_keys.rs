//! Two replicas of very many keys that differ in a few are compared.
//!
//! The paper, 4.7: Merkle trees, so that what is sent grows with what differs and not with what is
//! stored.

use std::time::{Duration, Instant};

use serde_json::json;
use stator_client::{NewObject, NodeDocument, ObjectName, RequestOptions};
use stator_core::quorum::{Level, QuorumOptions};

use crate::Failed;
use crate::filling::{BUCKET, fill};
use crate::fleet::{Fleet, total, until_within};
use crate::options::Options;
use crate::report::Report;
use crate::values::Values;

/// Keys in which the two differ.
const DIFFERING: u64 = 10;
/// How long healing may take, trees built anew included, and how long a pass over all partitions.
const HEALS_WITHIN: Duration = Duration::from_mins(15);

pub(crate) async fn run(options: &Options, report: &mut Report) -> Result<(), Failed> {
    let measure =
        async |fleet: &mut Fleet, report: &mut Report| measure(fleet, options, report).await;
    Fleet::measured((2, &["--replicas", "2"]), report, measure).await
}

async fn measure(fleet: &mut Fleet, options: &Options, report: &mut Report) -> Result<(), Failed> {
    let values = Values::new(options.value_bytes(32));
    let doors = fleet.doors();
    fill(report, &doors, options.objects(1_000_000), values).await?;
    report.progress("waiting until both agree");
    fleet.converged(HEALS_WITHIN).await?;
    nothing_differs(fleet, report).await?;

    let how = if options.kill { "killed" } else { "stopped" };
    if options.kill {
        fleet.nodes[1].kill()?;
    } else {
        fleet.nodes[1].stop().await?;
    }
    report.say("the_node_that_misses_writes_was", how, how);
    put_alone(fleet, values).await?;
    let alone = fleet.nodes[0].client.node(stator_client::Detail::Sums).await?;
    report.must(alone.hints.is_empty(), "nobody holds hints for the node that is away");
    let before = Sent::of(&[alone]);

    let began = Instant::now();
    fleet.nodes[1].start(&[])?;
    report.progress(&format!("{DIFFERING} keys differ; the other one is started again"));
    fleet.ready().await?;
    report.seconds("start_to_ready", began.elapsed());
    let clients = fleet.clients();
    let healed = until_within(HEALS_WITHIN, "what differs is moved", async || {
        let said = Fleet::survey(&clients).await?;
        let moved: u64 = said.iter().map(|node| node.since_start.exchanged_objects).sum();
        let repaired: u64 = said.iter().map(|node| node.since_start.read_repairs).sum();
        (moved + repaired >= DIFFERING).then_some(said)
    })
    .await?;
    report.seconds("start_to_last_key_healed", began.elapsed());
    tell(report, "until_healed", &Sent::of(&healed).since(&before));
    fleet.converged(HEALS_WITHIN).await?;
    report.seconds("start_to_verify_holds", began.elapsed());
    let after = fleet.told().await?;
    let hints: u64 = after.iter().map(|node| node.since_start.hints_delivered).sum();
    let repairs: u64 = after.iter().map(|node| node.since_start.read_repairs).sum();
    report.must(hints + repairs == 0, "nothing came by hints or by read repair");
    let moved: u64 = after.iter().map(|node| node.since_start.exchanged_objects).sum();
    report.count("objects_moved", moved);
    report.must(moved == DIFFERING, "exactly what differed was moved");
    tell(report, "until_verify_holds", &Sent::of(&after).since(&before));
    Ok(())
}

/// What a pass over all partitions costs while both are alike.
async fn nothing_differs(fleet: &Fleet, report: &mut Report) -> Result<(), Failed> {
    let clients = fleet.clients();
    let said = fleet.told().await?;
    let partitions = said.iter().map(|node| node.ring_partitions).max().unwrap_or_default();
    let before = Sent::of(&said);
    report.progress("nothing differs: waiting for as many comparisons as there are partitions");
    let begun = Instant::now();
    let said = until_within(HEALS_WITHIN, "as many comparisons as partitions", async || {
        let said = Fleet::survey(&clients).await?;
        (Sent::of(&said).since(&before).exchanges >= partitions).then_some(said)
    })
    .await?;
    let pass = Sent::of(&said).since(&before);
    report.seconds("pass_with_nothing_differing", begun.elapsed());
    report.must(pass.objects == 0, "nothing is moved while nothing differs");
    tell(report, "with_nothing_differing", &pass);
    let one = pass.bytes() as f64 / pass.exchanges.max(1) as f64;
    report.say("bytes_of_one_partition", (one * 10.0).round() / 10.0, format!("{one:.1}"));
    let all = (one * partitions as f64).round();
    report.say("bytes_of_a_pass", all, format!("{all} for {partitions} partitions"));
    Ok(())
}

/// Writes some keys through the one node that is left.
async fn put_alone(fleet: &Fleet, values: Values) -> Result<(), Failed> {
    let quorum = QuorumOptions { w: Some(Level::Count(1)), ..QuorumOptions::default() };
    let options = RequestOptions { quorum, timeout: None };
    for number in 0..DIFFERING {
        let key = format!("missed/{number}");
        let name = ObjectName { bucket: BUCKET, key: key.as_bytes() };
        let object = NewObject { value: values.of(number), ..NewObject::default() };
        fleet.nodes[0].client.put(name, object, None, &options).await?;
    }
    Ok(())
}

/// What exchanges have done.
struct Sent {
    exchanges: u64,
    objects: u64,
    compared_bytes: u64,
    repair_bytes: u64,
}

impl Sent {
    fn of(said: &[NodeDocument]) -> Self {
        Self {
            exchanges: said.iter().map(|node| node.since_start.exchanges).sum(),
            objects: said.iter().map(|node| node.since_start.exchanged_objects).sum(),
            compared_bytes: total(said, "exchange_bytes_sent"),
            repair_bytes: total(said, "repair_bytes_sent"),
        }
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            exchanges: self.exchanges - before.exchanges,
            objects: self.objects - before.objects,
            compared_bytes: self.compared_bytes - before.compared_bytes,
            repair_bytes: self.repair_bytes - before.repair_bytes,
        }
    }

    fn bytes(&self) -> u64 {
        self.compared_bytes + self.repair_bytes
    }
}

fn tell(report: &mut Report, when: &str, sent: &Sent) {
    let Sent { exchanges, objects, compared_bytes, repair_bytes } = sent;
    report.say(
        &format!("bytes_{when}"),
        json!({
            "comparisons": exchanges,
            "objects_moved": objects,
            "exchange_bytes": compared_bytes,
            "repair_bytes": repair_bytes,
            "bytes": sent.bytes(),
        }),
        format!(
            "{} in {exchanges} comparisons, {objects} objects moved ({compared_bytes} of exchanges, \
             {repair_bytes} of states sent)",
            sent.bytes()
        ),
    );
}
