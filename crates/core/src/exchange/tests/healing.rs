//! Damaged objects are healed from owners that count, and only from enough of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::heal::Heal;
use super::world::{Disk, node, object, written};
use super::*;
use crate::budget::{Budget, BytesPerSecond};
use crate::collection::Round;
use crate::context::{ContextKey, Sealer};
use crate::coordinator::peers::Peers;
use crate::delivery::Deliveries;
use crate::effect::{DiskRoom, Effects};
use crate::hints::Hints;
use crate::identity::ClusterId;
use crate::message::RequestIds;
use crate::node::HintLimits;
use crate::random::Random;
use crate::replica::Replica;
use crate::ring::{Member, Weight};
use crate::staleness::Watch;
use crate::standing::Standing;
use crate::status::UpkeepCounts;
use crate::time::Now;
use crate::token::PartitionCount;
use crate::view::View;

const ID: RequestId = RequestId::new(0, 77);
const PARTITION: Partition = Partition::new(0);

/// One node of three, and what it says.
struct Bench {
    now: Now,
    view: View,
    replica: Replica,
    peers: Peers,
    watch: Watch,
    hints: Hints,
    deliveries: Deliveries,
    budget: Budget,
    ids: RequestIds,
    sealer: Sealer,
    standing: Standing,
    counts: UpkeepCounts,
    store: Disk,
    out: Effects,
}

impl Bench {
    fn new() -> Self {
        let member =
            || Member { name: "n".to_owned(), zone: "z".to_owned(), weight: Weight::DEFAULT };
        let one = PartitionCount::new(1).expect("a power of two");
        let mut ring = Ring::found(ClusterId::new(1), one, 3, node(1), member());
        ring.members = (1..=3).map(|id| (node(id), member())).collect();
        ring.table = vec![(1..=3).map(node).collect()];
        let mut replica = Replica::new(Random::from_seed([1; 32]), 1 << 20);
        replica.own(one, BTreeSet::from([PARTITION]));
        let mut peers = Peers::default();
        peers.link_up(node(2));
        peers.link_up(node(3));
        Self {
            now: Now::default(),
            view: View { ring: Some(Arc::new(ring)), ..View::alone(node(1)) },
            replica,
            peers,
            watch: Watch::default(),
            hints: Hints::new(Random::from_seed([2; 32]), HintLimits::default()),
            deliveries: Deliveries::default(),
            budget: Budget::new(BytesPerSecond::DEFAULT_CEILING),
            ids: RequestIds::new(0, 1000),
            sealer: Sealer::new(ContextKey::derive(b"secret", ClusterId::new(1)), Vec::new()),
            standing: Standing::default(),
            counts: UpkeepCounts::default(),
            store: Disk::default(),
            out: Effects::new(),
        }
    }

    fn turn(&mut self) -> Turn<'_, Disk> {
        Turn {
            now: self.now,
            view: &self.view,
            replica: &mut self.replica,
            peers: &mut self.peers,
            watch: &mut self.watch,
            hints: &mut self.hints,
            deliveries: &mut self.deliveries,
            budget: &mut self.budget,
            standing: &self.standing,
            counts: &mut self.counts,
            ids: &mut self.ids,
            disk: DiskRoom::default(),
            sealer: &self.sealer,
            store: &self.store,
            out: &mut self.out,
        }
    }

    /// Whom the last ask went to, and its name.
    fn asked(&mut self) -> Option<(NodeId, RequestId)> {
        let asks = self.out.drain().filter_map(|effect| match effect {
            Effect::Send { to, message: ShardMessage::Exchange { request, .. } } => {
                Some((to, request))
            }
            _ => None,
        });
        asks.last()
    }

    /// Lets whoever was asked say what it has.
    fn answers(&mut self, heal: &mut Heal, state: &EncodedState, has: Completeness) -> TaskStep {
        let states = vec![(object("damaged"), state.clone())];
        self.says(heal, ExchangeAnswer::States { answered: 1, states }, has)
    }

    fn says(&mut self, heal: &mut Heal, answer: ExchangeAnswer, has: Completeness) -> TaskStep {
        let (from, request) = self.asked().expect("somebody was asked");
        let round = Round::default();
        let message = ShardMessage::ExchangeAnswered { request, round, has, answer };
        heal.on(TaskEvent::Answered(from, message), &mut self.turn())
    }
}

