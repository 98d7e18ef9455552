//! Whether a cluster has converged: no hints are held anywhere, and the Merkle roots of each
//! partition are the same at all its replicas.
//!
//! The paper, 4.6 and 4.7. The nodes are asked one after the other, so that a hint may go home
//! between two answers and be seen at neither place. What was seen therefore counts only once a
//! second look finds the same roots: what was on its way at the first has changed them since.

mod reason;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use stator_client::{Client, ClientError, Detail, NodeDocument};
use tokio::time::{Instant, sleep};

use crate::survey::{Survey, Surveyed, ask_all};

pub(crate) use reason::Reason;

/// How long after one look the next follows.
const AGAIN: Duration = Duration::from_millis(200);

/// The roots of each partition, by node.
type Roots = BTreeMap<u32, BTreeMap<String, String>>;

/// What came of it.
pub(crate) struct Verdict {
    /// What stands in the way; nothing once the cluster has converged.
    pub(crate) reasons: Vec<Reason>,
    /// The nodes at the last look.
    pub(crate) nodes: Vec<Surveyed>,
    /// The newest ring that anybody knows.
    pub(crate) ring_version: u64,
    /// Its partitions.
    pub(crate) partitions: u64,
    /// How long it took.
    pub(crate) waited: Duration,
}

impl Verdict {
    /// Whether the cluster has converged.
    pub(crate) fn converged(&self) -> bool {
        self.reasons.is_empty()
    }
}

/// Looks again and again until the cluster has converged or the time is over. An error only if the
/// node that names the members does not answer at all.
pub(crate) async fn until_converged(
    first: &Client,
    within: Duration,
) -> Result<Verdict, ClientError> {
    let begun = Instant::now();
    let mut survey = ask_all(first, Detail::Partitions).await?;
    let mut looks = Looks::default();
    loop {
        let seen = looks.look(judge(&survey), roots(&survey.nodes));
        let is_over = begun.elapsed() >= within;
        match seen {
            Seen::Converged => return Ok(verdict(Vec::new(), survey, begun)),
            Seen::Changed if is_over => return Ok(verdict(vec![Reason::Changing], survey, begun)),
            Seen::Apart(reasons) if is_over => return Ok(verdict(reasons, survey, begun)),
            // A look that found nothing amiss is made sure of even when the time is over.
            Seen::Alike | Seen::Changed | Seen::Apart(_) => sleep(AGAIN).await,
        }
        survey = loop {
            match ask_all(first, Detail::Partitions).await {
                Ok(next) => break next,
                Err(error) if begun.elapsed() >= within => {
                    let lost = Reason::Lost { cause: error.to_string() };
                    return Ok(verdict(vec![lost], survey, begun));
                }
                Err(_) => sleep(AGAIN).await,
            }
        };
    }
}

/// What one look adds to those before it.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    /// Something stands in the way.
    Apart(Vec<Reason>),
    /// Nothing does, and the look before says nothing of that.
    Alike,
    /// Nothing did at the look before either, but the roots were others.
    Changed,
    /// Nothing has changed since the look before, at which nothing stood in the way.
    Converged,
}

/// Looks in a row.
#[derive(Default)]
struct Looks {
    /// The roots at the last look, if nothing stood in the way at it.
    alike: Option<Roots>,
}

impl Looks {
    fn look(&mut self, reasons: Vec<Reason>, roots: Roots) -> Seen {
        let before = self.alike.take();
        if !reasons.is_empty() {
            return Seen::Apart(reasons);
        }
        let seen = match before {
            None => Seen::Alike,
            Some(before) if before == roots => Seen::Converged,
            Some(_) => Seen::Changed,
        };
        self.alike = Some(roots);
        seen
    }
}

fn verdict(reasons: Vec<Reason>, survey: Survey, begun: Instant) -> Verdict {
    let partitions = documents(&survey.nodes).map(|(_, said)| said.ring_partitions).max();
    Verdict {
        reasons,
        ring_version: newest_ring(&survey),
        partitions: partitions.unwrap_or_default(),
        nodes: survey.nodes,
        waited: begun.elapsed(),
    }
}

/// What stands in the way, by what all said at one look.
fn judge(survey: &Survey) -> Vec<Reason> {
    let newest = newest_ring(survey);
    if newest == 0 {
        return vec![Reason::NoRing];
    }
    let mut reasons = Vec::new();
    // Who only wants to join owns nothing and holds nothing.
    for node in survey.nodes.iter().filter(|node| node.member.state != "joining") {
        match &node.said {
            Err(cause) => reasons
                .push(Reason::NotAsked { node: node.member.name.clone(), cause: cause.clone() }),
            Ok(said) => of_node(&node.member.name, said, newest, &mut reasons),
        }
    }
    // With an answer missing nothing is known of the partitions that nobody told of.
    let all_told = reasons.is_empty();
    let roots = roots(&survey.nodes);
    let told: BTreeSet<u32> = documents(&survey.nodes)
        .flat_map(|(_, said)| said.partitions.iter().map(|each| each.partition))
        .collect();
    for (partition, roots) in roots {
        let alike: BTreeSet<&String> = roots.values().collect();
        if alike.len() > 1 {
            reasons.push(Reason::Differs { partition, roots });
        }
    }
    let there_are = documents(&survey.nodes).map(|(_, said)| said.ring_partitions).max();
    let missing = there_are.unwrap_or_default().saturating_sub(told.len() as u64);
    if all_told && missing > 0 {
        reasons.push(Reason::Unowned { partitions: missing });
    }
    reasons
}

/// What stands in the way at one node.
fn of_node(name: &str, said: &NodeDocument, newest: u64, reasons: &mut Vec<Reason>) {
    let node = || name.to_owned();
    if said.ring_version < newest {
        reasons.push(Reason::OlderRing { node: node(), knows: said.ring_version, newest });
    }
    if said.silent_shards > 0 {
        reasons.push(Reason::SilentShards { node: node(), shards: said.silent_shards });
    }
    for held in &said.hints {
        reasons.push(Reason::Hints {
            node: node(),
            owner: held.owner.clone(),
            objects: held.objects,
            bytes: held.bytes,
        });
    }
    if said.counting_hints {
        reasons.push(Reason::CountingHints { node: node() });
    }
    if said.set_aside > 0 {
        reasons.push(Reason::SetAside { node: node(), objects: said.set_aside });
    }
    if said.trees_building > 0 {
        reasons.push(Reason::BuildingTrees { node: node(), partitions: said.trees_building });
    }
}

/// The roots that are known.
fn roots(nodes: &[Surveyed]) -> Roots {
    let mut roots = Roots::new();
    for (name, said) in documents(nodes) {
        for each in &said.partitions {
            let Some(root) = &each.root else { continue };
            roots.entry(each.partition).or_default().insert(name.to_owned(), root.clone());
        }
    }
    roots
}

fn documents(nodes: &[Surveyed]) -> impl Iterator<Item = (&str, &NodeDocument)> {
    nodes.iter().filter_map(|node| Some((node.member.name.as_str(), node.said.as_ref().ok()?)))
}

fn newest_ring(survey: &Survey) -> u64 {
    let told = documents(&survey.nodes).map(|(_, said)| said.ring_version);
    told.fold(survey.cluster.ring_version, u64::max)
}

#[cfg(test)]
mod tests;
