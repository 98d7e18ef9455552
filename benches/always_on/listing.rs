//! All keys of a large bucket are listed while others go on reading and writing.
//!
//! A listing is a scan: each node reads all of its keys in token order, one page of one partition at a
//! time. It must hold no more than that in memory, and must not be felt by anybody else.

use std::time::{Duration, Instant};

use stator_client::KeysQuery;

use crate::Failed;
use crate::filling::{BUCKET, fill, key};
use crate::fleet::{Fleet, Memory, Node};
use crate::load::Mix;
use crate::options::Options;
use crate::report::Report;
use crate::values::Values;

/// How long replicas may take to agree.
const AGREE_WITHIN: Duration = Duration::from_mins(15);
/// How long the cluster is asked for all that it can do.
const CALIBRATION: Duration = Duration::from_secs(5);

pub(crate) async fn run(options: &Options, report: &mut Report) -> Result<(), Failed> {
    let measure =
        async |fleet: &mut Fleet, report: &mut Report| measure(fleet, options, report).await;
    Fleet::measured((3, &[]), report, measure).await
}

async fn measure(fleet: &Fleet, options: &Options, report: &mut Report) -> Result<(), Failed> {
    let values = Values::new(options.value_bytes(32));
    let (objects, length) = (options.objects(1_000_000), options.duration(20));
    let (clients, doors) = (options.clients(8), fleet.doors());
    fill(report, &doors, objects, values).await?;
    report.progress("waiting until all replicas agree");
    fleet.converged(AGREE_WITHIN).await?;

    list(fleet, objects, report, "alone").await?;

    let mix = Mix { doors, clients, objects, values };
    let rate = match options.rate {
        Some(rate) => rate as f64,
        None => mix.most(CALIBRATION).await / 3.0,
    };
    report.say("load_requests_a_second", rate.round(), format!("{rate:.0}"));
    let load = mix.steadily(rate);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let _warm_up = load.part();
    tokio::time::sleep(length).await;
    let before = load.part();
    list(fleet, objects, report, "under_load").await?;
    let during = load.part();
    tokio::time::sleep(length).await;
    let after = load.part();
    load.stop().await;
    for (name, part) in [("before", &before), ("during", &during), ("after", &after)] {
        report.say(&format!("gets_{name}"), part.gets.document(), &part.gets);
        report.say(&format!("puts_{name}"), part.puts.document(), &part.puts);
    }
    // Before it, the store may still be putting away what was loaded.
    let usual = before.both().millis(99.0).min(after.both().millis(99.0));
    let slower = during.both().millis(99.0) / usual;
    report.ratio("p99_during_the_listing_over_p99_before_or_after", slower);
    report.must(slower <= 2.0, "p99 while keys are listed is at most twice that before or after");
    let failed = during.both().refused + during.both().indeterminate;
    report.must(failed == 0, "no request is refused or in doubt meanwhile");
    Ok(())
}

/// Lists all keys through the first node.
async fn list(fleet: &Fleet, objects: u64, report: &mut Report, how: &str) -> Result<(), Failed> {
    report.progress(&format!("listing all keys, {how}"));
    for node in &fleet.nodes {
        node.forget_peak_memory()?;
    }
    let before = memory(fleet)?;
    let begun = Instant::now();
    let mut keys = fleet.nodes[0].client.keys(BUCKET, KeysQuery::default());
    let mut times_seen = vec![0_u8; objects as usize];
    let mut all = 0_u64;
    while let Some(entry) = keys.next().await? {
        all += 1;
        // Others are those of the load.
        let Some(times) = number(&entry.key).and_then(|n| times_seen.get_mut(n)) else { continue };
        *times = times.saturating_add(1);
    }
    let took = begun.elapsed();
    let peak = memory(fleet)?;
    report.seconds(&format!("listing_{how}"), took);
    let rate = (all as f64 / took.as_secs_f64()).round();
    report.say(&format!("keys_a_second_{how}"), rate, rate);
    let grown = peak.iter().zip(&before).map(|(peak, before)| peak.peak - before.now);
    let grown: Vec<f64> =
        grown.map(|kilobytes| (kilobytes as f64 / 102.4).round() / 10.0).collect();
    let peaks: Vec<u64> = peak.iter().map(|memory| memory.peak / 1024).collect();
    report.say(
        &format!("peak_mebibytes_{how}"),
        peaks.clone(),
        format!("{peaks:?}, {grown:?} more than before it"),
    );
    let is_once = times_seen.iter().all(|&times| times == 1);
    report.must(is_once, &format!("every stored key is listed once, {how}"));
    Ok(())
}

/// The number of the stored object that has this key.
fn number(listed: &[u8]) -> Option<usize> {
    let number = std::str::from_utf8(listed.strip_prefix(b"object/")?).ok()?.parse().ok()?;
    (key(number).as_bytes() == listed).then_some(number as usize)
}

fn memory(fleet: &Fleet) -> Result<Vec<Memory>, Failed> {
    fleet.nodes.iter().map(Node::memory).collect()
}
