use std::time::Duration;

use super::*;
use crate::cli::Part;

fn drawn(tally: &Tally) -> String {
    svg(&Figure { title: "put < get & more", tally, slot_seconds: 1.0, seconds: 2.5 })
}

/// The points of all curves.
fn curves(text: &str) -> Vec<Vec<(f64, f64)>> {
    let number = |text: &str| text.parse().expect("a number");
    let point = |pair: &str| pair.split_once(',').map(|(x, y)| (number(x), number(y)));
    let points = |text: &str| text.split(' ').map(|pair| point(pair).expect("a point")).collect();
    text.split("points=\"")
        .skip(1)
        .map(|rest| rest.split_once('"').expect("an end").0)
        .map(|list| if list.is_empty() { Vec::new() } else { points(list) })
        .collect()
}

#[test]
fn a_stall_is_a_hole_in_throughput_and_a_peak_in_latency() {
    let mut tally = Tally::default();
    for (slot, count, millis) in [(0, 1000, 1), (1, 10, 900), (2, 500, 1)] {
        for _ in 0..count {
            let latency = Duration::from_millis(millis);
            tally.count(Part::Put, latency, Ok(()));
            tally.count_in_slot(slot, latency, true);
        }
    }
    tally.count_in_slot(1, Duration::ZERO, false);
    let text = drawn(&tally);
    assert!(text.contains("put &lt; get &amp; more"));
    let curves = curves(&text);
    let [answered, errors, p50, ..] = &curves[..] else { panic!("{text}") };
    // Further up is a smaller y. The last slot is half as long, and as busy as the first.
    assert!((answered[0].1 - answered[2].1).abs() < 1e-9, "{answered:?}");
    assert!(answered[1].1 > answered[0].1 + 100.0, "{answered:?}");
    assert!(errors[1].1 < errors[0].1, "{errors:?}");
    assert!(p50[1].1 < p50[0].1 - 50.0 && p50[1].1 < p50[2].1 - 50.0, "{p50:?}");
    let inside = |point: &(f64, f64)| point.0 >= LEFT && point.0 <= WIDTH - RIGHT;
    assert!(curves.iter().flatten().all(inside));
}

#[test]
fn percentiles_rise_and_end_where_there_are_no_more_samples() {
    let mut tally = Tally::default();
    for millis in 1..=100 {
        tally.count(Part::Get, Duration::from_millis(millis), Ok(()));
    }
    let curves = curves(&drawn(&tally));
    let last = curves.last().expect("a curve");
    assert!(last.windows(2).all(|pair| pair[1].1 <= pair[0].1 && pair[1].0 > pair[0].0));
    // A hundred samples tell two nines of five.
    let end = last.last().expect("a point").0;
    assert!((end - x(0.4)).abs() < 0.1, "{end}");
}

#[test]
fn nothing_measured_is_drawn_as_empty_axes() {
    let text = drawn(&Tally::default());
    assert!(text.ends_with("</svg>\n") && !text.contains("NaN") && !text.contains("inf"));
}
