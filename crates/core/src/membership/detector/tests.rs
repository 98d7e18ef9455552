use proptest::prelude::*;

use super::*;
use crate::random::Random;

const INTERVAL: Duration = Duration::from_secs(1);
const THRESHOLD: f64 = 8.0;

fn at(millis: u64) -> Instant {
    Instant::from_micros(millis * 1000)
}

/// A peer that was heard, and that echoed, once a second for `beats` seconds.
fn healthy(beats: u64) -> Detector {
    let mut detector = Detector::new(INTERVAL, at(0));
    for beat in 1..=beats {
        detector.heartbeat(at(beat * 1000), beat, beat);
    }
    detector
}

/// A number in (0, 1].
fn unit(random: &mut Random) -> f64 {
    (f64::from(random.below(1 << 24)) + 1.0) / f64::from(1 << 24)
}

/// The fraction of intervals in which a living peer would have been held to be down.
fn false_alarms(beats: u64, mut interval_millis: impl FnMut() -> u64) -> f64 {
    let mut detector = Detector::new(INTERVAL, at(0));
    let (mut now, mut alarms) = (0, 0);
    for beat in 1..=beats {
        now += interval_millis();
        alarms += u64::from(detector.suspicion(at(now), THRESHOLD).is_some());
        detector.heartbeat(at(now), beat, beat);
    }
    alarms as f64 / beats as f64
}

#[test]
fn a_peer_that_falls_silent_is_down_after_about_eighteen_intervals() {
    let detector = healthy(100);
    assert!(detector.suspicion(at(100_000 + 15_000), THRESHOLD).is_none());
    assert!(detector.suspicion(at(100_000 + 20_000), THRESHOLD).is_some());
}

#[test]
fn a_peer_that_was_never_heard_is_given_twice_the_time() {
    let detector = Detector::new(INTERVAL, at(0));
    assert!(detector.suspicion(at(30_000), THRESHOLD).is_none());
    assert!(detector.suspicion(at(40_000), THRESHOLD).is_some());
    assert_eq!(detector.last_heard(), None);
}

#[test]
fn a_path_broken_one_way_is_noticed_at_both_ends() {
    // From 60 s on, what `here` sends does not arrive, while all that `there` sends does.
    let (mut here, mut there) = (healthy(60), healthy(60));
    for beat in 61..=90 {
        here.heartbeat(at(beat * 1000), beat, there.sequence());
    }
    assert!(there.suspicion(at(90_000), THRESHOLD).is_some(), "it hears nothing");
    assert!(here.suspicion(at(90_000), THRESHOLD).is_some(), "its echo does not grow");
    there.heartbeat(at(91_000), 91, 91);
    here.heartbeat(at(91_000), 91, there.sequence());
    assert!(here.suspicion(at(91_000), THRESHOLD).is_none());
}

#[test]
fn a_suspicion_counts_at_once_and_ends_with_a_round_trip_begun_after_it() {
    let mut detector = healthy(60);
    detector.suspect(61);
    assert!(detector.suspicion(at(60_001), THRESHOLD).is_some());
    detector.message(at(60_100));
    detector.heartbeat(at(61_000), 61, 60);
    assert!(
        detector.suspicion(at(61_000), THRESHOLD).is_some(),
        "the echo is older than the suspicion"
    );
    detector.heartbeat(at(62_000), 62, 61);
    assert!(detector.suspicion(at(62_000), THRESHOLD).is_none());
}

#[test]
fn a_handshake_ends_a_suspicion() {
    let mut detector = healthy(60);
    detector.suspect(61);
    detector.handshake(at(60_500));
    assert!(detector.suspicion(at(60_500), THRESHOLD).is_none());
}

#[test]
fn bursts_of_other_messages_make_nobody_nervous() {
    let mut detector = healthy(60);
    for millis in 60_000..62_000 {
        detector.message(at(millis));
    }
    assert!(detector.suspicion(at(70_000), THRESHOLD).is_none());
}

#[test]
fn one_long_outage_does_not_make_the_detector_sleepy() {
    let mut detector = healthy(100);
    detector.heartbeat(at(3_600_000), 101, 101);
    assert!(detector.suspicion(at(3_600_000 + 20_000), THRESHOLD).is_some());
}

#[test]
fn a_pause_of_this_node_is_not_held_against_its_peers() {
    let mut detector = healthy(60);
    assert!(detector.suspicion(at(120_000), THRESHOLD).is_some());
    detector.forgive(at(120_000), Duration::from_secs(59));
    assert!(detector.suspicion(at(120_000), THRESHOLD).is_none());
}

