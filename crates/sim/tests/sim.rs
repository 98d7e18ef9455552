//! The simulator as a whole: one seed is one trace, a small sweep is clean, faults happen, and
//! seeds that once found something stay clean.

use std::process::Command;

use stator_core::quorum::QuorumOptions;
use stator_sim::explore::scenario::{Budget, Disks, Scenario, Step};
use stator_sim::explore::search;
use stator_sim::pace::Pace;
use stator_sim::report::Report;
use stator_sim::sweep::Sweep;
use stator_sim::tracer::Keep;
use stator_sim::world::{Life, Scope, run};

fn simulate(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_stator-sim"))
        .args(arguments)
        .output()
        .expect("the binary was built for this test");
    (output.status.success(), String::from_utf8(output.stdout).expect("it prints text"))
}

fn trace_hash(seed: &str) -> String {
    let (clean, printed) = simulate(&["run", "--seed", seed, "--minutes", "1", "--json"]);
    assert!(clean, "{printed}");
    let hash = printed.split("\"trace_hash\":\"").nth(1).and_then(|rest| rest.split('"').next());
    let hash = hash.expect("a run prints its trace's hash").to_owned();
    assert!(hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hash}");
    hash
}

#[test]
fn one_seed_gives_one_trace_in_two_processes() {
    assert_eq!(trace_hash("7"), trace_hash("7"));
    assert_ne!(trace_hash("7"), trace_hash("8"));
}

#[test]
fn what_is_kept_of_a_trace_does_not_change_it() {
    let scope = Scope {
        seed: 3,
        minutes: 1,
        nodes: Some(5),
        pace: None,
        life: Life::Swarm,
        keep: Keep::Hash,
    };
    let (hashed, kept) = (run(scope), run(Scope { keep: Keep::All, ..scope }));
    assert_eq!(hashed.trace_hash, kept.trace_hash);
    assert!(hashed.trace.is_empty() && kept.trace.len() as u64 >= kept.events);
}

#[test]
fn a_small_sweep_is_clean_and_injects_every_fault_that_is_built() {
    let totals = Sweep { seeds: 0..40, minutes: 1, nodes: None, life: Life::Swarm }.run(|report| {
        assert_eq!(report.violations, [], "seed {}", report.seed);
    });
    assert_eq!(totals.runs, 40);
    assert_eq!(totals.never_injected(), Vec::<&str>::new());
}

/// Rules 14 to 17: operators change the ring all the while, and nothing is lost or misread.
#[test]
fn rings_that_change_lose_nothing_and_come_to_rest() {
    let sweep = Sweep { seeds: 0..8, minutes: 2, nodes: None, life: Life::Elastic };
    let (mut committed, mut left) = (0, 0);
    sweep.run(|report| {
        assert_eq!(report.violations, [], "seed {}", report.seed);
        committed += report.ring_changes["committed"];
        left += report.ring_changes["left"];
    });
    assert!(committed > 8 && left > 0, "{committed} rings were chosen, {left} nodes left");
}

#[test]
fn json_comes_as_one_line_per_run_and_the_totals_last() {
    let (clean, printed) = simulate(&["sweep", "--seeds", "3..6", "--minutes", "1", "--json"]);
    assert!(clean);
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), 4, "{printed}");
    for (line, seed) in lines.iter().zip(3..6) {
        assert!(line.contains(&format!("\"seed\":{seed},")), "{line}");
        for part in ["trace_hash", "faults", "operations", "violations"] {
            assert!(line.contains(&format!("\"{part}\":")), "{line}");
        }
    }
    assert!(lines[3].starts_with("{\"totals\":") && lines[3].contains("\"disk_wipe\""));
}

#[test]
fn seeds_are_a_range_of_two_numbers() {
    for wrong in ["5", "5..5", "9..2", "a..b", ".."] {
        let (clean, _) = simulate(&["sweep", "--seeds", wrong, "--minutes", "1"]);
        assert!(!clean, "{wrong}");
    }
}

/// The pace of collection that seeds were found with before it was drawn; nothing was cached then.
const USUAL: Option<Pace> = Some(Pace { cache_bytes: 0, ..Pace::USUAL });

/// Seeds that once found something, and what.
const REGRESSIONS: [(u64, u64, Option<Pace>, &str); 10] = [
    (
        1023,
        5,
        USUAL,
        "a frame that a cut held came after the healing had ended (the simulator's fault)",
    ),
    (4, 10, USUAL, "a damaged object with no name of its own was written over and never healed"),
    (
        413,
        10,
        USUAL,
        "an object was damaged after a look had passed it: its leaf kept what it had been",
    ),
    (739, 10, USUAL, "an exchange merged states after the trees had been saved for the next start"),
    (
        760,
        2,
        USUAL,
        "a slow fallback that had been replaced was sent its hint again as if it were a replica",
    ),
    (
        946,
        8,
        USUAL,
        "a put that all others refused was refused by a fallback that could have minted it",
    ),
    (
        898,
        3,
        None,
        "two deletes of a key were forwarded in one turn and taken for one (the simulator's fault)",
    ),
    (
        58,
        1,
        None,
        "one of two deletes was let go on by a broken connection, and taken for the other (the simulator's fault)",
    ),
    (
        445,
        3,
        None,
        "fallbacks that were full had refused a put, and a primary that was cut off was believed instead",
    ),
    (239, 3, None, "looks that came often left out the last partitions, and damage there"),
];

