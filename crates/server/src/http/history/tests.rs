use stator_core::identity::ClusterId;
use stator_core::membership::admin::{ChangeStatus, MemberState, MemberStatus};
use stator_core::membership::facts::Addresses;
use stator_core::ring::{Member, Ring, RingVersion, Weight};
use stator_core::status::{HeldHints, ShardStatus};
use stator_core::time::WallTime;
use stator_core::token::PartitionCount;

use super::*;

fn with_gets(gets: u64) -> Sample {
    Sample { stats: NodeStats { gets, ..NodeStats::default() }, ..Sample::default() }
}

fn history(samples: impl IntoIterator<Item = u64>) -> History {
    let history = History::default();
    samples.into_iter().for_each(|gets| history.lock().add(with_gets(gets)));
    history
}

fn gets(history: &History) -> Vec<u64> {
    history.steps().into_iter().map(|step| step.gets).collect()
}

#[test]
fn a_step_tells_what_happened_within_it_once_it_is_over() {
    assert_eq!(gets(&history([])), [0; 0]);
    assert_eq!(gets(&history([7; STEP])), [0; 0], "no step is over yet");
    // A get each second from the first sample on.
    assert_eq!(gets(&history(0..=10)), [5, 5]);
    assert_eq!(gets(&history(0..=14)), [5, 5], "the third step is not over");
}

#[test]
fn steps_stay_where_they_are_when_samples_are_forgotten() {
    // Between samples s and s + 5 there are 10 s + 25 gets, which tells where a step begins.
    let squares = |samples: u64| history((0..samples).map(|second| second * second));
    for more in [0, 1, 4, 5, 17] {
        let told = gets(&squares(KEPT as u64 + more));
        assert!(told.iter().all(|gets| gets % 50 == 25), "{more}: {told:?}");
        assert!(told.len() >= KEPT / STEP - 2, "{more}: {}", told.len());
    }
    assert_eq!(squares(KEPT as u64 + 17).lock().samples.len(), KEPT);
}

fn member(id: u64, name: &str, state: MemberState) -> MemberStatus {
    MemberStatus {
        id: NodeId::new(id),
        name: name.to_owned(),
        zone: "z".to_owned(),
        weight: Weight::DEFAULT,
        addresses: Addresses::default(),
        state,
        phi: 0.0,
        share: 0.5,
        ring: RingVersion(1),
        silent_for: None,
    }
}

fn cluster(state: MemberState, change: Option<ChangeStatus>) -> ClusterStatus {
    let founder = Member { name: "n1".to_owned(), zone: "z".to_owned(), weight: Weight::DEFAULT };
    let partitions = PartitionCount::new(4).expect("a power of two");
    let ring = Ring::found(ClusterId::new(1), partitions, 3, NodeId::new(1), founder);
    let members = vec![member(1, "n1", MemberState::Up), member(2, "n2", state)];
    ClusterStatus { ring: Some(ring.into()), members, change }
}

#[test]
fn events_are_what_changed_since_the_last_look() {
    let mut seen = Seen::default();
    let calm = ShardStatus::default();
    let up = cluster(MemberState::Up, None);
    assert_eq!(seen.compare("n1", &up, &calm), [""; 0], "the first look compares with nothing");
    assert_eq!(seen.compare("n1", &up, &calm), [""; 0]);
    let held = HeldHints { objects: 3, bytes: 9, oldest: Some(WallTime::from_millis(1)) };
    let hints = ShardStatus { hints: [(NodeId::new(2), held)].into(), ..ShardStatus::default() };
    let down = cluster(MemberState::Down, None);
    assert_eq!(seen.compare("n1", &down, &hints), ["n2 is down"]);
    assert_eq!(seen.compare("n1", &down, &hints), [""; 0], "hints may go home at once");
    assert_eq!(seen.compare("n1", &down, &hints), ["n1 keeps hints for n2"]);
    assert_eq!(seen.compare("n1", &down, &hints), [""; 0], "that was told");
    assert_eq!(
        seen.compare("n1", &ClusterStatus::default(), &calm),
        [""; 0],
        "membership did not say in time: nothing is concluded"
    );
    assert_eq!(seen.compare("n1", &up, &calm), ["n2 is up", "n1 has no hint for n2 any more"]);
    let change = ChangeStatus {
        version: RingVersion(2),
        partitions: 9,
        partitions_left: 9,
        replicas_left: 3,
        waits_for: Vec::new(),
    };
    let moving = seen.compare("n1", &cluster(MemberState::Up, Some(change)), &calm);
    assert_eq!(moving, ["9 partitions begin to move to their owners in ring 2"]);
    assert_eq!(seen.compare("n1", &up, &calm), ["all that ring 2 moved is settled"]);
}

#[test]
fn only_the_last_events_are_kept() {
    let history = History::default();
    let at = WallTime::from_millis(0);
    history.lock().tell((0..EVENTS + 5).map(|n| Event { at, text: n.to_string() }));
    let texts: Vec<String> = history.events(2).into_iter().map(|event| event.text).collect();
    assert_eq!(texts, ["104", "103"]);
    assert_eq!(history.events(usize::MAX).len(), EVENTS);
}