fn begin(bench: &mut Bench) -> Heal {
    bench.replica.pretend_damaged(&object("damaged"), &mut bench.out);
    let objects = vec![object("damaged")];
    Heal::begin(ID, PARTITION, objects, &mut bench.turn()).expect("two can be reached")
}

#[test]
fn what_two_owners_have_is_merged_and_the_object_is_whole_again() {
    let mut bench = Bench::new();
    let mut heal = begin(&mut bench);
    let (one, two) = (written(1, "one".into()), written(2, "two".into()));
    let step = bench.answers(&mut heal, &EncodedState::of(&one), Completeness::Whole);
    assert!(matches!(step, TaskStep::Waiting), "one is not enough");
    assert_eq!(bench.replica.quarantined(PARTITION).count(), 1);
    let step = bench.answers(&mut heal, &EncodedState::of(&two), Completeness::Whole);
    assert!(matches!(step, TaskStep::Ended(TaskEnded::Heal(ended)) if ended.healed == 1));
    let healed = bench
        .replica
        .read(&object("damaged"), &bench.store, &mut bench.out)
        .expect("it can be read");
    assert_eq!(healed, Some(EncodedState::of(&one.merge(two))));
    assert_eq!(bench.replica.quarantined(PARTITION).count(), 0);
    assert_eq!(bench.counts.refilled_objects, 1);
}

/// Nor does one that has set the same object aside.
#[test]
fn an_owner_that_does_not_count_heals_nothing() {
    for has in [Completeness::Lost, Completeness::Damaged] {
        let mut bench = Bench::new();
        let mut heal = begin(&mut bench);
        let state = EncodedState::of(&written(1, "one".into()));
        bench.answers(&mut heal, &state, has);
        let step = bench.answers(&mut heal, &state, Completeness::Whole);
        assert!(matches!(step, TaskStep::Ended(TaskEnded::Heal(ended)) if ended.healed == 0));
        assert_eq!(bench.replica.quarantined(PARTITION).count(), 1);
    }
}

#[test]
fn who_has_set_an_object_aside_says_that_it_leaves_it_out() {
    let mut bench = Bench::new();
    bench.replica.pretend_damaged(&object("damaged"), &mut bench.out);
    let states = |name: &str| ExchangeAsk::States(vec![object(name).token()]);
    let said = |ask| completeness(&bench.replica, PARTITION, &ask);
    assert_eq!(said(ExchangeAsk::Root(TreeSum::default())), Completeness::Damaged);
    assert_eq!(said(states("damaged")), Completeness::Damaged);
    assert_eq!(said(states("other")), Completeness::Whole);
}

#[test]
fn with_too_few_in_reach_nothing_begins() {
    let mut bench = Bench::new();
    bench.peers.link_down(node(3));
    let objects = vec![object("damaged")];
    assert!(Heal::begin(ID, PARTITION, objects, &mut bench.turn()).is_none());
}

#[test]
fn a_lost_connection_passes_the_question_on() {
    let mut bench = Bench::new();
    let mut heal = begin(&mut bench);
    let (first, _) = bench.asked().expect("somebody was asked");
    heal.on(TaskEvent::LinkDown(first), &mut bench.turn());
    let (second, _) = bench.asked().expect("the next one is asked");
    assert_ne!(first, second);
}

#[test]
fn an_answer_to_more_than_was_asked_is_none_and_the_question_is_passed_on() {
    let mut bench = Bench::new();
    let mut heal = begin(&mut bench);
    let answer = ExchangeAnswer::States { answered: 2, states: Vec::new() };
    bench.says(&mut heal, answer, Completeness::Whole);
    assert!(bench.asked().is_some(), "the next one is asked");
    assert_eq!(bench.replica.quarantined(PARTITION).count(), 1);
}

#[test]
fn an_owner_that_stays_silent_is_not_waited_for_any_longer() {
    let mut bench = Bench::new();
    let mut heal = begin(&mut bench);
    let (first, _) = bench.asked().expect("somebody was asked");
    heal.on(TaskEvent::Deadline, &mut bench.turn());
    assert_eq!(bench.asked(), None, "it has time yet");
    bench.now.instant = bench.now.instant.after(Duration::from_hours(1));
    heal.on(TaskEvent::Deadline, &mut bench.turn());
    let (second, _) = bench.asked().expect("the next one is asked");
    assert_ne!(first, second);
}
