//! Which members hold which partition: within one of the ideal, spread over zones, fewest moves.
//!
//! A flow of one unit for each replica: from a partition to a zone, from there to a member, from
//! there out: as much as the whole part of the member's ideal, and one more where it has a
//! fraction, for as many members as it takes. To stay where it is costs a replica nothing, to move
//! costs 1, so a flow of least cost moves the fewest; no other way to round the ideals moves fewer.
//!
//! ```text
//!            k           1              1        whole part
//!   source ----> partition ----> its zone ----> member ----> sink
//!                    \-- k - zones --^             \-- 1 --> spare --^
//!                   if there are fewer zones       if there is a fraction
//! ```
//!
//! A flow that fills all of this always exists: give each member the same part of a replica of each
//! partition, its ideal over Q. That keeps all bounds, and a network whose bounds are whole numbers
//! then has a whole flow too. It fills every edge into the sink, so nobody gets less than the whole
//! part; and every edge out of the source, so each partition has as many zones as can be.

use super::flow::{Edge, Lane, Network, Vertex};
use super::ideals::{Demand, Share, Site};
use super::mix;
use crate::token::Partition;

/// Where everything is in the network.
#[derive(Clone, Copy, Debug)]
struct Layout {
    sites: usize,
    partitions: usize,
    zones: usize,
}

impl Layout {
    const SOURCE: Vertex = Vertex(0);
    const SINK: Vertex = Vertex(1);
    /// Through here goes what members hold beyond the whole part of their ideal.
    const SPARE: Vertex = Vertex(2);
    const FIXED: usize = 3;

    const fn site(site: usize) -> Vertex {
        Vertex((Self::FIXED + site) as u32)
    }

    /// Which site a vertex stands for, if it does.
    fn site_of(self, vertex: Vertex) -> Option<usize> {
        let site = (vertex.0 as usize).checked_sub(Self::FIXED)?;
        (site < self.sites).then_some(site)
    }

    const fn partition(self, partition: usize) -> Vertex {
        Vertex((Self::FIXED + self.sites + partition) as u32)
    }

    /// Through here go the replicas of a partition that may share a zone with another.
    const fn sharing(self, partition: usize) -> Vertex {
        Vertex((Self::FIXED + self.sites + self.partitions + partition) as u32)
    }

    const fn zone(self, partition: usize, zone: usize) -> Vertex {
        Vertex((self.first_zone() + partition * self.zones + zone) as u32)
    }

    const fn first_zone(self) -> usize {
        Self::FIXED + self.sites + 2 * self.partitions
    }

    /// Of which partition a vertex is a zone, if it is one.
    fn partition_of(self, vertex: Vertex) -> Option<usize> {
        (vertex.0 as usize).checked_sub(self.first_zone()).map(|number| number / self.zones)
    }

    const fn vertices(self) -> usize {
        Self::FIXED + self.sites + self.partitions * (2 + self.zones)
    }
}

/// What an assignment starts from, all by the index of sites.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before<'a> {
    /// The members.
    pub(super) sites: &'a [Site],
    /// How many replicas each would hold ideally; their sum is what is to be placed.
    pub(super) ideals: &'a [Share],
    /// Who holds each partition until now.
    pub(super) holders: &'a [Vec<usize>],
}

/// For each partition its holders, in the order of sites.
pub(super) fn assign(before: Before<'_>, demand: Demand) -> Vec<Vec<usize>> {
    let layout =
        Layout { sites: before.sites.len(), partitions: before.holders.len(), zones: demand.zones };
    let mut network = Network::new(layout.vertices(), Layout::SOURCE, Layout::SINK);
    add_members(&mut network, before.ideals, demand);
    let mut entries = Vec::with_capacity(layout.partitions);
    for partition in 0..layout.partitions {
        entries.push(add_partition(&mut network, layout, partition, (before, demand)));
    }
    // First the places that stay, one more of each partition at a time: what must move is thus
    // spread, and a partition loses two of its replicas only if that can't be helped.
    let mut placed = 0;
    for _ in 0..demand.copies {
        for entry in &entries {
            network.widen(*entry);
        }
        placed += network.push_free();
    }
    for partition in 0..layout.partitions {
        add_moves(&mut network, layout, partition, before);
    }
    placed += network.push_up_to(demand.total() - placed);
    debug_assert_eq!(placed, demand.total(), "ideals within their bounds can always be met");
    holders(&mut network, layout)
}

/// Adds what each member may hold.
fn add_members(network: &mut Network, ideals: &[Share], demand: Demand) {
    for (site, ideal) in ideals.iter().enumerate() {
        let whole = Lane { capacity: ideal.floor() as u32, cost: 0 };
        network.add(Layout::site(site), Layout::SINK, whole);
        if ideal.is_fractional() {
            network.add(Layout::site(site), Layout::SPARE, Lane { capacity: 1, cost: 0 });
        }
    }
    let spare = demand.total() - ideals.iter().map(|ideal| ideal.floor()).sum::<u64>();
    network.add(Layout::SPARE, Layout::SINK, Lane { capacity: spare as u32, cost: 0 });
}

/// Adds the edges of one partition, but for those that move it. Returns the edge that lets replicas
/// in, still closed.
fn add_partition(
    network: &mut Network,
    layout: Layout,
    partition: usize,
    (before, demand): (Before<'_>, Demand),
) -> Edge {
    let start = layout.partition(partition);
    let entry = network.add(Layout::SOURCE, start, Lane { capacity: 0, cost: 0 });
    let sharing = Lane { capacity: demand.sharing() as u32, cost: 0 };
    if sharing.capacity > 0 {
        network.add(start, layout.sharing(partition), sharing);
    }
    for zone in 0..layout.zones {
        let end = layout.zone(partition, zone);
        network.add(start, end, Lane { capacity: 1, cost: 0 });
        if sharing.capacity > 0 {
            network.add(layout.sharing(partition), end, sharing);
        }
    }
    // In an order of each partition's own, so that not always the same one stays.
    let id = Partition::new(partition as u32);
    let mut holders = before.holders[partition].clone();
    holders.sort_by_key(|site| mix::rank(id, before.sites[*site].node));
    for site in holders {
        let from = layout.zone(partition, before.sites[site].zone);
        network.add(from, Layout::site(site), Lane { capacity: 1, cost: 0 });
    }
    entry
}

/// Adds the edges to members that do not hold the partition. Each partition tries the members in an
/// order of its own, so that what one member holds is shared with many others, who can all help
/// when it fails.
fn add_moves(network: &mut Network, layout: Layout, partition: usize, before: Before<'_>) {
    let id = Partition::new(partition as u32);
    let holders = &before.holders[partition];
    let mut others: Vec<(u64, usize)> = (0..layout.sites)
        .filter(|site| !holders.contains(site))
        .map(|site| (mix::rank(id, before.sites[site].node), site))
        .collect();
    others.sort_unstable();
    for (_, site) in others {
        let from = layout.zone(partition, before.sites[site].zone);
        network.add(from, Layout::site(site), Lane { capacity: 1, cost: 1 });
    }
}

/// The holders of each partition, as the flow has them.
fn holders(network: &mut Network, layout: Layout) -> Vec<Vec<usize>> {
    let mut holders = vec![Vec::new(); layout.partitions];
    for (from, to) in network.carrying() {
        if let (Some(partition), Some(site)) = (layout.partition_of(from), layout.site_of(to)) {
            holders[partition].push(site);
        }
    }
    for sites in &mut holders {
        sites.sort_unstable();
    }
    holders
}
