//! `stator cluster status`: the members as one node sees them, and what each says of itself.

use std::io::IsTerminal;
use std::time::Duration;

use serde_json::{Value, json};
use stator_client::{
    ClusterDocument, Detail, EnduresDocument, HintsDocument, LossesDocument, MemberDocument,
    NodeDocument,
};

use crate::cli::Connection;
use crate::commands::Ended;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::survey::{Survey, Surveyed, ask_all};

const AGAIN: Duration = Duration::from_secs(2);

/// Shows the members and how they are; with `watch` again and again.
pub(super) async fn run(watch: bool, connection: Connection) -> Ended {
    let client = connection.client();
    loop {
        let survey = ask_all(&client, Detail::Sums).await?;
        if watch && !connection.json && std::io::stdout().is_terminal() {
            output::bytes(b"\x1b[2J\x1b[H")?;
        }
        if connection.json {
            output::json(&document(&survey)?)?;
        } else {
            print(&survey)?;
        }
        if !watch {
            return Ok(Exit::Done);
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// The cluster's document, with what each member says of itself as `node`; the error where it
/// could not be asked.
fn document(survey: &Survey) -> Result<Value, Failure> {
    let unlikely = |error| Failure::new(format!("the answer is no JSON: {error}"));
    let mut document = serde_json::to_value(&survey.cluster).map_err(unlikely)?;
    let mut members = Vec::new();
    for Surveyed { member, said } in &survey.nodes {
        let mut told = serde_json::to_value(member).map_err(unlikely)?;
        match said {
            Ok(node) => {
                told["hints"] = held(node).into();
                told["node"] = serde_json::to_value(node).map_err(unlikely)?;
            }
            Err(cause) => told["node"] = json!({ "error": cause }),
        }
        members.push(told);
    }
    document["members"] = members.into();
    Ok(document)
}

fn print(survey: &Survey) -> Result<(), Failure> {
    let mut table = output::table([
        "name", "id", "address", "zone", "weight", "state", "phi", "share", "hints",
    ]);
    for node in &survey.nodes {
        table.add_row(row(node));
    }
    output::print_table(&table)?;
    output::line("")?;
    let mut table = output::table([
        "name",
        "hints for",
        "exchanges",
        "repaired",
        "damaged",
        "trees",
        "in reads",
        "compared",
        "read through",
    ]);
    for node in &survey.nodes {
        if let Ok(said) = &node.said {
            table.add_row(work(&node.member, said));
        }
    }
    output::print_table(&table)?;
    output::line("")?;
    for node in &survey.nodes {
        if let Err(cause) = &node.said {
            output::line(&format!("{} can't be asked: {cause}", node.member.name))?;
        }
    }
    for node in &survey.nodes {
        if node.said.as_ref().is_ok_and(|said| said.disk_reserved) {
            let name = &node.member.name;
            output::line(&format!("{name} takes no new values: its disk is nearly full"))?;
        }
    }
    if let Some(found) = &survey.cluster.endures {
        output::line(&endures(found))?;
    }
    output::line(&ring(&survey.cluster))
}

fn ring(cluster: &ClusterDocument) -> String {
    match &cluster.transition {
        None => format!("ring version {}, settled", cluster.ring_version),
        Some(transition) => format!(
            "ring version {}: {} of {} partitions and about {} left to move{}",
            transition.version,
            transition.partitions_left,
            transition.partitions,
            output::size(transition.bytes_left),
            match &transition.waits_for[..] {
                [] => String::new(),
                names => format!("; waits for {}", names.join(", ")),
            }
        ),
    }
}

fn row(node: &Surveyed) -> [String; 9] {
    let member = &node.member;
    [
        member.name.clone(),
        member.id.clone(),
        member.address.clone(),
        member.zone.clone(),
        member.weight.to_string(),
        member.state.clone(),
        suspicion(member.phi),
        output::percent(member.share),
        node.said.as_ref().map_or_else(|_| "?".to_owned(), |said| held(said).to_string()),
    ]
}

/// What a node holds for others and what its background work has come to.
fn work(member: &MemberDocument, said: &NodeDocument) -> [String; 9] {
    let done = &said.since_start;
    let mut hints: Vec<String> = said.hints.iter().map(|held| hints_for(held, now())).collect();
    if said.counting_hints {
        hints.push("still counting".to_owned());
    }
    [
        member.name.clone(),
        if hints.is_empty() { "nobody".to_owned() } else { hints.join(", ") },
        done.exchanges.to_string(),
        (done.read_repairs + done.exchanged_objects).to_string(),
        damage(said),
        match said.trees_building {
            0 => "ready".to_owned(),
            building => format!("{building} to build"),
        },
        match said.not_counting {
            0 => format!("all {}", said.replicas),
            missing => format!("{missing} of {} not yet", said.replicas),
        },
        match said.comparisons_outstanding {
            0 => within(said.compared_within_seconds),
            outstanding => format!("{outstanding} not yet"),
        },
        within(said.scrubbed_within_seconds),
    ]
}

/// Hints for one node: how many, how large, how old.
fn hints_for(held: &HintsDocument, now_ms: u64) -> String {
    let size = output::size(held.bytes);
    let age = held.oldest_unix_ms.map(|oldest| {
        let seconds = now_ms.saturating_sub(oldest) / 1000;
        format!(", {} old", humantime::format_duration(Duration::from_secs(seconds)))
    });
    format!("{}: {} ({size}{})", held.owner, held.objects, age.unwrap_or_default())
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}

/// A time within which something was done everywhere.
fn within(seconds: u64) -> String {
    format!("within {}", humantime::format_duration(Duration::from_secs(seconds)))
}

/// What may still be lost, and what is left then.
fn endures(found: &EnduresDocument) -> String {
    let of = |losses: &LossesDocument, kept: &str, missing: &str| match losses.partitions_short {
        0 => format!(
            "it can lose {}, or {}, and keep {kept}",
            any(losses.nodes, "node"),
            any(losses.zones, "zone"),
        ),
        short => format!("{short} partitions are without {missing}"),
    };
    let data = of(&found.data, "a replica of everything", "any replica that is up");
    let quorum = of(
        &found.quorum,
        "a majority of each partition's replicas",
        "a majority of their replicas",
    );
    format!("{data}; {quorum}")
}

fn any(number: u32, noun: &str) -> String {
    match number {
        0 => format!("no {noun}"),
        1 => format!("any 1 {noun}"),
        _ => format!("any {number} {noun}s"),
    }
}

/// Objects that were found damaged, and those of them that are still set aside.
fn damage(said: &NodeDocument) -> String {
    match said.set_aside {
        0 => said.since_start.damaged.to_string(),
        aside => format!("{} ({aside} set aside)", said.since_start.damaged),
    }
}

fn held(said: &NodeDocument) -> u64 {
    said.hints.iter().map(|held| held.objects).sum()
}

/// Beyond all doubt there is no use in digits.
fn suspicion(phi: f64) -> String {
    if phi < 1000.0 { format!("{phi:.1}") } else { "> 1000".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_told_with_their_size_and_age() {
        let held = HintsDocument {
            owner: "n3".to_owned(),
            objects: 12,
            bytes: 3 * 1024,
            oldest_unix_ms: Some(5_000),
            ..HintsDocument::default()
        };
        assert!(
            hints_for(&held, 95_000).ends_with(", 1m 30s old)"),
            "{}",
            hints_for(&held, 95_000)
        );
        assert!(hints_for(&held, 1_000).contains("0s old"), "clocks may differ");
        let unknown = HintsDocument { oldest_unix_ms: None, ..held };
        assert!(!hints_for(&unknown, 95_000).contains("old"));
    }

    #[test]
    fn what_may_be_lost_is_told_or_what_is_short_already() {
        let losses =
            |nodes, zones, partitions_short| LossesDocument { nodes, zones, partitions_short };
        let well = EnduresDocument { data: losses(2, 1, 0), quorum: losses(1, 0, 0) };
        assert_eq!(
            endures(&well),
            "it can lose any 2 nodes, or any 1 zone, and keep a replica of everything; it can lose \
             any 1 node, or no zone, and keep a majority of each partition's replicas"
        );
        let short = EnduresDocument { data: losses(0, 0, 0), quorum: losses(0, 0, 7) };
        assert!(
            endures(&short).ends_with("7 partitions are without a majority of their replicas"),
            "{}",
            endures(&short)
        );
    }
}
