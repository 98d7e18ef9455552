//! How many replicas each member should hold: shares by weight, within what zones allow.
//!
//! A member's ideal is proportional to its weight. Two things come before that: nobody holds two
//! replicas of one partition, and a partition's replicas are spread over as many zones as can be
//! (rule 14). With as many zones as replicas or more, that means that a zone as a whole holds no
//! partition twice; with fewer zones, that each zone holds each partition at least once. What a
//! bound takes from one, or gives to it, the others share by weight (water-filling).
//! Numbers are exact fractions: every node that plans gets the same plan.

use crate::identity::NodeId;

/// A member as the planner sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Site {
    /// Its id.
    pub(super) node: NodeId,
    /// Its weight.
    pub(super) weight: u64,
    /// Its zone, counted from 0.
    pub(super) zone: usize,
}

/// What is to be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Demand {
    /// Q.
    pub(super) partitions: u64,
    /// Replicas of each partition; not more than there are members.
    pub(super) copies: u64,
    /// How many zones there are.
    pub(super) zones: usize,
}

impl Demand {
    /// In how many zones each partition has replicas.
    pub(super) fn spread(&self) -> u64 {
        self.copies.min(self.zones as u64)
    }

    /// How many replicas of a partition may share a zone with another one of it.
    pub(super) fn sharing(&self) -> u64 {
        self.copies - self.spread()
    }

    /// All replicas of all partitions.
    pub(super) const fn total(&self) -> u64 {
        self.partitions * self.copies
    }
}

/// A number of replicas, as an exact fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    numerator: u64,
    denominator: u64,
}

impl Share {
    const fn whole(number: u64) -> Self {
        Self { numerator: number, denominator: 1 }
    }

    /// The whole part.
    pub(super) const fn floor(self) -> u64 {
        self.numerator / self.denominator
    }

    /// Whether it is more than its whole part.
    pub(super) const fn is_fractional(self) -> bool {
        self.remainder() > 0
    }

    /// What the fraction adds to the whole part, in parts of the denominator.
    const fn remainder(self) -> u64 {
        self.numerator % self.denominator
    }
}

/// Each site's ideal number of replicas.
pub(super) fn ideals(sites: &[Site], demand: Demand) -> Vec<Share> {
    let mut shares = vec![Share::whole(0); sites.len()];
    let mut open: Vec<usize> = (0..demand.zones).collect();
    let mut rest = demand.total();
    loop {
        fill(sites, &inside(sites, &open), (rest, demand.partitions), &mut shares);
        let (bound, free): (Vec<usize>, Vec<usize>) =
            open.iter().partition(|zone| out_of_bounds(sites, **zone, demand, &shares));
        if bound.is_empty() {
            return shares;
        }
        // What this leaves to the others moves them away from their own bound on the same side, so
        // a zone that was bound once stays so.
        for zone in bound {
            let amount = (demand.partitions, demand.partitions);
            fill(sites, &inside(sites, &[zone]), amount, &mut shares);
            rest -= demand.partitions;
        }
        open = free;
    }
}

/// Which sites are in one of the zones.
fn inside(sites: &[Site], zones: &[usize]) -> Vec<usize> {
    (0..sites.len()).filter(|site| zones.contains(&sites[*site].zone)).collect()
}

/// Whether a zone has more, or less, than spreading over zones lets it have.
fn out_of_bounds(sites: &[Site], zone: usize, demand: Demand, shares: &[Share]) -> bool {
    let total = zone_total(sites, zone, shares);
    if demand.zones as u64 >= demand.copies {
        total.floor() > demand.partitions
            || (total.floor() == demand.partitions && total.is_fractional())
    } else {
        total.floor() < demand.partitions
    }
}

/// What a zone's sites have together. All shares with a fraction have one denominator there: a
/// zone is filled alone or together with others, never in parts.
pub(super) fn zone_total(sites: &[Site], zone: usize, shares: &[Share]) -> Share {
    let mut sum = Share::whole(0);
    for share in (0..sites.len()).filter(|s| sites[*s].zone == zone).map(|site| shares[site]) {
        if share.is_fractional() && sum.denominator == 1 {
            sum = Share {
                numerator: sum.numerator * share.denominator,
                denominator: share.denominator,
            };
        }
        sum.numerator += share.floor() * sum.denominator + share.remainder();
    }
    sum
}

/// Gives `total` to the chosen sites by weight, none more than `cap`; what one can't take, the
/// others get.
fn fill(sites: &[Site], chosen: &[usize], (total, cap): (u64, u64), shares: &mut [Share]) {
    let mut open = chosen.to_vec();
    let mut rest = total;
    loop {
        let weight: u64 = open.iter().map(|site| sites[*site].weight).sum();
        let (full, free): (Vec<usize>, Vec<usize>) =
            open.iter().partition(|site| sites[**site].weight * rest > cap * weight);
        if full.is_empty() {
            for site in free {
                shares[site] = Share { numerator: sites[site].weight * rest, denominator: weight };
            }
            return;
        }
        rest -= cap * full.len() as u64;
        for site in full {
            shares[site] = Share::whole(cap);
        }
        open = free;
    }
}

#[cfg(test)]
mod tests;
