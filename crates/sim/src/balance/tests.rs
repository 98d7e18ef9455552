//! What must hold of the figure, whatever its numbers are.

use stator_core::token::PartitionCount;

use super::plot::svg;
use super::strategy::{Placement, Size, Strategy};
use super::study::{Point, Study};
use crate::draw::Draw;
use crate::popularity::{Popularity, efficiency};

const SIZE: Size = Size { nodes: 30, replicas: 3 };

fn q(count: u32) -> PartitionCount {
    PartitionCount::new(count).expect("a power of two")
}

fn study() -> Study {
    Study {
        seeds: 0..3,
        size: SIZE,
        keys: 20_000,
        exponents: vec![0.0, 0.7],
        tokens: vec![1, 16],
        partitions: vec![q(64), q(256)],
    }
}

#[test]
fn every_request_is_served_by_as_many_nodes_as_there_are_replicas() {
    let popularity = Popularity::zipf(5_000, 0.9, &mut Draw::of_seed(7));
    for strategy in [Strategy::Tokens(3), Strategy::TokensAndPartitions(3), Strategy::Plan(q(64))] {
        for (nodes, served) in [(30, 3.0), (2, 2.0)] {
            let size = Size { nodes, ..SIZE };
            let loads = Placement::new(strategy, size, &mut Draw::of_seed(1)).loads(&popularity);
            assert_eq!(loads.len(), nodes);
            let sum: f64 = loads.iter().sum();
            assert!((sum - served).abs() < 1e-9, "{strategy:?} of {nodes} nodes: {sum}");
            assert!(
                loads.iter().all(|load| *load <= 1.0 + 1e-9),
                "nobody serves one request twice"
            );
        }
    }
}

#[test]
fn equal_partitions_by_plan_of_a_uniform_load_are_as_even_as_whole_partitions_can_be() {
    // 256 · 3 replicas among 30 nodes: 25.6 each, 26 at most. Keys add noise of their own.
    let even = Popularity::zipf(1_000_000, 0.0, &mut Draw::of_seed(7));
    let placement = Placement::new(Strategy::Plan(q(256)), SIZE, &mut Draw::of_seed(1));
    let found = efficiency(&placement.loads(&even));
    assert!((found - 25.6 / 26.0).abs() < 0.01, "{found}");
}

#[test]
fn a_table_of_equal_partitions_is_smaller_than_tokens_and_spreads_a_uniform_load_better() {
    let points = study().run();
    let even = |number: u8| -> Vec<&Point> {
        let chosen = |point: &&Point| point.strategy.number() == number && point.exponent < 0.1;
        points.iter().filter(chosen).collect()
    };
    let (tokens, plans) = (even(1), even(3));
    assert_eq!((tokens[1].bytes, tokens[1].strategy), (30 * 16 * 17, Strategy::Tokens(16)));
    // Three replicas and an end for each partition, a byte each; and the list's own head.
    assert!((1024..=1028).contains(&plans[1].bytes), "{}", plans[1].bytes);
    assert!(plans[1].range().0 > tokens[1].range().1, "the worst is better than the best");
    let one = even(2);
    assert!(tokens[0].mean() < tokens[1].mean() && one[0].mean() < one[1].mean(), "more tokens");
}

#[test]
fn a_study_measures_every_point_with_every_seed_and_the_same_twice() {
    let points = study().run();
    assert_eq!(points.len(), 2 * (2 + 2 + 2));
    for point in &points {
        assert_eq!(point.efficiencies.len(), 3);
        assert!(point.efficiencies.iter().all(|share| (0.0..=1.0).contains(share)));
        assert_eq!(point.text().len(), Point::head().len(), "the table's columns fit");
    }
    assert_eq!(points, study().run());
    let other = Study { seeds: 3..6, ..study() };
    assert_ne!(points, other.run());
}

#[test]
fn the_figure_shows_every_strategy_for_every_skew() {
    let study = study();
    let figure = svg(&study, &study.run());
    assert_eq!(figure.matches("<polyline").count(), 2 * 3);
    assert!(figure.contains("uniform") && figure.contains("zipf 0.7"));
    assert!(figure.trim_end().ends_with("</svg>") && !figure.contains("NaN"));
}
