//! The figure of `--plot`: throughput and latencies over time, and latencies by percentile.
//!
//! Hand-made SVG, as the simulator's: a few lines on axes are less text than a plotting library's
//! set-up.

use std::fmt::Write;

use hdrhistogram::Histogram;

use crate::bench::tally::{Slot, Tally};

const WIDTH: f64 = 860.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 44.0;
const PANEL: f64 = 190.0;
const TITLE: f64 = 44.0;
const BETWEEN: f64 = 62.0;
/// Colours that colour-blind people can tell apart (Okabe and Ito).
const BLUE: &str = "#0072b2";
const ORANGE: &str = "#d55e00";
const GREEN: &str = "#009e73";
const BLACK: &str = "#000000";
/// To how many nines percentiles are drawn.
const NINES: f64 = 5.0;

/// What is drawn.
pub(super) struct Figure<'a> {
    pub(super) title: &'a str,
    pub(super) tally: &'a Tally,
    pub(super) slot_seconds: f64,
    /// How long was measured.
    pub(super) seconds: f64,
}

/// A panel: where it begins, and what its upright axis spans.
struct Panel {
    top: f64,
    scale: Scale,
}

/// An upright axis.
#[derive(Clone, Copy)]
enum Scale {
    /// From zero to this.
    Linear(f64),
    /// Powers of ten of microseconds, from and to.
    Log(i32, i32),
}

impl Scale {
    /// An axis from zero to a round number.
    fn up_to(most: f64) -> Self {
        let power = 10_f64.powf(most.max(1.0).log10().floor());
        let steps = (most.max(1.0) / power * 2.0).ceil() / 2.0;
        Self::Linear(steps * power)
    }

    /// An axis of powers of ten around what was measured.
    fn around(least: u64, most: u64) -> Self {
        let low = (least.max(1) as f64).log10().floor() as i32;
        let high = (most.max(1) as f64).log10().ceil() as i32;
        Self::Log(low, high.max(low + 1))
    }

    /// How far up a value is, of one.
    fn part(self, value: f64) -> f64 {
        match self {
            Self::Linear(most) => value / most,
            Self::Log(low, high) => {
                (value.max(1.0).log10() - f64::from(low)) / f64::from(high - low)
            }
        }
    }

    /// What is written beside the axis, and where.
    fn marks(self) -> Vec<(f64, String)> {
        match self {
            Self::Linear(most) => {
                let mark = |step: u32| most * f64::from(step) / 4.0;
                (0..=4).map(|step| (mark(step), format!("{:.0}", mark(step)))).collect()
            }
            Self::Log(low, high) => {
                let mark = |power: i32| 10_f64.powi(power);
                (low..=high).map(|power| (mark(power), short(mark(power)))).collect()
            }
        }
    }
}

/// A power of ten of microseconds.
fn short(micros: f64) -> String {
    match micros {
        ..1e3 => format!("{micros:.0} µs"),
        ..1e6 => format!("{:.0} ms", micros / 1e3),
        _ => format!("{:.0} s", micros / 1e6),
    }
}

impl Panel {
    fn y(&self, value: f64) -> f64 {
        PANEL.mul_add(1.0 - self.scale.part(value), self.top)
    }

    fn begin(&self, out: &mut String, title: &str) {
        let middle = self.top - 10.0;
        text(out, (LEFT, middle), "start", BLACK, title);
        for (value, mark) in self.scale.marks() {
            let y = self.y(value);
            line(out, [LEFT, y, WIDTH - RIGHT, y], "#dddddd");
            text(out, (LEFT - 8.0, y + 4.0), "end", "#444444", &mark);
        }
    }

    /// A line through points, each given by how far right it is (of one) and its value.
    fn curve(&self, out: &mut String, colour: &str, points: impl Iterator<Item = (f64, f64)>) {
        let points: Vec<String> =
            points.map(|(part, value)| format!("{:.1},{:.1}", x(part), self.y(value))).collect();
        put(
            out,
            format_args!(
                "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\" points=\"{}\"/>\n",
                points.join(" ")
            ),
        );
    }

    fn foot(&self, out: &mut String, marks: impl Iterator<Item = (f64, String)>) {
        for (part, mark) in marks {
            text(out, (x(part), self.top + PANEL + 18.0), "middle", "#444444", &mark);
        }
    }

    /// Names the curves at the right of the title.
    fn legend(&self, out: &mut String, names: &[(&str, &str)]) {
        for (place, (name, colour)) in names.iter().rev().enumerate() {
            let right = 70.0_f64.mul_add(-(place as f64), WIDTH - RIGHT);
            text(out, (right, self.top - 10.0), "end", colour, name);
        }
    }
}

fn x(part: f64) -> f64 {
    (WIDTH - LEFT - RIGHT).mul_add(part, LEFT)
}

fn put(out: &mut String, what: std::fmt::Arguments<'_>) {
    out.write_fmt(what).expect("a text takes what is written");
}

fn line(out: &mut String, [x1, y1, x2, y2]: [f64; 4], colour: &str) {
    put(
        out,
        format_args!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\"/>\n"
        ),
    );
}

