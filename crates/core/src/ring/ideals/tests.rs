use super::*;

/// Sites with these weights and zones.
fn sites(of: &[(u64, usize)]) -> Vec<Site> {
    of.iter()
        .enumerate()
        .map(|(index, (weight, zone))| Site {
            node: NodeId::new(index as u64),
            weight: *weight,
            zone: *zone,
        })
        .collect()
}

fn demand(partitions: u64, copies: u64, zones: usize) -> Demand {
    Demand { partitions, copies, zones }
}

/// Ideals as whole numbers and what they have beyond, as a fraction.
fn told(of: &[(u64, usize)], demand: Demand) -> Vec<(u64, f64)> {
    ideals(&sites(of), demand)
        .into_iter()
        .map(|share| (share.floor(), share.remainder() as f64 / share.denominator as f64))
        .collect()
}

#[test]
fn shares_follow_weights() {
    let ideals = told(&[(100, 0), (300, 0), (200, 0), (200, 0)], demand(8, 2, 1));
    assert_eq!(ideals, vec![(2, 0.0), (6, 0.0), (4, 0.0), (4, 0.0)]);
    let ideals = told(&[(1, 0), (1, 0), (1, 0), (1, 0), (1, 0)], demand(8, 2, 1));
    assert_eq!(ideals, vec![(3, 0.2); 5]);
}

#[test]
fn nobody_gets_more_than_every_partition_once() {
    let ideals = told(&[(9000, 0), (100, 0), (100, 0)], demand(8, 2, 1));
    assert_eq!(ideals, vec![(8, 0.0), (4, 0.0), (4, 0.0)]);
    // What one is spared may lift another over the bound.
    let ideals = told(&[(9000, 0), (400, 0), (10, 0), (10, 0)], demand(8, 3, 1));
    assert_eq!(ideals, vec![(8, 0.0), (8, 0.0), (4, 0.0), (4, 0.0)]);
}

#[test]
fn with_zones_enough_a_zone_holds_no_partition_twice() {
    let ideals = told(&[(1, 0), (1, 0), (1, 0), (1, 0), (1, 1), (1, 2)], demand(12, 3, 3));
    let each = [(3, 0.0), (3, 0.0), (3, 0.0), (3, 0.0), (12, 0.0), (12, 0.0)];
    assert_eq!(ideals, each);
    let ideals = told(&[(5, 0), (5, 0), (2, 1), (1, 2), (1, 3)], demand(12, 2, 4));
    assert_eq!(ideals, [(6, 0.0), (6, 0.0), (6, 0.0), (3, 0.0), (3, 0.0)]);
}

#[test]
fn with_few_zones_each_holds_every_partition() {
    let ideals = told(&[(1, 0), (1, 0), (1, 0), (1, 0), (1, 1)], demand(12, 3, 2));
    assert_eq!(ideals, [(6, 0.0), (6, 0.0), (6, 0.0), (6, 0.0), (12, 0.0)]);
}

#[test]
fn zones_that_need_no_bound_change_nothing() {
    let ideals = told(&[(1, 0), (1, 0), (1, 1), (1, 1)], demand(12, 3, 2));
    assert_eq!(ideals, [(9, 0.0); 4]);
}

#[test]
fn a_zone_s_sum_is_exact() {
    let sites = sites(&[(1, 0), (1, 0), (1, 0), (4, 1)]);
    let shares = ideals(&sites, demand(10, 1, 2));
    let (first, second) = (zone_total(&sites, 0, &shares), zone_total(&sites, 1, &shares));
    assert_eq!((first.floor(), first.remainder(), first.denominator), (4, 2, 7));
    assert_eq!((second.floor(), second.remainder(), second.denominator), (5, 5, 7));
}
