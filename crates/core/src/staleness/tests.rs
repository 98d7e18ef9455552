//! The model against what can be worked out by hand, and the watch against a put's own story.

use std::time::Duration;

use super::law::Law;
use super::model::{Laws, Setting};
use super::{Delays, ReplicaDelays, Watch, WriteDelays};
use crate::identity::NodeId;
use crate::message::{AckStage, ReplicateRefusal, RequestId};
use crate::random::Random;
use crate::time::Instant;

const MEAN: f64 = 0.010;
const SYNC: Duration = Duration::from_millis(1);

fn random() -> Random {
    Random::from_seed([7; 32])
}

fn fraction(random: &mut Random) -> f64 {
    ((random.bits() >> 11) + 1) as f64 / (1_u64 << 53) as f64
}

fn exponential(random: &mut Random) -> f64 {
    -MEAN * fraction(random).ln()
}

/// Shape 1.5, from 1 ms: of no finite variance.
fn pareto(random: &mut Random) -> f64 {
    0.001 * fraction(random).powf(-1.0 / 1.5)
}

/// Ways there and back, each of which is drawn on its own.
fn trips(way: impl Fn(&mut Random) -> f64) -> Delays {
    let (mut random, mut trips) = (random(), Delays::default());
    for _ in 0..8000 {
        trips.add(Duration::from_secs_f64(way(&mut random) + way(&mut random)));
    }
    trips
}

/// What share of draws is above so many seconds.
fn above(law: &Law, seconds: f64) -> f64 {
    let mut random = random();
    let draws = 200_000;
    (0..draws).filter(|_| law.draw(&mut random) > seconds * 1e6).count() as f64 / f64::from(draws)
}

/// A node that syncs in 1 ms like its two peers, which are an exponential delay away.
fn laws() -> Laws {
    let always = |delay| {
        let mut delays = Delays::default();
        (0..100).for_each(|_| delays.add(delay));
        delays
    };
    let replica = ReplicaDelays { trips: trips(exponential), syncs: always(SYNC) };
    let replicas = [2, 3].map(|node| (NodeId::new(node), replica.clone()));
    let seen = WriteDelays { own_syncs: always(SYNC), replicas: replicas.into() };
    Laws::of(&seen).expect("it was watched")
}

fn setting(n: u8, r: u8, w: u8) -> Setting {
    Setting::new(n, r, w, None).expect("it can be met")
}

#[test]
fn a_delay_is_counted_to_a_quarter_of_a_doubling() {
    for micros in (0..5000).chain([1 << 20, 50_000_000]) {
        let mut delays = Delays::default();
        delays.add(Duration::from_micros(micros));
        for share in [0.0, 1.0] {
            let told = delays.quantile(share).expect("there is one").as_secs_f64() * 1e6;
            let off = (told - micros as f64).abs();
            assert!(off <= (micros as f64 / 4.0).max(1.0), "{micros} µs told as {told}");
        }
    }
    let mut longest = Delays::default();
    longest.add(Duration::MAX);
    assert_eq!(longest.count(), 1);
    assert_eq!(Delays::default().quantile(0.5), None);
}

#[test]
fn what_is_told_follows_the_present() {
    let mut delays = Delays::default();
    (0..100_000).for_each(|_| delays.add(Duration::from_micros(100)));
    (0..20_000).for_each(|_| delays.add(Duration::from_millis(10)));
    assert!(delays.quantile(0.2).expect("there are some") > Duration::from_millis(8));
    assert!(delays.count() <= 8192, "{}", delays.count());
}