#[test]
fn seeds_that_once_found_something_stay_clean() {
    for (seed, minutes, pace, what) in REGRESSIONS {
        let (life, keep) = (Life::Swarm, Keep::Hash);
        let aftermath = run(Scope { seed, minutes, nodes: None, pace, life, keep });
        assert_eq!(Report::of(seed, &aftermath).violations, [], "{what}");
    }
}

/// Seed 44 found that a put was told to wait while its partition moved, although the new owner would
/// have taken it.
#[test]
fn a_put_finds_the_new_owners_of_a_partition_that_moves() {
    let (life, keep) = (Life::Elastic, Keep::Hash);
    let aftermath = run(Scope { seed: 44, minutes: 5, nodes: None, pace: None, life, keep });
    assert_eq!(Report::of(44, &aftermath).violations, []);
}

/// Two nodes of three lose what they have at once. Seed 31 found that an owner which had set an object
/// aside counted as one that had all; 23, and 256 since whole objects are cached, that a write took a
/// damaged object for what a tree that had left it out still counted; the others find that who does
/// not count settles or heals.
#[test]
fn two_losses_at_once_are_not_taken_for_nothing() {
    for seed in [4, 5, 23, 31, 256] {
        let (life, keep) = (Life::TwoLosses, Keep::Hash);
        let aftermath = run(Scope { seed, minutes: 5, nodes: Some(3), pace: None, life, keep });
        assert_eq!(Report::of(seed, &aftermath).violations, [], "seed {seed}");
    }
}

/// A world of one put, in which nothing goes wrong.
fn one_put() -> Scenario {
    Scenario {
        name: "one put".to_owned(),
        scripts: vec![vec![Step::PutBlindly(0)]],
        quorum: QuorumOptions::default(),
        budget: Budget::default(),
        disks: Disks::Honest,
    }
}

#[test]
fn every_interleaving_of_a_tiny_world_is_explored_and_none_violates() {
    let crash = Budget { crashes: 1, ..Budget::default() };
    let loss = Budget { losses: 1, ..Budget::default() };
    for (budget, ends) in [(Budget::default(), 1), (loss, 4), (crash, 45)] {
        let findings = search::explore(&Scenario { budget, ..one_put() }, u64::MAX);
        assert!(findings.exhausted && findings.counterexample.is_none(), "{findings:?}");
        assert_eq!(findings.ends, ends, "{budget:?}");
    }
}

#[test]
fn a_bound_on_states_stops_an_exploration() {
    let findings = search::explore(&one_put(), 10);
    assert!(!findings.exhausted && (10..20).contains(&findings.states), "{findings:?}");
}

#[test]
fn an_exploration_finds_disks_that_lie_and_tells_how() {
    let findings = search::explore(&Scenario { disks: Disks::SayTooEarly, ..one_put() }, u64::MAX);
    let found = findings.counterexample.expect("an acknowledged write is on no disk");
    assert_eq!(found.violation.checker, "durable");
    // The call, two commits that lie, a replica's frame and its answer: nothing shorter is wrong.
    assert_eq!(found.choices, 5, "{}", found.text(&findings.scenario));
    let told = |part: &str| found.story.iter().any(|line| line.contains(part));
    assert!(told("n1 mints #0") && told("n1 commits") && told("call #0 is done"));
}

#[test]
fn explorations_come_as_one_line_per_world_and_the_sums_last() {
    let (clean, printed) = simulate(&["explore", "--max-states", "200", "--json"]);
    assert!(clean, "{printed}");
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), 11, "{printed}");
    for part in ["\"states\":", "\"ends\":", "\"seconds\":", "\"violations\":", "\"exhausted\":"] {
        assert!(lines.iter().all(|line| line.contains(part)), "{part}: {printed}");
    }
    assert!(lines[10].starts_with("{\"explored\":") && lines[10].contains("\"scope\":\"small\""));
}

#[test]
fn the_failure_detector_is_measured_alike_in_two_processes() {
    let detect = |seeds: &str| {
        let short = ["detect", "--minutes", "2", "--deaths", "1", "--phi", "3,8", "--json"];
        let few = ["--delays", "pareto", "--lost", "0,1", "--seeds", seeds];
        simulate(&[short.as_slice(), &few].concat())
    };
    let (all_noticed, printed) = detect("0..1");
    assert!(all_noticed, "{printed}");
    // Two rates of loss, two thresholds.
    assert_eq!(printed.lines().count(), 4, "{printed}");
    assert!(printed.lines().all(|line| line.contains("\"mistakes_per_peer_hour\":")), "{printed}");
    assert_eq!((true, printed.clone()), detect("0..1"));
    assert_ne!(printed, detect("1..2").1);
}
