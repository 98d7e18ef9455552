//! A node's store is deleted; the other owners refill it while requests go on.
//!
//! The paper, 4.7 and 6.5; rules 19 and 20: until a replica is refilled it does not count in reads,
//! and refilling must leave the requests their part of the machine.

use std::time::{Duration, Instant};

use stator_client::{Detail, NodeDocument};

use crate::Failed;
use crate::filling::{fill, key};
use crate::fleet::{Fleet, total, until_within};
use crate::load::{Load, Mix, Part, live_keys};
use crate::options::Options;
use crate::report::Report;
use crate::values::Values;
use crate::weighing::{Weight, by_partition, mebibytes, sum};

const NODES: usize = 5;
/// Whose store is lost.
const STRUCK: usize = 2;
/// How long the refill may take, and everything after it.
const HEALS_WITHIN: Duration = Duration::from_mins(15);
/// How long the cluster is asked for all that it can do.
const CALIBRATION: Duration = Duration::from_secs(5);

pub(crate) async fn run(options: &Options, report: &mut Report) -> Result<(), Failed> {
    let measure =
        async |fleet: &mut Fleet, report: &mut Report| measure(fleet, options, report).await;
    Fleet::measured((NODES, &[]), report, measure).await
}

async fn measure(fleet: &mut Fleet, options: &Options, report: &mut Report) -> Result<(), Failed> {
    let values = Values::new(options.value_bytes(1024));
    let (objects, length) = (options.objects(200_000), options.duration(20));
    let doors = fleet.doors();
    let porter = doors.porter();
    fill(report, &doors, objects, values).await?;
    report.progress("waiting until all replicas agree");
    fleet.converged(HEALS_WITHIN).await?;
    let names = (0..objects).map(key).chain(live_keys(options.clients(8)));
    let needed = needed(fleet, names, values).await?;
    report.count("objects_of_the_lost_store", needed.objects);
    report.say("bytes_needed", needed.bytes, mebibytes(needed.bytes));

    let mix = Mix { doors, clients: options.clients(8), objects, values };
    let rate = if let Some(rate) = options.rate {
        rate as f64
    } else {
        let most = mix.most(CALIBRATION).await;
        report.say("most_requests_a_second", most.round(), format!("{most:.0}"));
        most / 3.0
    };
    report.say("load_requests_a_second", rate.round(), format!("{rate:.0}, half of them puts"));
    let load = mix.steadily(rate);
    report.progress("the load begins");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let _warm_up = load.part();
    tokio::time::sleep(length).await;
    let before = load.part();

    fleet.nodes[STRUCK].kill()?;
    let others = fleet.clients();
    let others: Vec<_> = (0..NODES).filter(|&n| n != STRUCK).map(|n| others[n].clone()).collect();
    let sent = Sent::of(&Fleet::survey(&others).await.ok_or("a node does not say how it is")?);
    std::fs::remove_dir_all(fleet.nodes[STRUCK].store())?;
    let began = Instant::now();
    fleet.nodes[STRUCK].start(&[])?;
    report.progress("one store is deleted, and its node started again");
    let while_dead = load.part();
    let mut seconds = Vec::new();
    refilled(fleet, (began, &load), &mut seconds).await?;
    let refilled = began.elapsed();
    seconds.push(load.part());
    let mut during = Part::default();
    for second in &seconds {
        during.absorb(second);
    }
    let all_sent = Sent::of(&fleet.told().await?).since(sent);
    report.seconds("start_to_all_replicas_count_in_reads", refilled);
    tell_bytes(report, all_sent, needed.bytes, refilled);

    report.progress("refilled; the same load goes on");
    tokio::time::sleep(length).await;
    let after = load.part();
    load.stop().await;
    let idle = Instant::now();
    fleet.converged(HEALS_WITHIN).await?;
    drop(porter);
    report.seconds("end_of_load_to_verify_holds", idle.elapsed());
    for (name, part) in
        [("before", &before), ("dead", &while_dead), ("refill", &during), ("after", &after)]
    {
        report.say(&format!("gets_{name}"), part.gets.document(), &part.gets);
        report.say(&format!("puts_{name}"), part.puts.document(), &part.puts);
    }
    tell_seconds(report, &seconds);
    let slower = during.both().millis(99.0) / before.both().millis(99.0);
    report.ratio("p99_during_refill_over_p99_before", slower);
    report.must(slower <= 2.0, "p99 during the refill is at most twice that before");
    let refused = during.both().refused + after.both().refused;
    report.must(refused == 0, "no request is refused while the store is refilled, nor after");
    Ok(())
}