fn text(out: &mut String, (x, y): (f64, f64), anchor: &str, colour: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    put(
        out,
        format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{words}</text>\n"
        ),
    );
}

/// The figure as a document.
pub(super) fn svg(figure: &Figure<'_>) -> String {
    let height = TITLE + 3.0 * (PANEL + BETWEEN);
    let mut out = String::new();
    put(
        &mut out,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
             font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>\n"
        ),
    );
    text(&mut out, (LEFT, 20.0), "start", BLACK, figure.title);
    let top = |number: u32| f64::from(number).mul_add(PANEL + BETWEEN, TITLE + 16.0);
    throughput(&mut out, figure, top(0));
    over_time(&mut out, figure, top(1));
    percentiles(&mut out, figure.tally, top(2));
    out.push_str("</svg>\n");
    out
}

/// Slots with how far right their middles are. The last one may be shorter than the others.
fn slots<'a>(figure: &'a Figure<'_>) -> impl Iterator<Item = (f64, &'a Slot, f64)> {
    figure.tally.slots.iter().enumerate().map(|(number, slot)| {
        let from = number as f64 * figure.slot_seconds;
        let long = figure.slot_seconds.min(figure.seconds - from).max(1e-3);
        ((from + long / 2.0) / figure.seconds.max(1e-3), slot, long)
    })
}

fn seconds(figure: &Figure<'_>) -> impl Iterator<Item = (f64, String)> {
    let seconds = figure.seconds;
    (0..=5_u32).map(move |step| {
        let part = f64::from(step) / 5.0;
        (part, format!("{:.1} s", part * seconds))
    })
}

fn throughput(out: &mut String, figure: &Figure<'_>, top: f64) {
    let rate = |slot: &Slot, long: f64| slot.latencies.len() as f64 / long;
    let failing = |slot: &Slot, long: f64| slot.errors as f64 / long;
    let most = slots(figure)
        .map(|(_, slot, long)| rate(slot, long).max(failing(slot, long)))
        .fold(0.0, f64::max);
    let panel = Panel { top, scale: Scale::up_to(most) };
    panel.begin(out, "Operations per second");
    panel.legend(out, &[("answered", BLUE), ("errors", ORANGE)]);
    let answered = slots(figure).map(|(part, slot, long)| (part, rate(slot, long)));
    panel.curve(out, BLUE, answered);
    let errors = slots(figure).map(|(part, slot, long)| (part, failing(slot, long)));
    panel.curve(out, ORANGE, errors);
    panel.foot(out, seconds(figure));
}

fn over_time(out: &mut String, figure: &Figure<'_>, top: f64) {
    let some = || slots(figure).filter(|(_, slot, _)| !slot.latencies.is_empty());
    let least = some().map(|(_, slot, _)| slot.latencies.value_at_quantile(0.5)).min();
    let most = some().map(|(_, slot, _)| slot.latencies.max()).max();
    let panel = Panel { top, scale: Scale::around(least.unwrap_or(1), most.unwrap_or(1)) };
    panel.begin(out, "Latency of what was answered then");
    panel.legend(out, &[("p50", GREEN), ("p99", BLUE), ("max", ORANGE)]);
    for (quantile, colour) in [(0.5, GREEN), (0.99, BLUE), (1.0, ORANGE)] {
        let at = |slot: &Slot| slot.latencies.value_at_quantile(quantile) as f64;
        panel.curve(out, colour, some().map(|(part, slot, _)| (part, at(slot))));
    }
    panel.foot(out, seconds(figure));
}

fn percentiles(out: &mut String, tally: &Tally, top: f64) {
    let some = || tally.parts().into_iter().filter(|(_, histogram)| !histogram.is_empty());
    let least = some().map(|(_, histogram)| histogram.min()).min();
    let most = some().map(|(_, histogram)| histogram.max()).max();
    let panel = Panel { top, scale: Scale::around(least.unwrap_or(1), most.unwrap_or(1)) };
    panel.begin(out, "Latency by percentile");
    let colours = [("put", ORANGE), ("get", BLUE), ("rmw", GREEN)];
    let drawn: Vec<_> =
        colours.into_iter().filter(|(name, _)| some().any(|(part, _)| part == *name)).collect();
    panel.legend(out, &drawn);
    for (name, histogram) in some() {
        let colour = colours.iter().find(|(part, _)| *part == name).map_or(BLACK, |found| found.1);
        panel.curve(out, colour, by_nines(histogram));
    }
    let marks = ["0", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %"];
    panel.foot(out, (0..).zip(marks).map(|(nines, mark)| (f64::from(nines) / NINES, mark.into())));
}

/// Latencies where the share of slower ones falls by equal factors, as far as there are enough.
fn by_nines(histogram: &Histogram<u64>) -> impl Iterator<Item = (f64, f64)> {
    const STEPS: u32 = 100;
    let enough = (histogram.len() as f64).log10().min(NINES);
    (0..=STEPS).map(move |step| {
        let nines = enough * f64::from(step) / f64::from(STEPS);
        let quantile = 1.0 - 10_f64.powf(-nines);
        (nines / NINES, histogram.value_at_quantile(quantile) as f64)
    })
}

#[cfg(test)]
mod tests;
