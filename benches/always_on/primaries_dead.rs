//! All three primaries of some keys are dead.
//!
//! The paper, 4.6: a sloppy quorum takes the first N healthy nodes, so that a put is acknowledged
//! although none of its primaries lives; a strict one has to be refused.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;
use stator_client::{Client, ClientError, Fetched, NewObject, ObjectName, RequestOptions, Written};
use stator_core::quorum::{Level, QuorumMode, QuorumOptions};

use crate::Failed;
use crate::filling::BUCKET;
use crate::fleet::Fleet;
use crate::options::Options;
use crate::report::Report;
use crate::tally::Tally;
use crate::values::Values;

const NODES: usize = 5;
/// Keys of one partition.
const KEYS: usize = 10;
/// How long it may take until no hints are held and all agree.
const HEALS_WITHIN: Duration = Duration::from_mins(5);

/// Numbers of values by how they were put.
const BEFORE: u64 = 1000;
const SLOPPY: u64 = 2000;
const STRICT: u64 = 3000;

pub(crate) async fn run(options: &Options, report: &mut Report) -> Result<(), Failed> {
    let values = Values::new(options.value_bytes(1024));
    let measure =
        async |fleet: &mut Fleet, report: &mut Report| measure(fleet, values, report).await;
    Fleet::measured((NODES, &[]), report, measure).await
}

async fn measure(fleet: &mut Fleet, values: Values, report: &mut Report) -> Result<(), Failed> {
    let (keys, primaries) = one_partition(&fleet.nodes[0].client).await?;
    let struck: Vec<usize> =
        (0..NODES).filter(|&node| primaries.contains(&fleet.nodes[node].name)).collect();
    report.say("primaries", json!(primaries), primaries.join(", "));
    let mut before = Tally::default();
    for (number, key) in (BEFORE..).zip(&keys) {
        let written = put(&fleet.nodes[0].client, (key, values, number), with(Some(2), None)).await;
        book(&mut before, Instant::now(), &written);
    }
    report.must(before.acknowledged.len() == KEYS as u64, "all puts before are acknowledged");

    for &node in &struck {
        fleet.nodes[node].kill()?;
    }
    report.progress("all three primaries are dead");
    let alive: Vec<Client> = (0..NODES)
        .filter(|node| !struck.contains(node))
        .map(|node| fleet.nodes[node].client.clone())
        .collect();

    let (mut sloppy, mut strict) = (Tally::default(), Tally::default());
    let (mut fallbacks, mut refused) = (0, BTreeSet::new());
    let (mut first_sloppy, mut odd) = (Duration::ZERO, Vec::new());
    for (place, key) in keys.iter().enumerate() {
        let (client, number) = (&alive[place % alive.len()], place as u64);
        let begun = Instant::now();
        let put_sloppy =
            put(client, (key, values, SLOPPY + number), with(Some(2), Some(QuorumMode::Sloppy)));
        let written = put_sloppy.await;
        if place == 0 {
            first_sloppy = begun.elapsed();
        }
        book(&mut sloppy, begun, &written);
        fallbacks += written.map_or(0, |written| u64::from(written.replicas.fallbacks));

        let begun = Instant::now();
        let put_strict =
            put(client, (key, values, STRICT + number), with(None, Some(QuorumMode::Strict)));
        let written = put_strict.await;
        book(&mut strict, begun, &written);
        match written {
            Err(ClientError::Problem(problem)) if problem.status == 503 => {
                refused.insert(STRICT + number);
            }
            Err(ClientError::Problem(problem)) if problem.status == 504 => {}
            other => odd.push(format!("{other:?}")),
        }
    }
    report.seconds("first_sloppy_put_after_the_deaths", first_sloppy);
    report.say("sloppy_puts", sloppy.document(), &sloppy);
    report.count("acknowledgements_of_fallbacks", fallbacks);
    report.say("strict_puts", strict.document(), &strict);
    report.must(sloppy.acknowledged.len() == KEYS as u64, "every sloppy put is acknowledged");
    report
        .must(odd.is_empty(), &format!("every strict put ends with 503 or 504 {}", odd.join(" ")));
    // A sloppy get finds what the fallbacks hold, or says that it can't tell: it is no promise.
    match read_all(&alive, &keys, values, &with(None, Some(QuorumMode::Sloppy))).await {
        Ok(read) => {
            report.count("sloppy_puts_not_read_meanwhile", not_there(&read, SLOPPY));
        }
        Err(error) => report.say("sloppy_gets_meanwhile", error.to_string(), &error),
    }

    let returned = Instant::now();
    for &node in &struck {
        fleet.nodes[node].start(&[])?;
    }
    report.progress("the primaries are started again");
    fleet.ready().await?;
    report.seconds("return_to_all_up", returned.elapsed());
    fleet.converged(HEALS_WITHIN).await?;
    report.seconds("return_to_verify_holds", returned.elapsed());
    let everywhere = with(None, None);
    let quorum = QuorumOptions { r: Some(Level::All), ..everywhere.quorum };
    let read =
        read_all(&fleet.clients(), &keys, values, &RequestOptions { quorum, ..everywhere }).await?;
    let (lost_sloppy, lost_before) = (not_there(&read, SLOPPY), not_there(&read, BEFORE));
    report.count("acknowledged_writes_missing", lost_sloppy + lost_before);
    report.must(lost_sloppy + lost_before == 0, "nothing acknowledged is missing");
    let back = read.iter().flatten().filter(|number| refused.contains(number)).count();
    report.must(back == 0, "nothing that was refused with 503 is there");
    Ok(())
}