#[test]
fn a_pause_of_this_node_does_not_excuse_who_was_silent_before() {
    let mut detector = healthy(60);
    assert!(detector.suspicion(at(90_000), THRESHOLD).is_some());
    detector.forgive(at(95_000), Duration::from_secs(5));
    assert!(detector.suspicion(at(95_000), THRESHOLD).is_some());
}

#[test]
fn a_peer_that_speaks_as_a_pause_ends_has_not_spoken_in_the_future() {
    let mut detector = healthy(60);
    detector.message(at(65_000));
    detector.forgive(at(65_000), Duration::from_secs(5));
    assert!(detector.suspicion(at(85_000), THRESHOLD).is_some());
}

#[test]
fn many_pauses_of_this_node_do_not_hide_a_death() {
    let mut detector = healthy(60);
    let pause = Duration::from_secs(5);
    let wakes = (1..=4).map(|n| at(60_000 + n * 12_000));
    wakes.for_each(|now| detector.forgive(now, pause));
    assert!(detector.suspicion(at(60_000 + 48_000), THRESHOLD).is_some());
}

#[test]
fn heavy_tailed_delays_raise_few_false_alarms() {
    // One second and a Pareto delay with α = 1.5 from 100 ms on: infinite variance.
    for seed in 0..20 {
        let mut random = Random::from_seed([seed; 32]);
        let rate = false_alarms(2000, || 1000 + (100.0 / unit(&mut random).powf(1.0 / 1.5)) as u64);
        assert!(rate < 0.002, "seed {seed}: {rate}");
    }
}

#[test]
fn losing_a_third_of_all_heartbeats_raises_no_alarm() {
    for seed in 0..20 {
        let mut random = Random::from_seed([seed; 32]);
        let rate = false_alarms(2000, || {
            let mut millis = 1000;
            while random.below(3) == 0 {
                millis += 1000;
            }
            millis
        });
        assert!(rate == 0.0, "seed {seed}: {rate}");
    }
}

#[test]
fn only_the_last_hundred_intervals_say_what_is_usual() {
    let mut detector = Detector::new(INTERVAL, at(0));
    let mut now = 0;
    for (beat, interval) in (1..=400).zip([4000; 200].into_iter().chain([1000; 200])) {
        now += interval;
        detector.heartbeat(at(now), beat, beat);
    }
    assert!(detector.suspicion(at(now + 20_000), THRESHOLD).is_some(), "it is usual no more");
}

#[test]
fn a_heartbeat_that_comes_twice_is_one_interval() {
    let (mut once, mut twice) = (Detector::new(INTERVAL, at(0)), Detector::new(INTERVAL, at(0)));
    for beat in 1..=50 {
        once.heartbeat(at(beat * 4000), beat, beat);
        twice.heartbeat(at(beat * 4000), beat, beat);
        twice.heartbeat(at(beat * 4000 + 1), beat, beat);
    }
    let (fresh, aged) = (at(200_001), at(230_000));
    once.message(fresh);
    assert!((once.phi(aged) - twice.phi(aged)).abs() < 0.01);
}

#[test]
fn any_message_is_a_sign_of_life() {
    let mut detector = healthy(60);
    detector.message(at(75_000));
    assert_eq!(detector.last_heard(), Some(at(75_000)));
    detector.heartbeat(at(76_000), 61, 61);
    assert_eq!(detector.last_heard(), Some(at(76_000)));
}

#[test]
fn the_threshold_itself_is_no_alarm() {
    let detector = healthy(60);
    let phi = detector.phi(at(70_000));
    assert_eq!(detector.suspicion(at(70_000), phi), None);
    assert_eq!(detector.suspicion(at(70_001), phi), Some(Suspicion::Down));
}

proptest! {
    #[test]
    fn phi_grows_with_silence(beats in 0_u64..200, quiet in 0_u64..100_000, more in 1_u64..100_000) {
        let detector = healthy(beats);
        let end = beats * 1000 + quiet;
        prop_assert!(detector.phi(at(end)) < detector.phi(at(end + more)));
    }

    #[test]
    fn regular_heartbeats_never_alarm(jitter in prop::collection::vec(0_u64..500, 1..300)) {
        let mut jitter = jitter.into_iter().cycle();
        let rate = false_alarms(300, || 750 + jitter.next().expect("it never ends"));
        prop_assert!(rate == 0.0);
    }
}