/// Waits until the node is a member, and all its replicas count in reads; takes the load's figures
/// once a second.
async fn refilled(
    fleet: &Fleet,
    (began, load): (Instant, &Load),
    seconds: &mut Vec<Part>,
) -> Result<(), Failed> {
    let client = &fleet.nodes[STRUCK].client;
    let mut told = Instant::now();
    until_within(HEALS_WITHIN, "all replicas count in reads", async || {
        let said = client.node(Detail::Sums).await.ok()?;
        if told.elapsed() >= Duration::from_secs(1) {
            told = Instant::now();
            let second = load.part();
            eprintln!(
                "            after {} s {} of {} replicas do not count yet; p99 {:.1} ms",
                began.elapsed().as_secs(),
                said.not_counting,
                said.replicas,
                second.both().millis(99.0)
            );
            seconds.push(second);
        }
        (said.replicas > 0 && said.silent_shards == 0 && said.not_counting == 0).then_some(())
    })
    .await
}

/// How slow each second was, in milliseconds.
fn tell_seconds(report: &mut Report, seconds: &[Part]) {
    let p99: Vec<f64> = seconds.iter().map(|second| second.both().millis(99.0)).collect();
    let text: Vec<String> = p99.iter().map(|millis| format!("{millis:.0}")).collect();
    report.say("p99_ms_of_each_second_of_the_refill", p99, text.join(" "));
}

/// What was sent to compare and to repair replicas, as the nodes count it.
#[derive(Clone, Copy)]
struct Sent {
    /// Asks and answers of exchanges: what is pulled is in the answers.
    exchanges: u64,
    /// States sent to replicas that lack them.
    repairs: u64,
    /// Of them, read repairs and hints.
    by_others: u64,
}

impl Sent {
    fn of(said: &[NodeDocument]) -> Self {
        let by_others =
            |node: &NodeDocument| node.since_start.read_repairs + node.since_start.hints_delivered;
        Self {
            exchanges: total(said, "exchange_bytes_sent"),
            repairs: total(said, "repair_bytes_sent"),
            by_others: said.iter().map(by_others).sum(),
        }
    }

    fn since(self, before: Self) -> Self {
        Self {
            exchanges: self.exchanges - before.exchanges,
            repairs: self.repairs - before.repairs,
            by_others: self.by_others - before.by_others,
        }
    }
}

fn tell_bytes(report: &mut Report, sent: Sent, needed: u64, took: Duration) {
    let all = sent.exchanges + sent.repairs;
    report.say("bytes_sent_by_exchanges", sent.exchanges, mebibytes(sent.exchanges));
    report.say("bytes_sent_of_single_states", sent.repairs, mebibytes(sent.repairs));
    report.count("read_repairs_and_hints_among_them", sent.by_others);
    let ratio = all as f64 / needed.max(1) as f64;
    report.ratio("bytes_sent_over_bytes_needed", ratio);
    report.must(ratio <= 1.2, "a refill sends at most 1.2 times what is needed");
    let rate = needed as f64 / took.as_secs_f64() / 1e6;
    report.say("refill_megabytes_a_second", (rate * 10.0).round() / 10.0, format!("{rate:.1}"));
}

/// What the store that will be lost holds once the load has written each of its keys.
async fn needed(
    fleet: &Fleet,
    keys: impl Iterator<Item = String>,
    values: Values,
) -> Result<Weight, Failed> {
    let said = fleet.nodes[STRUCK].client.node(Detail::Partitions).await?;
    let weights = by_partition(said.ring_partitions, keys, values)?;
    Ok(sum(&weights, said.partitions.iter().map(|each| each.partition)))
}