/// Keys of one partition, and the names of its primaries.
async fn one_partition(client: &Client) -> Result<(Vec<String>, Vec<String>), Failed> {
    let (mut keys, mut primaries, mut partition) = (Vec::new(), Vec::new(), None);
    for number in 0.. {
        let key = format!("cart/{number}");
        let place = client.locate(ObjectName { bucket: BUCKET, key: key.as_bytes() }).await?;
        if *partition.get_or_insert(place.partition) == place.partition {
            primaries = place.primaries.into_iter().map(|node| node.name).collect();
            keys.push(key);
        }
        if keys.len() == KEYS {
            break;
        }
    }
    Ok((keys, primaries))
}

fn with(w: Option<u8>, mode: Option<QuorumMode>) -> RequestOptions {
    let quorum = QuorumOptions { w: w.map(Level::Count), mode, ..QuorumOptions::default() };
    RequestOptions { quorum, timeout: None }
}

/// Puts without a context: what is there stays beside it, so that each write must be found.
async fn put(
    client: &Client,
    (key, values, number): (&str, Values, u64),
    options: RequestOptions,
) -> Result<Written, ClientError> {
    let name = ObjectName { bucket: BUCKET, key: key.as_bytes() };
    let object = NewObject { value: values.of(number), ..NewObject::default() };
    client.put(name, object, None, &options).await
}

fn book(tally: &mut Tally, begun: Instant, written: &Result<Written, ClientError>) {
    match written {
        Ok(_) => tally.done(begun.elapsed()),
        Err(error) => tally.failed(error),
    }
}

/// The numbers of the values of each key, as every node gives them.
async fn read_all(
    clients: &[Client],
    keys: &[String],
    values: Values,
    options: &RequestOptions,
) -> Result<Vec<BTreeSet<u64>>, ClientError> {
    let mut read = Vec::new();
    for client in clients {
        for key in keys {
            let name = ObjectName { bucket: BUCKET, key: key.as_bytes() };
            let found = match client.get(name, options).await? {
                Fetched::NotFound { .. } => Vec::new(),
                Fetched::Object(object) => vec![object.value],
                Fetched::Siblings(all) => {
                    all.siblings.into_iter().map(|sibling| sibling.value).collect()
                }
            };
            read.push(found.iter().filter_map(|value| values.number(value)).collect());
        }
    }
    Ok(read)
}

/// Values of the kind that begins with this number which are absent where they should be: a key
/// and a node count once.
fn not_there(read: &[BTreeSet<u64>], kind: u64) -> u64 {
    let expected = (0..KEYS as u64).map(|place| kind + place).cycle();
    read.iter().zip(expected).filter(|(found, number)| !found.contains(number)).count() as u64
}
