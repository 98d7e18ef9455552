//! What must hold of every measurement, whatever its figures are.

use std::time::Duration;

use super::cluster::{Cluster, Setup};
use super::delays::Delays;
use super::figures::{Figures, Times};
use super::links::{Network, Order};
use super::run::{Scope, measure};
use super::study::Study;
use crate::draw::Draw;

fn scope(delays: Delays, lost_percent: u32, threshold: f64) -> Scope {
    let network = Network { delays, lost_percent, order: Order::Kept };
    let setup = Setup { nodes: 4, threshold, network };
    Scope { seed: 1, quiet: Duration::from_mins(20), deaths: 3, setup }
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

/// Each of three observers notices three deaths, and each end notices three cuts.
fn assert_all_noticed(figures: &Figures) {
    assert_eq!(figures.never(), 0, "{figures:?}");
    let counts = [&figures.death, &figures.deaf, &figures.unheard].map(Times::count);
    assert_eq!(counts, [9, 3, 3]);
}

#[test]
fn one_seed_gives_the_same_figures_twice_and_another_gives_others() {
    let pareto = scope(Delays::Pareto, 10, 3.0);
    let figures = measure(pareto);
    assert_eq!(figures, measure(pareto));
    assert_ne!(figures, measure(Scope { seed: 2, ..pareto }));
}

#[test]
fn constant_delays_raise_no_alarm_and_a_death_is_noticed_when_phi_says() {
    for threshold in [3.0, 8.0] {
        let figures = measure(scope(Delays::Constant, 0, threshold));
        assert_all_noticed(&figures);
        assert_eq!(figures.mistakes.count, 0);
        assert_eq!(figures.mistakes.total, Duration::ZERO);
        // phi = silence / mean · log10 e, with a mean of one to 1.1 intervals of 1 s. The last
        // heartbeat was up to one interval before the death, and observers judge once a second
        // at least.
        let silence = threshold / std::f64::consts::LOG10_E;
        for times in [&figures.death, &figures.deaf, &figures.unheard] {
            assert!(seconds(times.percentile(0)) >= silence - 1.1, "{times:?}");
            assert!(seconds(times.longest()) <= silence * 1.1 + 1.1, "{times:?}");
        }
    }
}

#[test]
fn all_notice_deaths_and_cuts_in_bad_weather_too() {
    for delays in Delays::ALL {
        assert_all_noticed(&measure(scope(delays, 10, 8.0)));
    }
}

#[test]
fn standstills_longer_than_the_threshold_are_counted_as_mistakes() {
    let figures = measure(scope(Delays::Stalls, 0, 3.0));
    assert!(figures.mistakes.count > 0, "stalls of 5 to 25 s, and phi 3 is 7 s of silence");
    assert!(seconds(figures.mistakes.longest) < 25.0);
    assert!(figures.mistakes.total >= figures.mistakes.longest);
    let patient = measure(scope(Delays::Stalls, 0, 16.0));
    assert_eq!(patient.mistakes.count, 0, "phi 16 is 37 s of silence");
}

#[test]
fn frames_that_overtake_raise_fewer_alarms_than_a_connection() {
    let ordered = scope(Delays::Pareto, 0, 2.0);
    let mut overtaking = ordered;
    overtaking.setup.network.order = Order::Overtaking;
    let (ordered, overtaking) = (measure(ordered), measure(overtaking));
    assert!(ordered.mistakes.count > overtaking.mistakes.count);
}

#[test]
fn a_study_measures_every_setting_over_all_seeds() {
    let study = Study {
        seeds: 0..3,
        nodes: 2,
        quiet: Duration::from_mins(1),
        deaths: 1,
        thresholds: vec![4.0, 8.0],
        delays: vec![Delays::Constant, Delays::Bursts],
        lost_percents: vec![0, 1],
        order: Order::Kept,
    };
    let mut rows = Vec::new();
    assert_eq!(study.run(|row| rows.push(row.clone())), 0);
    assert_eq!(rows.len(), 8);
    for row in &rows {
        assert_eq!(row.figures.quiet, Duration::from_mins(3 * 2), "seeds times ordered pairs");
        assert_eq!(row.figures.death.count(), 3);
        assert_eq!(row.text().len(), super::study::Row::head().len(), "the table's columns fit");
    }
    let mut again = Vec::new();
    study.run(|row| again.push(row.json()));
    let first: Vec<_> = rows.iter().map(super::study::Row::json).collect();
    assert_eq!(first, again);
}

#[test]
fn a_node_that_stood_still_takes_its_own_silence_for_nobody_elses() {
    let mut cluster = Cluster::new(scope(Delays::Constant, 0, 8.0).setup, &Draw::of_seed(1));
    cluster.pass(Duration::from_mins(3));
    cluster.verdicts.count_mistakes(cluster.now());
    cluster.pause(0, Duration::from_mins(1));
    cluster.pass(Duration::from_mins(2));
    assert!((1..4).all(|peer| cluster.verdicts.down_since(0, peer).is_none()));
    // The others have held it to be down, each once, and nobody anybody else.
    assert_eq!(cluster.verdicts.stop_counting(cluster.now()).count, 3);
}

#[test]
fn a_node_that_stood_still_does_not_forget_who_was_dead() {
    let mut cluster = Cluster::new(scope(Delays::Constant, 0, 8.0).setup, &Draw::of_seed(1));
    cluster.pass(Duration::from_mins(3));
    cluster.kill(1);
    cluster.pass(Duration::from_mins(1));
    let since = cluster.verdicts.down_since(0, 1);
    assert!(since.is_some());
    cluster.pause(0, Duration::from_secs(5));
    cluster.pass(Duration::from_mins(1));
    assert_eq!(cluster.verdicts.down_since(0, 1), since, "it trusted the dead again for a while");
}
