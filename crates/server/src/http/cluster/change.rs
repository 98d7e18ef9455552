//! A change that an operator wants staged, read from its document.

use serde_json::{Map, Value};
use stator_core::identity::NodeId;
use stator_core::membership::admin::{ClusterStatus, MemberState, MemberStatus};
use stator_core::membership::facts::StagedChange;
use stator_core::ring::{Change, Weight};

use super::super::problem::{Problem, kind};

/// What a change may say, by its kind; all name a `node`.
const KINDS: &[(&str, &[&str])] = &[
    ("join", &["zone", "weight"]),
    ("leave", &[]),
    ("remove-dead", &[]),
    ("remove", &[]),
    ("replace", &["with", "by"]),
    ("weight", &["weight"]),
    ("zone", &["zone"]),
];

/// The changes of a document: itself, or those in its `changes`.
pub(in super::super) fn read(
    document: &Map<String, Value>,
    known: &ClusterStatus,
) -> Result<Vec<Change>, Problem> {
    let Some(listed) = document.get("changes") else {
        return Ok(vec![change(document, known)?]);
    };
    let listed = listed.as_array().filter(|listed| !listed.is_empty() && document.len() == 1);
    let Some(listed) = listed else {
        return Err(malformed("changes must be a list with at least one change, and alone"));
    };
    listed
        .iter()
        .map(|one| match one.as_object() {
            Some(one) => change(one, known),
            None => Err(malformed("a change must be a JSON object")),
        })
        .collect()
}

fn change(document: &Map<String, Value>, known: &ClusterStatus) -> Result<Change, Problem> {
    let kind = text(document, "kind")?;
    let Some((kind, words)) = KINDS.iter().find(|(name, _)| *name == kind) else {
        let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
        let detail = format!("there is no change of kind {kind}; known are: {}", names.join(", "));
        return Err(malformed(&detail));
    };
    let stranger = document
        .keys()
        .find(|name| *name != "kind" && *name != "node" && !words.contains(&name.as_str()));
    if let Some(stranger) = stranger {
        return Err(malformed(&format!("{stranger} means nothing in a change of kind {kind}")));
    }
    let named = text(document, "node")?;
    let prefer = if *kind == "join" { Prefer::Joining } else { Prefer::Members };
    let node = find(known, named, prefer)?;
    let change = match *kind {
        "join" => join(document, node)?,
        "leave" => StagedChange::Leave,
        "replace" => {
            let word = if document.contains_key("by") { "by" } else { "with" };
            let other = find(known, text(document, word)?, Prefer::Joining)?;
            StagedChange::ReplaceBy(other.id)
        }
        "weight" => StagedChange::Weight(weight(document)?),
        "zone" => StagedChange::Zone(text(document, "zone")?.to_owned()),
        _ => StagedChange::RemoveDead,
    };
    Ok(Change { node: node.id, change })
}

/// A join as the node itself would stage it, but for what the operator says.
fn join(document: &Map<String, Value>, node: &MemberStatus) -> Result<StagedChange, Problem> {
    let zone = if document.contains_key("zone") { text(document, "zone")? } else { &node.zone };
    let weight = if document.contains_key("weight") { weight(document)? } else { node.weight };
    Ok(StagedChange::Join { name: node.name.clone(), zone: zone.to_owned(), weight })
}

fn text<'a>(document: &'a Map<String, Value>, name: &str) -> Result<&'a str, Problem> {
    let text = document.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.ok_or_else(|| malformed(&format!("the change must say its {name}, as a text")))
}

fn weight(document: &Map<String, Value>) -> Result<Weight, Problem> {
    let number = document.get("weight").and_then(Value::as_u64);
    let weight = number.and_then(|number| u32::try_from(number).ok()).and_then(Weight::new);
    weight.ok_or_else(|| {
        malformed(&format!("weight must be a whole number from 1 to {}", Weight::MAX))
    })
}

/// Whom a name means where two nodes have it, as happens when a new node is to take the place of
/// an old one of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prefer {
    Members,
    Joining,
}

fn find<'a>(
    known: &'a ClusterStatus,
    named: &str,
    prefer: Prefer,
) -> Result<&'a MemberStatus, Problem> {
    let id = named.parse::<NodeId>().ok().filter(|_| named.len() == 16);
    let by_id = known.members.iter().find(|member| Some(member.id) == id);
    let mut by_name: Vec<_> = known.members.iter().filter(|member| member.name == named).collect();
    by_name.sort_by_key(|member| match (member.state, prefer) {
        (MemberState::Up | MemberState::Down, Prefer::Members)
        | (MemberState::Joining, Prefer::Joining) => 0,
        (MemberState::Removed, _) => 2,
        _ => 1,
    });
    by_id.or(by_name.first().copied()).ok_or_else(|| {
        let names: Vec<&str> = known.members.iter().map(|member| member.name.as_str()).collect();
        let detail = format!("there is no node {named}; known are: {}", names.join(", "));
        Problem::new(kind::NODE_UNKNOWN, detail)
    })
}

fn malformed(detail: &str) -> Problem {
    Problem::new(kind::CHANGE_INVALID, detail)
}
