//! Random schedules of the whole rule: no strict read is stale, and each clause is needed.

use super::toy::{Broken, Toy};
use super::*;

/// The first of these runs with a stale read, what they have read in all, and the runs in which
/// somebody came to write to the new owners alone.
fn play(seeds: std::ops::Range<u64>, broken: Broken) -> (Option<u64>, u32, u32) {
    let (mut stale, mut reads, mut reached) = (None, 0, 0);
    for seed in seeds {
        let mut toy = Toy::new(seed, broken);
        toy.play();
        reads += toy.reads;
        reached += u32::from(toy.highest() == Some(MoveLevel::New));
        if toy.stale.is_some() {
            stale.get_or_insert(seed);
        }
    }
    (stale, reads, reached)
}

#[test]
fn no_strict_read_is_stale_while_a_partition_moves() {
    let (stale, reads, reached) = play(0..3_000, Broken::Nothing);
    assert_eq!(stale, None);
    assert!(reads > 3_000 && reached > 100, "{reads} reads, {reached} runs to the end");
}

/// The same for longer: `cargo test --release -p stator-core --lib -- --ignored schedules`.
#[test]
#[ignore = "takes minutes without optimisation"]
fn no_strict_read_is_stale_in_many_schedules() {
    let (stale, reads, reached) = play(0..200_000, Broken::Nothing);
    assert_eq!(stale, None);
    assert!(reached > 10_000, "{reads} reads, {reached} runs to the end");
}

/// Where to begin to look for a run that shows why a clause is needed; about one in 2,000 does.
#[test]
fn each_clause_is_needed() {
    for (broken, from) in [
        (Broken::AcceptStaleWrites, 0),
        (Broken::PullFromOne, 0),
        (Broken::UnlearnedSource, 0),
        (Broken::SkipAcknowledgement, 2_900),
        (Broken::ForgetLevels, 5_600),
    ] {
        let found: Option<u64> =
            (from..from + 10_000).find(|&seed| play(seed..seed + 1, broken).0.is_some());
        assert!(found.is_some(), "{broken:?} was not noticed");
    }
}
