//! What hints on their way home cost a node that holds many.

use super::rig::Rig;
use crate::node::handoff::{COUNTED_AT_ONCE, LOOKED_AT_ONCE};

const OF_ONE_THAT_STAYS_AWAY: usize = 1500;

fn run(rig: &mut Rig, line: &str) -> Vec<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    rig.command(&words);
    rig.take_trace()
}

fn settle(rig: &mut Rig) {
    for _ in 0..4 {
        run(rig, "deliver");
        run(rig, "sync");
    }
}

/// n5 holds many hints for n3, and `few` for n2 among them.
fn two_owners_away(few: usize) -> Rig {
    let mut rig = Rig::default();
    for line in ["nodes 5", "patrol n5", "down n3"] {
        run(&mut rig, line);
    }
    for number in 0..OF_ONE_THAT_STAYS_AWAY {
        run(&mut rig, &format!("put n1 carts/{number} x"));
        settle(&mut rig);
    }
    run(&mut rig, "down n2");
    for number in 0..few {
        run(&mut rig, &format!("put n1 carts/other-{number} x"));
        settle(&mut rig);
    }
    assert_eq!(run(&mut rig, "status n5"), [both(few)]);
    rig
}

fn both(few: usize) -> String {
    format!("n5 holds hints: [{few} for n2, {OF_ONE_THAT_STAYS_AWAY} for n3]")
}

#[test]
fn looking_for_one_owners_hints_among_anothers_is_done_in_bounded_steps() {
    let mut rig = two_owners_away(40);
    let before = rig.all_hints_read("n5");
    run(&mut rig, "up n2");
    for _ in 0..20 {
        settle(&mut rig);
        run(&mut rig, "wait 10");
    }
    run(&mut rig, "wait 1000");
    let left = format!("n5 holds hints: [{OF_ONE_THAT_STAYS_AWAY} for n3]");
    assert_eq!(run(&mut rig, "status n5"), [left]);
    assert!(rig.most_hints_read("n5") <= LOOKED_AT_ONCE, "{} read", rig.most_hints_read("n5"));
    let read = rig.all_hints_read("n5") - before;
    assert!(read <= 3 * OF_ONE_THAT_STAYS_AWAY, "{read} read to send 40 home");
}

#[test]
fn few_hints_behind_many_of_another_owner_go_home_soon() {
    let mut rig = two_owners_away(3);
    run(&mut rig, "up n2");
    // The next patrol, and what it could not look at in one step.
    run(&mut rig, "wait 1000");
    for _ in 0..20 {
        settle(&mut rig);
        run(&mut rig, "wait 10");
    }
    let left = format!("n5 holds hints: [{OF_ONE_THAT_STAYS_AWAY} for n3]");
    assert_eq!(run(&mut rig, "status n5"), [left]);
}

#[test]
fn hints_are_counted_in_bounded_steps_after_a_start_and_go_home() {
    let mut rig = two_owners_away(40);
    run(&mut rig, "restart n5");
    run(&mut rig, "started n5");
    run(&mut rig, "wait 1100");
    assert_eq!(run(&mut rig, "status n5"), [both(40)]);
    let most = rig.most_hints_read("n5");
    assert!(most <= COUNTED_AT_ONCE + LOOKED_AT_ONCE, "{most} read");
    run(&mut rig, "up n3");
    for _ in 0..60 {
        settle(&mut rig);
        run(&mut rig, "wait 10");
    }
    run(&mut rig, "wait 1000");
    assert_eq!(run(&mut rig, "status n5"), ["n5 holds hints: [40 for n2]"]);
}
