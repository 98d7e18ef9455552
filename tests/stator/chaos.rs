//! Real chaos: five processes on loopback, N=3, killed and stopped, with links cut, silenced and
//! slowed between them, under the simulator's clients and judged by the simulator's checkers.
//!
//! ```text
//! clients (stator_sim::client) --HTTP--> n1..n5 --peer links--> proxies --> n1..n5
//!         |                                ^                       ^
//!      history (record) --> checkers       SIGKILL, SIGSTOP        cut, silence, delay
//! ```
//!
//! `STATOR_CHAOS_SECONDS` says how long (30 if absent), `STATOR_CHAOS_SEED` repeats a run's faults,
//! keys and mixes. A run is made of rounds: chaos, healing until `stator verify` holds (no hint left,
//! all replicas alike), one last look at every key from all its replicas (tried until they answer),
//! judgement.
//!
//! # What a client can't know, and what is done about it
//!
//! - *Mints.* Which replica minted a write, when, beside which siblings, with which stamp. So the
//!   parts of the checkers that rest on them conclude nothing here: that a call was minted once
//!   (it is still found if both versions are read), that the version kept of a last-write-wins
//!   object is the newest by its stamp, and the length of vectors. Instead, `last_write` judges
//!   last-write-wins by real time. The dots that tags of siblings show must stand for one write
//!   each. What a put leaves beside it is unknown, so that its reply's context counts as *allowed*
//!   to supersede the put and not as *bound* to.
//! - *Disks.* `durable` judges the number that the reply claims. SIGKILL leaves the system's page
//!   cache alone: an acknowledgement that comes before its sync is found only if all its copies
//!   die before they are even written, which is rare where syncs are quick. The simulator's disks
//!   forget more.
//! - *Which delete a tombstone is.* See the module `tombstones`; and every other key is never deleted.
//! - *What is under way between nodes.* `bounds` has no frames to count; it judges calls to nodes
//!   that ran all the while and never answered.
//!
//! # A lost store
//!
//! Once a round has healed, one node is killed, its `store/` deleted, and it must be refilled before
//! the last look. No sooner: while writes are under way a store may hold the only copy of one that
//! was acknowledged with `w=1`, and nothing can give that back.

mod adversary;
mod buckets;
mod cluster;
mod dialler;
mod last_look;
mod last_write;
mod links_bite;
mod network;
mod pump;
mod record;
mod round;
mod settings;
mod split;
mod tally;
mod tombstones;
mod trouble;
mod verdict;
mod worker;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use stator_sim::draw::Draw;
use tokio::runtime::Runtime;

use adversary::Adversary;
use cluster::{Five, NODES};
use round::Round;
use settings::Settings;
use tally::Tally;

/// Fewer acknowledged writes per second of chaos than this, and the run has shown nothing.
const ACKNOWLEDGED_PER_SECOND: u64 = 5;

#[test]
fn nothing_acknowledged_is_lost_while_processes_die_and_links_break() {
    let settings = Settings::read();
    say(&format!("chaos: {settings}"));
    let draw = Draw::of_seed(settings.seed);
    let runtime = Runtime::new().expect("threads");
    let mut cluster = Five::new(&runtime);
    let mut tally = Tally::default();
    for (number, chaos) in settings.rounds().into_iter().enumerate() {
        let draw = draw.child(&format!("round {number}"));
        round(&runtime, &mut cluster, number, chaos, draw, &mut tally);
    }
    say(&format!("chaos: {settings}\n{tally}"));
    let never = tally.never_injected();
    assert!(never.is_empty(), "never injected: {never:?}");
    let least = settings.chaos.as_secs() * ACKNOWLEDGED_PER_SECOND;
    let acknowledged = tally.acknowledged();
    assert!(acknowledged >= least, "{acknowledged} acknowledged writes are too few to show much");
}

/// Chaos, healing, one last look, judgement.
fn round(
    runtime: &Runtime,
    cluster: &mut Five,
    number: usize,
    chaos: Duration,
    draw: Draw,
    tally: &mut Tally,
) {
    let round = runtime.block_on(Round::new(cluster, number, &mut draw.child("layout")));
    let working = runtime.spawn(Arc::clone(&round).work(chaos, draw.child("clients")));
    let faults = Adversary::new(cluster, &round.trouble, draw.child("faults")).run(chaos);
    tally.add_faults(faults);
    runtime.block_on(working).expect("the clients never panic");
    cluster.wait_ready();
    // What was acknowledged may still be a hint at a fallback: the last look asks primaries alone.
    let converged = cluster.converge().and_then(|()| {
        cluster.lose_store(draw.child("lost store").index(NODES));
        tally.stores_lost += 1;
        cluster.converge()
    });
    runtime.block_on(last_look::read_all(&round));

    let mut record = round.record();
    record.odd.extend(converged.err());
    let history = record.history();
    tally.add(history, chaos);
    let mut violations = verdict::judge(history);
    violations.extend(last_write::check(history));
    tally.violations += violations.len();
    if violations.is_empty() && record.odd.is_empty() {
        return;
    }
    let story = verdict::story(history, &violations);
    cluster.keep("history.txt", &story);
    say(&format!("chaos, round {number}, after {:?}:\n{tally}", record.age()));
    let sentences = violations.iter().map(ToString::to_string).chain(record.odd.iter().cloned());
    let sentences: Vec<String> = sentences.take(20).collect();
    panic!(
        "{} violations, {} odd answers:\n{}",
        violations.len(),
        record.odd.len(),
        sentences.join("\n")
    );
}

/// Straight to stderr: a passing run too has figures to show.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
