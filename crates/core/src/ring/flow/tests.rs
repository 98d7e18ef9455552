use super::*;

const SOURCE: Vertex = Vertex(0);
const SINK: Vertex = Vertex(1);

fn lane(capacity: u32, cost: i32) -> Lane {
    Lane { capacity, cost }
}

#[test]
fn cheap_paths_are_taken_first() {
    let mut network = Network::new(4, SOURCE, SINK);
    let (cheap, dear) = (Vertex(2), Vertex(3));
    network.add(SOURCE, cheap, lane(2, 0));
    network.add(SOURCE, dear, lane(5, 0));
    network.add(cheap, SINK, lane(2, 1));
    network.add(dear, SINK, lane(5, 7));
    assert_eq!(network.push_up_to(3), 3);
    let carrying: Vec<_> = network.carrying().collect();
    let all = vec![(SOURCE, cheap), (SOURCE, dear), (cheap, SINK), (dear, SINK)];
    assert_eq!(carrying, all);
    assert_eq!(network.push_up_to(u64::MAX), 4, "what is left of the dear path");
}

#[test]
fn flow_is_taken_back_where_that_makes_room() {
    // Two who both want the first place, one of whom has no other.
    let mut network = Network::new(6, SOURCE, SINK);
    let (either, only, first, second) = (Vertex(2), Vertex(3), Vertex(4), Vertex(5));
    network.add(SOURCE, either, lane(1, 0));
    network.add(either, first, lane(1, 0));
    network.add(first, SINK, lane(1, 0));
    network.add(second, SINK, lane(1, 0));
    assert_eq!(network.push_free(), 1);
    network.add(SOURCE, only, lane(1, 1));
    network.add(only, first, lane(1, 1));
    network.add(either, second, lane(1, 1));
    assert_eq!(network.push_free(), 0, "nothing more is free");
    assert_eq!(network.push_up_to(9), 1);
    let carrying: Vec<_> = network.carrying().collect();
    assert!(carrying.contains(&(either, second)) && carrying.contains(&(only, first)));
    assert!(!carrying.contains(&(either, first)));
}

#[test]
fn a_widened_edge_carries_more() {
    let mut network = Network::new(2, SOURCE, SINK);
    let edge = network.add(SOURCE, SINK, lane(0, 0));
    assert_eq!(network.push_free(), 0);
    network.widen(edge);
    assert_eq!(network.push_free(), 1);
    let other = network.add(SOURCE, SINK, lane(0, 0));
    network.widen(other);
    network.widen(edge);
    assert_eq!(network.push_free(), 2);
}
