//! The figure: efficiency over what a node must know, one panel for each skew.
//!
//! Hand-made SVG: three lines on two axes are less text than a plotting library's set-up.

use std::fmt::Write;

use super::study::{Point, Study};

const PANEL_WIDTH: f64 = 340.0;
const PANEL_HEIGHT: f64 = 260.0;
const LEFT: f64 = 56.0;
const TOP: f64 = 48.0;
const BETWEEN: f64 = 28.0;
/// Below the panels: numbers, the axis's name, the legend.
const BOTTOM: f64 = 84.0;
/// Blue, orange and green that colour-blind people can tell apart (Okabe and Ito).
const STRATEGIES: [(u8, &str, &str); 3] = [
    (1, "#0072b2", "1: T random tokens per node, partition by token value"),
    (2, "#d55e00", "2: T random tokens per node, equal partitions"),
    (3, "#009e73", "3: equal partitions placed by plan (Stator)"),
];

/// The axis of bytes, by powers of ten.
#[derive(Clone, Copy)]
struct Axis {
    low: i32,
    high: i32,
}

impl Axis {
    fn over(points: &[Point]) -> Self {
        let logs = || points.iter().map(|point| (point.bytes.max(1) as f64).log10());
        let low = logs().fold(f64::INFINITY, f64::min).floor().max(0.0) as i32;
        let high = logs().fold(0.0, f64::max).ceil() as i32;
        Self { low, high: high.max(low + 1) }
    }

    /// Where a number of bytes is, in a panel that begins at `left`.
    fn x(self, left: f64, bytes: f64) -> f64 {
        let part = (bytes.log10() - f64::from(self.low)) / f64::from(self.high - self.low);
        PANEL_WIDTH.mul_add(part, left)
    }
}

fn y(efficiency: f64) -> f64 {
    PANEL_HEIGHT.mul_add(1.0 - efficiency, TOP)
}

/// The figure as a document.
pub fn svg(study: &Study, points: &[Point]) -> String {
    let axis = Axis::over(points);
    let panels = study.exponents.len() as f64;
    let (width, height) =
        (panels.mul_add(PANEL_WIDTH + BETWEEN, LEFT), TOP + PANEL_HEIGHT + BOTTOM);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n"
    );
    let title = format!(
        "Load-balance efficiency (mean over most), S = {}, N = {}, {} keys, {} seeds",
        study.size.nodes,
        study.size.replicas,
        study.keys,
        study.seeds.end - study.seeds.start,
    );
    text(&mut out, (LEFT, 16.0), "start", &title);
    for (place, exponent) in study.exponents.iter().enumerate() {
        let left = (place as f64).mul_add(PANEL_WIDTH + BETWEEN, LEFT);
        let skew = if *exponent > 0.0 { format!("zipf {exponent}") } else { "uniform".to_owned() };
        text(&mut out, (left + PANEL_WIDTH / 2.0, TOP - 8.0), "middle", &skew);
        grid(&mut out, axis, left, place == 0);
        for (number, colour, _) in STRATEGIES {
            // Equal: both are the same setting of the study.
            let same = |point: &&Point| point.exponent.total_cmp(exponent).is_eq();
            let line: Vec<&Point> = (points.iter().filter(same))
                .filter(|point| point.strategy.number() == number)
                .collect();
            curve(&mut out, axis, left, (&line, colour));
        }
    }
    let below = TOP + PANEL_HEIGHT + 36.0;
    text(
        &mut out,
        (LEFT + (width - LEFT) / 2.0, below),
        "middle",
        "bytes that each node must know",
    );
    for (place, (_, colour, name)) in STRATEGIES.iter().enumerate() {
        let x = (place as f64).mul_add((width - LEFT) / 3.0, LEFT);
        let (at, to) = (below + 24.0, x + 18.0);
        line(&mut out, ((x, at), (to, at)), &format!("stroke=\"{colour}\" stroke-width=\"2\""));
        text(&mut out, (to + 6.0, at + 4.0), "start", name);
    }
    out.push_str("</svg>\n");
    out
}

fn grid(out: &mut String, axis: Axis, left: f64, numbered: bool) {
    let grey = "stroke=\"#dddddd\"";
    for tenth in (0..=10).step_by(2) {
        let share = f64::from(tenth) / 10.0;
        line(out, ((left, y(share)), (left + PANEL_WIDTH, y(share))), grey);
        if numbered {
            text(out, (left - 6.0, y(share) + 4.0), "end", &format!("{share:.1}"));
        }
    }
    for power in axis.low..=axis.high {
        let bytes = 10_f64.powi(power);
        let x = axis.x(left, bytes);
        line(out, ((x, y(0.0)), (x, y(1.0))), grey);
        let number = match power {
            ..3 => format!("{bytes}"),
            3..6 => format!("{} k", 10_u32.pow(power as u32 - 3)),
            _ => format!("{} M", 10_f64.powi(power - 6)),
        };
        text(out, (x, y(0.0) + 16.0), "middle", &number);
    }
}

/// The means as a line, and from the worst to the best seed as an area behind it.
fn curve(out: &mut String, axis: Axis, left: f64, (points, colour): (&[&Point], &str)) {
    let at = |point: &Point, share: f64| {
        format!("{:.1},{:.1}", axis.x(left, point.bytes.max(1) as f64), y(share))
    };
    let means: Vec<String> = points.iter().map(|point| at(point, point.mean())).collect();
    let worst = points.iter().map(|point| at(point, point.range().0));
    let best = points.iter().rev().map(|point| at(point, point.range().1));
    let area: Vec<String> = worst.chain(best).collect();
    // Writing to a string can't fail.
    let _ = writeln!(
        out,
        "<polygon points=\"{}\" fill=\"{colour}\" fill-opacity=\"0.15\"/>\n\
         <polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
        area.join(" "),
        means.join(" "),
    );
}

type Place = (f64, f64);

fn line(out: &mut String, (from, to): (Place, Place), style: &str) {
    let ((x1, y1), (x2, y2)) = (from, to);
    let _ = writeln!(
        out,
        "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" {style}/>"
    );
}

fn text(out: &mut String, (x, y): Place, anchor: &str, text: &str) {
    let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
}
