//! `stator verify`: whether the cluster has converged, and if not, why.

use serde_json::{Value, json};

use crate::cli::VerifyArgs;
use crate::commands::Ended;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::survey::Surveyed;
use crate::verify::{Reason, Verdict, until_converged};

/// Partitions that are named to people; scripts get them all.
const NAMED: usize = 8;

/// Asks every node until the cluster has converged or the time is over.
pub(super) async fn run(args: VerifyArgs) -> Ended {
    let verdict = until_converged(&args.connection.client(), args.timeout).await?;
    if args.connection.json {
        output::json(&document(&verdict))?;
    } else {
        print(&verdict)?;
    }
    Ok(if verdict.converged() { Exit::Done } else { Exit::Failed })
}

fn document(verdict: &Verdict) -> Value {
    let nodes: Vec<Value> = verdict.nodes.iter().map(node).collect();
    let told: Vec<String> = verdict.reasons.iter().map(Reason::to_string).collect();
    json!({
        "converged": verdict.converged(),
        "waited_ms": verdict.waited.as_millis() as u64,
        "ring_version": verdict.ring_version,
        "partitions": verdict.partitions,
        "nodes": nodes,
        "reasons": verdict.reasons,
        "told": told,
    })
}

fn node(node: &Surveyed) -> Value {
    let member = &node.member;
    match &node.said {
        Err(cause) => json!({
            "name": member.name, "id": member.id, "state": member.state, "asked": false,
            "cause": cause,
        }),
        Ok(said) => json!({
            "name": member.name, "id": member.id, "state": member.state, "asked": true,
            "replicas": said.replicas,
            "hints": said.hints,
            "trees_building": said.trees_building,
            "not_counting": said.not_counting,
            "set_aside": said.set_aside,
        }),
    }
}

fn print(verdict: &Verdict) -> Result<(), Failure> {
    let mut table =
        output::table(["name", "state", "replicas", "hints", "trees", "damaged", "in reads"]);
    for node in &verdict.nodes {
        table.add_row(row(node));
    }
    output::print_table(&table)?;
    output::line("")?;
    let waited = verdict.waited.as_secs_f64();
    if verdict.converged() {
        return output::line(&format!(
            "converged after {waited:.1} s: all {} partitions are the same at all their replicas, \
             and nobody holds hints",
            verdict.partitions
        ));
    }
    output::line(&format!("not converged after {waited:.1} s:"))?;
    let differing =
        |reason: &&Reason| matches!(reason, Reason::Differs { .. } | Reason::Unowned { .. });
    for reason in verdict.reasons.iter().filter(|reason| !differing(reason)) {
        output::line(&format!("  {reason}"))?;
    }
    let differing: Vec<&Reason> = verdict.reasons.iter().filter(differing).collect();
    for reason in differing.iter().take(NAMED) {
        output::line(&format!("  {reason}"))?;
    }
    if let Some(more @ 1..) = differing.len().checked_sub(NAMED) {
        output::line(&format!("  and {more} partitions more: --json names them all"))?;
    }
    Ok(())
}

fn row(node: &Surveyed) -> [String; 7] {
    let (name, state) = (node.member.name.clone(), node.member.state.clone());
    let Ok(said) = &node.said else {
        let unknown = || "?".to_owned();
        return [name, state, unknown(), unknown(), unknown(), unknown(), unknown()];
    };
    let hints: u64 = said.hints.iter().map(|held| held.objects).sum();
    let trees = match said.trees_building {
        0 => "ready".to_owned(),
        building => format!("{building} to build"),
    };
    let counting = match said.not_counting {
        0 => "all".to_owned(),
        missing => format!("{missing} not yet"),
    };
    [
        name,
        state,
        said.replicas.to_string(),
        hints.to_string(),
        trees,
        said.set_aside.to_string(),
        counting,
    ]
}
