use super::*;

const A: NodeId = NodeId::new(1);
const B: NodeId = NodeId::new(2);

fn measure(seconds: f64) -> Measure {
    Measure { seconds, at: Instant::now(), under_way: 0 }
}

fn is(node: Measure, seconds: f64) -> bool {
    (node.seconds - seconds).abs() < 1e-9
}

#[test]
fn a_slow_answer_counts_at_once_and_fast_ones_make_up_for_it_slowly() {
    let mut node = measure(0.001);
    let now = node.at;
    node.observe(0.101, Ended::Answered, now);
    assert!(node.seconds > 0.05, "{}", node.seconds);
    let mut answers = 0;
    while node.seconds > 0.002 {
        node.observe(0.001, Ended::Answered, now);
        answers += 1;
    }
    assert!((20..80).contains(&answers), "{answers} answers");
}

#[test]
fn what_was_cut_off_can_only_make_a_node_slower() {
    let mut node = measure(0.010);
    let now = node.at;
    node.observe(0.005, Ended::CutOff, now);
    assert!(is(node, 0.010), "{}", node.seconds);
    node.observe(0.100, Ended::NotSent, now);
    assert!(is(node, 0.010), "{}", node.seconds);
    node.observe(0.100, Ended::CutOff, now);
    assert!(node.seconds > 0.05, "{}", node.seconds);
}

#[test]
fn a_node_that_was_slow_once_is_tried_again() {
    let node = measure(1.0);
    assert!(node.faded(node.at + Duration::from_secs(1)) > 0.5);
    assert!(node.faded(node.at + Duration::from_mins(2)) < 0.001);
}

#[test]
fn the_first_answer_is_taken_as_it_is() {
    let mut node = measure(0.0);
    let now = node.at;
    node.observe(0.004, Ended::Answered, now);
    assert!(is(node, 0.004), "{}", node.seconds);
}

#[test]
fn calls_under_way_cost() {
    let latencies = Latencies::default();
    lock(&latencies.nodes).extend([(A, measure(0.002)), (B, measure(0.003))]);
    assert!(latencies.cost(A) < latencies.cost(B));
    let call = latencies.begin(A);
    assert!(latencies.cost(A) > latencies.cost(B), "A has one already");
    call.was_not_sent();
    assert!(latencies.cost(A) < latencies.cost(B));
}

#[test]
fn what_is_slow_follows_the_reads() {
    let latencies = Latencies::default();
    assert_eq!(latencies.slow(), SLOW_AT_FIRST);
    for number in 0..WINDOW as u64 {
        latencies.read_took(Duration::from_millis(2 + number % 100));
    }
    let slow = latencies.slow();
    assert!((90..=101).contains(&slow.as_millis()), "{slow:?}");
    for _ in 0..WINDOW {
        latencies.read_took(Duration::from_micros(10));
    }
    assert_eq!(latencies.slow(), NEVER_BELOW, "the old ones are gone, and no clock is that good");
}

#[test]
fn one_read_in_ten_may_be_hedged_and_no_more() {
    let latencies = Latencies::default();
    let hedged = (0..1000)
        .filter(|_| {
            latencies.slow();
            latencies.may_hedge()
        })
        .count();
    assert!((100..=112).contains(&hedged), "{hedged}");
}

#[test]
fn nodes_that_left_are_forgotten_once_they_have_no_calls() {
    let latencies = Latencies::default();
    latencies.begin(A).was_answered();
    let call = latencies.begin(B);
    latencies.keep(|_| false);
    assert_eq!(lock(&latencies.nodes).keys().copied().collect::<Vec<_>>(), [B]);
    drop(call);
}
