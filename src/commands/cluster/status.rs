//! `stator cluster status`: the members as one node sees them, and what each says of itself.

use std::io::IsTerminal;
use std::time::Duration;

use serde_json::{Value, json};
use stator_client::{ClusterDocument, Detail, MemberDocument, NodeDocument};

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
fn work(member: &MemberDocument, said: &NodeDocument) -> [String; 7] {
    let done = &said.since_start;
    let mut hints: Vec<String> = said
        .hints
        .iter()
        .map(|held| format!("{}: {} ({})", held.owner, held.objects, output::size(held.bytes)))
        .collect();
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
    ]
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
