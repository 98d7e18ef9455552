//! What an operator should know of a ring before committing to it: what it does not protect from.

use std::collections::BTreeMap;

use super::grounds::Grounds;
use super::ideals::zone_total;
use crate::identity::NodeId;
use crate::ring::Member;

/// Sentences for people; none if all is as one would expect.
pub(super) fn warnings(
    members: &BTreeMap<NodeId, Member>,
    replicas: u8,
    grounds: &Grounds,
) -> Vec<String> {
    let mut warnings = Vec::new();
    let replicas = usize::from(replicas.max(1));
    if members.len() < replicas {
        warnings.push(format!(
            "{} for {replicas} replicas: each partition has only {} until more nodes join",
            counted(members.len(), "member"),
            counted(grounds.demand.copies as usize, "replica"),
        ));
    }
    if members.len() == 2 {
        warnings.push(
            "with two members both must be up for a change of the ring: a third would let one be \
             down"
                .to_owned(),
        );
    }
    warnings.extend(shared_zones(grounds));
    warnings.extend(uneven_zones(grounds));
    warnings
}

/// Replicas that share a zone though there are zones. A single zone for all is no attempt at
/// spreading, so nothing is said of it.
fn shared_zones(grounds: &Grounds) -> Option<String> {
    let (zones, copies) = (grounds.zones.len(), grounds.demand.copies as usize);
    if zones < 2 || zones >= copies {
        return None;
    }
    Some(format!(
        "{zones} zones for {copies} replicas: replicas of each partition share a zone, and losing \
         it loses up to {} of {copies}",
        most_in_one_zone(grounds),
    ))
}

/// How many replicas of one partition may be in one zone.
fn most_in_one_zone(grounds: &Grounds) -> usize {
    let sizes = zone_sizes(grounds);
    let largest = sizes.into_iter().max().unwrap_or(0);
    largest.min(1 + grounds.demand.sharing() as usize)
}

fn zone_sizes(grounds: &Grounds) -> Vec<usize> {
    let mut sizes = vec![0; grounds.zones.len()];
    for site in &grounds.sites {
        sizes[site.zone] += 1;
    }
    sizes
}

/// Zones whose members hold clearly more or less than their weights ask for, since spreading over
/// zones comes before balance.
fn uneven_zones(grounds: &Grounds) -> Vec<String> {
    if grounds.zones.len() < 2 || grounds.demand.copies == grounds.sites.len() as u64 {
        return Vec::new();
    }
    let weight: u64 = grounds.sites.iter().map(|site| site.weight).sum();
    let total = grounds.demand.total();
    let mut by_zone: Vec<(u64, u64)> = (0..grounds.zones.len())
        .map(|zone| (zone_total(&grounds.sites, zone, &grounds.ideals).floor(), 0))
        .collect();
    for site in &grounds.sites {
        by_zone[site.zone].1 += site.weight;
    }
    // One replica more or less, or a tenth of what was asked, is no reason to act.
    let differs = |(has, asks): (u64, u64)| {
        (has * weight).abs_diff(asks * total) > weight + asks * total / 10
    };
    let percent = |part: u64, whole: u64| (part as f64 * 100.0 / whole as f64).round();
    grounds
        .zones
        .iter()
        .zip(by_zone)
        .filter(|(_, zone)| differs(*zone))
        .map(|(name, (has, asks))| {
            format!(
                "zone {name:?} holds {}% of the replicas, by weight it would be {}%: replicas are \
                 spread over zones before they are balanced; add capacity to the smaller zones",
                percent(has, total),
                percent(asks, weight),
            )
        })
        .collect()
}

fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
