//! `stator cluster staleness`: how stale reads may be, as the members estimate it together.

use serde_json::{Value, json};
use stator_client::{Client, EstimateDocument, SpreadDocument, StalenessDocument, StalenessQuery};

use crate::cli::Connection;
use crate::commands::Ended;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::survey::{Survey, Surveyed, ask_each};

/// Asks every member, and shows what they say together.
pub(super) async fn run(query: StalenessQuery, connection: Connection) -> Ended {
    let client = connection.client();
    // What can't be asked is said once, and not as a fault of every node.
    client.staleness(&query).await?;
    let survey = ask_each(&client, async |client: Client| client.staleness(&query).await).await?;
    let estimates = EstimateDocument::together(told(&survey));
    if connection.json {
        output::json(&document(&survey, &estimates)?)?;
    } else {
        print(&survey, &estimates)?;
    }
    Ok(Exit::Done)
}

fn told(survey: &Survey<StalenessDocument>) -> impl Iterator<Item = &StalenessDocument> {
    survey.nodes.iter().filter_map(|node| node.said.as_ref().ok())
}

/// What all say together as `estimates`, and each member's own document; the error where it could not
/// be asked.
fn document(
    survey: &Survey<StalenessDocument>,
    estimates: &[EstimateDocument],
) -> Result<Value, Failure> {
    let unlikely = |error| Failure::new(format!("the answer is no JSON: {error}"));
    let mut nodes = Vec::new();
    for Surveyed { member, said } in &survey.nodes {
        nodes.push(match said {
            Ok(said) => serde_json::to_value(said).map_err(unlikely)?,
            Err(cause) => json!({ "node": member.name, "id": member.id, "error": cause }),
        });
    }
    Ok(json!({ "estimates": estimates, "nodes": nodes }))
}

fn print(
    survey: &Survey<StalenessDocument>,
    estimates: &[EstimateDocument],
) -> Result<(), Failure> {
    match estimates.first() {
        None => output::line("nothing is estimated before puts went through the nodes")?,
        Some(first) => {
            output::line(
                "a read through another node misses a write acknowledged so long before:",
            )?;
            let times = first.stale.iter().map(|step| format!("{} ms", step.after_ms));
            let head = ["n", "r", "w", "dw"].map(str::to_owned).into_iter().chain(times);
            let mut table = output::table_of(head.chain(["99.9 % after".to_owned()]));
            for estimate in estimates {
                table.add_row(row(estimate));
            }
            output::print_table(&table)?;
        }
    }
    output::line("")?;
    let mut table =
        output::table(["name", "puts watched", "own sync", "to the slowest and back", "its sync"]);
    for node in told(survey) {
        table.add_row(delays(node));
    }
    output::print_table(&table)?;
    for node in &survey.nodes {
        if let Err(cause) = &node.said {
            output::line(&format!("{} can't be asked: {cause}", node.member.name))?;
        }
    }
    Ok(())
}

fn row(estimate: &EstimateDocument) -> Vec<String> {
    let EstimateDocument { n, r, w, dw, .. } = estimate;
    let never = r + w > *n;
    let mut cells: Vec<String> = [n, r, w, dw].map(u8::to_string).into();
    cells.extend(estimate.stale.iter().map(|step| share(step.probability, never)));
    cells.push(format!("{:.1} ms", estimate.seen_by_999_per_mille_ms));
    cells
}

/// A probability as percent. That none of the draws was stale does not say that no read ever is.
fn share(probability: f64, never: bool) -> String {
    let percent = probability * 100.0;
    match (never, percent < 0.01) {
        (true, _) => "0".to_owned(),
        (false, true) => "< 0.01 %".to_owned(),
        (false, false) => format!("{percent:.2} %"),
    }
}

fn delays(said: &StalenessDocument) -> [String; 5] {
    let slowest =
        said.replicas.iter().max_by(|a, b| f64::total_cmp(&a.trip.p99_ms, &b.trip.p99_ms));
    let none = || "?".to_owned();
    [
        said.node.clone(),
        said.watched_puts.to_string(),
        said.own_sync.as_ref().map_or_else(none, spread),
        slowest.map_or_else(none, |replica| spread(&replica.trip)),
        slowest.map_or_else(none, |replica| spread(&replica.sync)),
    ]
}

fn spread(times: &SpreadDocument) -> String {
    format!("{:.2} ms, 99 %: {:.2}", times.p50_ms, times.p99_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_quorums_that_overlap_are_said_to_be_never_stale() {
        assert_eq!(share(0.0, true), "0");
        assert_eq!(share(0.0, false), "< 0.01 %");
        assert_eq!(share(0.1234, false), "12.34 %");
    }
}