#[test]
fn the_law_of_one_way_keeps_its_tail() {
    let law = Law::of_one_way(&trips(exponential)).expect("there are some");
    for (seconds, expected) in [(0.001, 0.905), (0.010, 0.368), (0.030, 0.0498), (0.050, 0.0067)] {
        let found = above(&law, seconds);
        let near = (found / expected - 1.0).abs() < 0.2;
        assert!(near, "{found} of exponential delays are above {seconds} s, not {expected}");
    }
    let law = Law::of_one_way(&trips(pareto)).expect("there are some");
    for seconds in [0.002_f64, 0.005, 0.010, 0.020] {
        let (found, expected) = (above(&law, seconds), (seconds / 0.001).powf(-1.5));
        let near = (found / expected - 1.0).abs() < 0.25;
        assert!(near, "{found} of pareto delays are above {seconds} s, not {expected}");
    }
    let always = trips(|_| 0.005);
    let law = Law::of_one_way(&always).expect("there are some");
    assert!(above(&law, 0.0062) < 0.05, "{} are too long", above(&law, 0.0062));
    assert!(above(&law, 0.0038) > 0.95, "{} are too short", 1.0 - above(&law, 0.0038));
}

/// With exponential delays of mean m, and s for the time that a sync takes, a read t after the
/// acknowledgement is stale with a probability that can be written down.
#[test]
fn estimates_are_what_can_be_worked_out() {
    let laws = laws();
    let late = |after: f64| (-(SYNC.as_secs_f64() + after) / MEAN).exp();
    for after in [0.0, 0.001, 0.005, 0.010, 0.030] {
        let expected = [
            // Not there when the writer's own sync ends.
            (setting(3, 1, 1), late(after)),
            // Another replica has acknowledged: its way there and back has halved it twice.
            (setting(3, 1, 2), late(after) / 4.0),
            // Asks, beside itself, the other one that may lack it, and that one after a way.
            (setting(3, 2, 1), late(after).powi(2) / 4.0),
            (setting(3, 2, 2), 0.0),
            (setting(3, 3, 1), 0.0),
            (setting(3, 1, 3), 0.0),
            (setting(1, 1, 1), 0.0),
        ];
        for (setting, expected) in expected {
            let estimate = laws.estimate(setting, 3, &mut random());
            let found = estimate.stale(Duration::from_secs_f64(after));
            let off = (found - expected).abs();
            assert!(
                off <= expected * 0.2 && (expected > 0.0 || found == 0.0),
                "{setting:?} after {after} s: {found}, not {expected}"
            );
        }
    }
}

#[test]
fn acknowledged_in_memory_is_acknowledged_sooner() {
    let laws = laws();
    let quick = Setting::new(3, 1, 1, Some(0)).expect("it can be met");
    let stale = laws.estimate(quick, 3, &mut random()).stale(Duration::from_millis(10));
    assert!((stale - 0.368).abs() < 0.03, "{stale}");
    let half = Setting::new(3, 1, 2, Some(1)).expect("it can be met");
    let (half, whole) = (
        laws.estimate(half, 3, &mut random()).stale(Duration::ZERO),
        laws.estimate(setting(3, 1, 2), 3, &mut random()).stale(Duration::ZERO),
    );
    assert!(half > whole && half < whole * 1.5, "{half}, {whole}");
}

/// In a larger cluster most reads come to a node that is no replica: the read then has a way to go,
/// and may meet the writer's own copy.
#[test]
fn readers_that_are_no_replicas_are_on_their_way_for_longer() {
    let laws = laws();
    let after = Duration::from_millis(5);
    let stale = |members| laws.estimate(setting(3, 1, 1), members, &mut random()).stale(after);
    // Two of three replicas may lack it, and the way of a read halves that.
    let elsewhere = (-0.6_f64).exp() * 2.0 / 3.0 / 2.0;
    let expected = ((-0.6_f64).exp() * 2.0 + elsewhere * 8.0) / 10.0;
    assert!((stale(11) / expected - 1.0).abs() < 0.1, "{} for {expected}", stale(11));
}

