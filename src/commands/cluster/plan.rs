//! `stator cluster plan`: what committing would do, and the command that commits it.

use std::collections::BTreeMap;
use std::fmt::Write;

use stator_client::{PlanChange, PlanDocument};

use crate::cli::Connection;
use crate::commands::Ended;
use crate::exit::Exit;
use crate::output;

/// Shows the plan.
pub(super) async fn run(connection: Connection) -> Ended {
    let plan = connection.client().plan().await?;
    if connection.json {
        output::json(&plan)?;
        return Ok(Exit::Done);
    }
    if plan.changes.is_empty() {
        output::line(
            "nothing is staged: start a node with `stator serve --join`, or stage a change",
        )?;
        return Ok(Exit::Done);
    }
    for change in &plan.changes {
        output::line(&describe(change))?;
    }
    output::line("")?;
    let mut table = output::table(["name", "share before", "share after"]);
    for member in &plan.members {
        let (before, after) = (member.share_before, member.share_after);
        table.add_row([member.name.clone(), output::percent(before), output::percent(after)]);
    }
    output::print_table(&table)?;
    output::line("")?;
    output::line(&moves(&plan))?;
    if !plan.moves.is_empty() {
        let (size, seconds) = (output::size(plan.bytes), plan.seconds);
        output::line(&format!(
            "{} partitions change hands, about {size}: some {seconds} s if nobody is slow",
            plan.partitions
        ))?;
    }
    for warning in &plan.warnings {
        output::line(&format!("warning: {warning}"))?;
    }
    output::line(&format!("commit it with: stator cluster commit --version {}", plan.version))?;
    Ok(Exit::Done)
}

fn describe(change: &PlanChange) -> String {
    let mut text = format!("{} {}", change.kind, change.node);
    for (name, value) in change.more.iter().filter(|(name, _)| *name != "id") {
        if let Some(word) = value.as_str() {
            let _ = write!(text, ", {name} {word}");
        } else if value.is_number() {
            let _ = write!(text, ", {name} {value}");
        }
    }
    text
}

fn moves(plan: &PlanDocument) -> String {
    if plan.moves.is_empty() {
        return "no replica moves".to_owned();
    }
    let mut gained: BTreeMap<&str, u32> = BTreeMap::new();
    for moved in &plan.moves {
        *gained.entry(&moved.to).or_default() += 1;
    }
    let gained: Vec<String> =
        gained.into_iter().map(|(node, count)| format!("{node} gets {count}")).collect();
    format!("{} replicas of partitions move: {}", plan.moves.len(), gained.join(", "))
}
