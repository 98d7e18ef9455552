//! What a plan rests on, in the planner's own terms: sites by index instead of members by id.

use std::collections::{BTreeMap, BTreeSet};

use super::changes::Membership;
use super::ideals::{Demand, Share, Site, ideals};
use crate::identity::NodeId;
use crate::ring::Ring;

/// What a plan rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grounds {
    /// The members of the ring to come, in the order of their ids.
    pub(super) sites: Vec<Site>,
    /// The zones' names, as the sites number them.
    pub(super) zones: Vec<String>,
    /// What is to be placed.
    pub(super) demand: Demand,
    /// Each site's ideal number of replicas.
    pub(super) ideals: Vec<Share>,
    /// Who of the sites holds each partition until now; a replacement counts as holding what it
    /// gets the place of.
    pub(super) holders: Vec<Vec<usize>>,
}

impl Grounds {
    /// The grounds of a plan that makes `membership` follow `ring`.
    pub(super) fn new(ring: &Ring, membership: &Membership) -> Self {
        let names: BTreeSet<&str> =
            membership.members.values().map(|member| member.zone.as_str()).collect();
        let zones: Vec<String> = names.iter().map(|&zone| zone.to_owned()).collect();
        let numbers: BTreeMap<&str, usize> =
            names.into_iter().enumerate().map(|(number, zone)| (zone, number)).collect();
        let sites: Vec<Site> = membership
            .members
            .iter()
            .map(|(node, member)| Site {
                node: *node,
                weight: u64::from(member.weight.get()),
                zone: numbers[member.zone.as_str()],
            })
            .collect();
        let demand = Demand {
            partitions: u64::from(ring.partitions.get()),
            copies: u64::from(ring.replicas.max(1)).min(sites.len() as u64),
            zones: zones.len(),
        };
        let ideals = ideals(&sites, demand);
        let holders = holders(ring, membership, &sites);
        Self { sites, zones, demand, ideals, holders }
    }
}

fn holders(ring: &Ring, membership: &Membership, sites: &[Site]) -> Vec<Vec<usize>> {
    let index: BTreeMap<NodeId, usize> =
        sites.iter().enumerate().map(|(index, site)| (site.node, index)).collect();
    let now = |node: &NodeId| {
        let successor = membership.replaced.get(node).unwrap_or(node);
        index.get(successor).copied()
    };
    let sites_of = |replicas: &Vec<NodeId>| -> Vec<usize> {
        let distinct: BTreeSet<usize> = replicas.iter().filter_map(now).collect();
        distinct.into_iter().collect()
    };
    ring.table.iter().map(sites_of).collect()
}