#[test]
fn the_window_is_where_the_share_is_reached() {
    let estimate = laws().estimate(setting(3, 1, 1), 3, &mut random());
    for share in [0.5, 0.9, 0.99, 0.999] {
        let window = estimate.seen_by(share);
        let stale = estimate.stale(window);
        assert!(stale <= 1.0 - share + 1e-9, "{stale} after {window:?}");
        let before = estimate.stale(window.mul_f64(0.95));
        assert!(before > 1.0 - share, "{before} before {window:?}");
    }
    let never = laws().estimate(setting(3, 2, 2), 3, &mut random());
    assert_eq!(never.seen_by(0.999), Duration::ZERO);
}

#[test]
fn impossible_settings_cannot_be_made() {
    for (n, r, w, dw) in [(3, 4, 1, None), (3, 0, 1, None), (3, 1, 0, None), (3, 1, 2, Some(3))] {
        assert!(Setting::new(n, r, w, dw).is_err(), "{n} {r} {w} {dw:?}");
    }
    assert_eq!(Setting::common(1).len(), 1);
    assert_eq!(Setting::common(3).len(), 4);
}

const PEER: NodeId = NodeId::new(2);
const OTHER: NodeId = NodeId::new(3);

fn at(micros: u64) -> Instant {
    Instant::from_micros(micros)
}

fn durable(held: u64) -> (Result<AckStage, ReplicateRefusal>, Option<Duration>) {
    (Ok(AckStage::Durable), Some(Duration::from_micros(held)))
}

#[test]
fn a_watched_put_says_what_each_part_took() {
    let mut watch = Watch::default();
    let put = RequestId::new(0, 5);
    watch.begin(at(1000), put, 2);
    watch.answered(at(1400), (PEER, put), (Ok(AckStage::Received), Some(Duration::ZERO)));
    watch.synced(at(3000), put);
    watch.answered(at(4000), (PEER, put), durable(2000));
    assert_eq!(watch.seen().replicas.get(&OTHER), None, "it is waited for");
    watch.answered(at(900_000), (OTHER, put), durable(100));
    watch.answered(at(900_000), (OTHER, put), durable(100));
    let seen = watch.seen();
    let told = |delays: &Delays| (delays.count(), delays.quantile(1.0).map(|d| d.as_micros()));
    let near = |delays: &Delays, micros: u128| {
        let (count, longest) = told(delays);
        assert_eq!(count, 1);
        assert!(longest.is_some_and(|told| told.abs_diff(micros) <= micros / 4), "{longest:?}");
    };
    near(&seen.own_syncs, 2000);
    near(&seen.replicas[&PEER].syncs, 2000);
    near(&seen.replicas[&PEER].trips, 1000);
    near(&seen.replicas[&OTHER].trips, 898_900);
    watch.keep(|node| node == OTHER);
    assert_eq!(watch.seen().replicas.len(), 1);
}

#[test]
fn a_refused_put_and_one_of_an_older_build_say_nothing() {
    for answer in [(Err(ReplicateRefusal::EarlierRound), None), (Ok(AckStage::Durable), None)] {
        let mut watch = Watch::default();
        let put = RequestId::new(0, 5);
        watch.begin(at(1000), put, 2);
        watch.answered(at(1400), (PEER, put), answer);
        watch.answered(at(1500), (PEER, put), durable(10));
        watch.synced(at(3000), put);
        assert_eq!(watch.seen(), &WriteDelays::default());
    }
}

#[test]
fn puts_close_to_each_other_and_those_without_a_place_are_not_watched() {
    let mut watch = Watch::default();
    watch.begin(at(0), RequestId::new(0, 1), 1);
    watch.begin(at(100), RequestId::new(0, 2), 1);
    // The place of the first, which still waits.
    watch.begin(at(5_000), RequestId::new(0, 65), 1);
    for number in [2, 65] {
        watch.synced(at(6_000), RequestId::new(0, number));
    }
    assert_eq!(watch.seen().own_syncs.count(), 0);
    // Nobody waits for the first any more.
    watch.begin(at(20_000_000), RequestId::new(0, 129), 1);
    watch.synced(at(20_001_000), RequestId::new(0, 129));
    assert_eq!(watch.seen().own_syncs.count(), 1);
}
