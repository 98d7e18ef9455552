//! Series as small drawings: made on the server, coloured by the style sheet, with the newest value
//! at the right edge.

use maud::{Markup, html};

use super::show;

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 96.0;

/// One line of a plot.
pub(super) struct Series {
    pub(super) name: &'static str,
    /// The class that gives it its colour.
    pub(super) class: &'static str,
    /// The oldest first; none where there is nothing to tell.
    pub(super) values: Vec<Option<f64>>,
}

/// What a plot shows.
pub(super) struct Plot {
    pub(super) title: &'static str,
    pub(super) unit: &'static str,
    /// How many values the whole width is.
    pub(super) places: usize,
    /// How long that is.
    pub(super) span: &'static str,
    pub(super) series: Vec<Series>,
}

impl Plot {
    pub(super) fn draw(&self) -> Markup {
        let top = ceiling(self.series.iter().flat_map(|series| &series.values).flatten());
        let last = |series: &Series| series.values.last().copied().flatten();
        html! {
            figure class="plot" {
                figcaption {
                    strong { (self.title) } " " span class="quiet" { (self.unit) }
                }
                svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img"
                    aria-label={ (self.title) " over the last " (self.span) } {
                    @for line in 0..=2 {
                        @let y = HEIGHT * f64::from(line) / 2.0;
                        line class="rule" x1="0" x2=(WIDTH) y1=(y) y2=(y) {}
                    }
                    @for series in &self.series {
                        @for run in runs(&series.values, self.places, top, HEIGHT) {
                            polyline class={ "curve " (series.class) } points=(run) {}
                        }
                    }
                }
                div class="scale quiet" {
                    span { "−" (self.span) } span { "top " (show::figure(top)) } span { "now" }
                }
                ul class="key" {
                    @for series in &self.series {
                        li {
                            span class={ "swatch " (series.class) } {}
                            (series.name) " "
                            strong {
                                @match last(series) { Some(now) => (show::figure(now)), None => "–" }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A line alone, in a small space, up to `top`; `mark` is drawn across.
pub(super) fn spark(values: &[f64], places: usize, top: f64, mark: Option<f64>) -> Markup {
    let values: Vec<Option<f64>> = values.iter().map(|value| Some(value.min(top))).collect();
    html! {
        svg class="spark" viewBox={ "0 0 " (WIDTH) " 40" } preserveAspectRatio="none" aria-hidden="true" {
            line class="rule" x1="0" x2=(WIDTH) y1="40" y2="40" {}
            @if let Some(mark) = mark {
                @let y = 40.0 - 40.0 * mark / top;
                line class="mark" x1="0" x2=(WIDTH) y1=(y) y2=(y) {}
            }
            @for run in runs(&values, places, top, 40.0) {
                polyline class="curve" points=(run) {}
            }
        }
    }
}

/// A part of a whole, as a bar.
pub(super) fn bar(fraction: f64, class: &str) -> Markup {
    let width = (fraction.clamp(0.0, 1.0) * 1000.0).round() / 10.0;
    html! {
        svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" {
            rect class="rest" width="100" height="8" {}
            rect class={ "part " (class) } width=(width) height="8" {}
        }
    }
}

/// The points of each unbroken run.
fn runs(values: &[Option<f64>], places: usize, top: f64, height: f64) -> Vec<String> {
    let values = &values[values.len().saturating_sub(places)..];
    let step = WIDTH / (places.max(2) - 1) as f64;
    let first = WIDTH - step * values.len().saturating_sub(1) as f64;
    let point = |(place, value): (usize, &Option<f64>)| {
        let (x, y) = (first + step * place as f64, height - height * (*value)? / top);
        Some(format!("{x:.1},{y:.1}"))
    };
    let points: Vec<Option<String>> = values.iter().enumerate().map(point).collect();
    let unbroken = points.split(Option::is_none).filter(|run| !run.is_empty());
    unbroken
        .map(|run| match run {
            // A line needs two ends.
            [Some(alone)] => format!("{alone} {alone}"),
            _ => run.iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" "),
        })
        .collect()
}

/// A round number that no value exceeds: 1, 2 or 5 times a power of ten.
fn ceiling<'a>(values: impl Iterator<Item = &'a f64>) -> f64 {
    let most = values.copied().filter(|value| value.is_finite()).fold(0.0, f64::max);
    if most <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(most.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0];
    let fits = steps.into_iter().map(|step| step * power).find(|step| *step >= most);
    fits.unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_value_is_at_the_right_edge_and_gaps_break_the_line() {
        let values = [Some(0.0), Some(1.0), None, Some(2.0), Some(2.0)];
        assert_eq!(runs(&values, 5, 2.0, 10.0), ["0.0,10.0 80.0,5.0", "240.0,0.0 320.0,0.0"]);
        assert_eq!(runs(&values[3..], 5, 2.0, 10.0), ["240.0,0.0 320.0,0.0"]);
        assert_eq!(runs(&values, 2, 2.0, 10.0), ["0.0,0.0 320.0,0.0"], "only what has a place");
        assert_eq!(runs(&[Some(1.0)], 5, 1.0, 10.0), ["320.0,0.0 320.0,0.0"], "a dot");
        assert!(runs(&[], 5, 1.0, 10.0).is_empty());
    }

    #[test]
    fn the_top_is_a_round_number_above_all() {
        let of = |values: &[f64]| show::figure(ceiling(values.iter()));
        assert_eq!(of(&[]), "1");
        assert_eq!(of(&[0.0]), "1");
        assert_eq!(of(&[3.0, 17.0]), "20");
        assert_eq!(of(&[5.0]), "5");
        assert_eq!(of(&[0.03]), "0.05");
        assert_eq!(of(&[f64::INFINITY, 900.0]), show::count(1000));
    }
}
