//! Traffic: operations by outcome, how long they took, how often reads found a replica behind, and
//! what repair did, over the last ten minutes; of the whole cluster or of one node.

mod staleness;

use std::collections::BTreeMap;

use maud::{Markup, html};
use stator_client::StepDocument;

use super::super::front::Front;
use super::super::history;
use super::super::problem::Problem;
use super::form::{self, Form};
use super::plot::{Plot, Series};
use super::sheet::Sheet;
use super::show;
use super::survey::{self, Surveyed};

/// Steps in ten minutes.
const STEPS: usize = history::KEPT / history::STEP - 1;
/// The last minute, in steps.
const MINUTE: usize = 60 / history::STEP;

/// Which node's traffic; the whole cluster's without one.
pub(super) struct Asked {
    node: Option<String>,
}

impl Asked {
    pub(super) fn read(form: &Form) -> Self {
        Self { node: form.get("node").map(str::to_owned) }
    }

    pub(super) fn query(&self) -> String {
        form::query(&[("node", self.node.as_deref())])
    }
}

pub(super) async fn sheet(front: &Front, asked: &Asked) -> Result<Sheet, Problem> {
    let survey = survey::all(front).await?;
    let is_asked =
        |node: &&Surveyed| asked.node.as_ref().is_none_or(|name| *name == node.member.name);
    let nodes: Vec<&Surveyed> = survey.nodes.iter().filter(is_asked).collect();
    let steps = together(&nodes);
    let missing: Vec<&str> = nodes
        .iter()
        .filter(|node| node.said.is_err())
        .map(|node| node.member.name.as_str())
        .collect();
    let names = survey.nodes.iter().map(|node| node.member.name.as_str());
    Ok(Sheet::new("Traffic").still(choose(asked, names)).live("traffic", html! {
        @if !missing.is_empty() {
            p class="quiet" { "Without " (missing.join(", ")) ", which can’t be asked." }
        }
        (figures(&steps))
        (staleness::table(&nodes))
        div class="plots" { @for plot in plots(&steps) { (plot.draw()) } }
        p class="quiet" {
            "Each node counts what it coordinated, in steps of " (history::STEP) " s, in memory for ten minutes. \
             Times are told by the upper end of their class, of which there are three between 1 and 10 ms. Stale: replicas that a read found to be \
             behind and repaired, for each hundred reads."
        }
    }))
}

fn choose<'a>(asked: &Asked, names: impl Iterator<Item = &'a str>) -> Markup {
    html! {
        nav class="choice" aria-label="Whose traffic" {
            a href="/console/traffic" aria-current=[asked.node.is_none().then_some("true")] { "all nodes" }
            @for name in names {
                @let current = (asked.node.as_deref() == Some(name)).then_some("true");
                a href={ "/console/traffic?" (form::query(&[("node", Some(name))])) } aria-current=[current] { (name) }
            }
        }
    }
}

/// The steps of several nodes added up, the newest with the newest.
fn together(nodes: &[&Surveyed]) -> Vec<StepDocument> {
    let told: Vec<&[StepDocument]> =
        nodes.iter().filter_map(|node| Some(&node.said.as_ref().ok()?.history.steps[..])).collect();
    let longest = told.iter().map(|steps| steps.len()).max().unwrap_or(0);
    let mut sums = vec![StepDocument::default(); longest];
    for steps in told {
        let aligned = sums.iter_mut().skip(longest - steps.len());
        aligned.zip(steps).for_each(|(sum, step)| add(sum, step));
    }
    sums
}

fn add(sum: &mut StepDocument, step: &StepDocument) {
    sum.gets += step.gets;
    sum.gets_failed += step.gets_failed;
    sum.puts += step.puts;
    sum.puts_refused += step.puts_refused;
    sum.puts_indeterminate += step.puts_indeterminate;
    sum.read_repairs += step.read_repairs;
    sum.hedged += step.hedged;
    sum.hints_stored += step.hints_stored;
    sum.hints_delivered += step.hints_delivered;
    sum.hints_held += step.hints_held;
    sum.exchanged_objects += step.exchanged_objects;
    for (end, count) in &step.get_micros {
        *sum.get_micros.entry(*end).or_default() += count;
    }
    for (end, count) in &step.put_micros {
        *sum.put_micros.entry(*end).or_default() += count;
    }
}

/// The time in milliseconds that this fraction did not exceed; none if there were none.
fn quantile(micros: &BTreeMap<u64, u64>, fraction: f64) -> Option<f64> {
    let all: u64 = micros.values().sum();
    let wanted = (all as f64 * fraction).ceil().max(1.0) as u64;
    let mut seen = 0;
    let found = micros.iter().find(|(_, count)| {
        seen += *count;
        seen >= wanted
    });
    found.map(|(end, _)| *end as f64 / 1000.0)
}

fn stale(step: &StepDocument) -> Option<f64> {
    let reads = step.gets + step.gets_failed;
    (reads > 0).then(|| step.read_repairs as f64 * 100.0 / reads as f64)
}

/// The last minute in numbers.
fn figures(steps: &[StepDocument]) -> Markup {
    let mut minute = StepDocument::default();
    let last = &steps[steps.len().saturating_sub(MINUTE)..];
    for step in last {
        add(&mut minute, step);
    }
    let seconds = (last.len() * history::STEP).max(1) as f64;
    let rate = |count: u64| show::figure(count as f64 / seconds);
    let time = |micros: &BTreeMap<u64, u64>, fraction| {
        quantile(micros, fraction)
            .map_or_else(|| "–".to_owned(), |ms| format!("{} ms", show::figure(ms)))
    };
    html! {
        div class="scroll" { table class="figures" {
            caption class="quiet" { "The last minute" }
            thead { tr {
                th scope="col" { "" } th scope="col" class="number" { "per second" } th scope="col" class="number" { "refused" }
                th scope="col" class="number" { "indeterminate" } th scope="col" class="number" { "p50" } th scope="col" class="number" { "p99" }
                th scope="col" class="number" { "p99.9" }
            } }
            tbody {
                tr {
                    th scope="row" { "gets" } td class="number" { (rate(minute.gets)) }
                    td class="number" colspan="2" { (show::count(minute.gets_failed)) " without an answer" }
                    @for fraction in [0.5, 0.99, 0.999] { td class="number" { (time(&minute.get_micros, fraction)) } }
                }
                tr {
                    th scope="row" { "puts" } td class="number" { (rate(minute.puts)) }
                    td class="number" { (show::count(minute.puts_refused)) }
                    td class="number" { (show::count(minute.puts_indeterminate)) }
                    @for fraction in [0.5, 0.99, 0.999] { td class="number" { (time(&minute.put_micros, fraction)) } }
                }
            }
        } }
    }
}

fn plots(steps: &[StepDocument]) -> Vec<Plot> {
    let seconds = history::STEP as f64;
    let series = |name, class, of: &dyn Fn(&StepDocument) -> Option<f64>| Series {
        name,
        class,
        values: steps.iter().map(of).collect(),
    };
    let rate = |name, class, of: fn(&StepDocument) -> u64| {
        series(name, class, &move |step: &StepDocument| Some(of(step) as f64 / seconds))
    };
    let time = |name, class, of: fn(&StepDocument) -> &BTreeMap<u64, u64>, fraction: f64| {
        series(name, class, &move |step: &StepDocument| quantile(of(step), fraction))
    };
    let plot = |title, unit, series| Plot { title, unit, places: STEPS, span: "10 min", series };
    vec![
        plot(
            "Gets",
            "per second",
            vec![
                rate("answered", "good", |step| step.gets),
                rate("failed", "bad", |step| step.gets_failed),
                rate("hedged", "third", |step| step.hedged),
            ],
        ),
        plot(
            "Puts",
            "per second",
            vec![
                rate("acknowledged", "good", |step| step.puts),
                rate("refused", "warn", |step| step.puts_refused),
                rate("indeterminate", "bad", |step| step.puts_indeterminate),
            ],
        ),
        plot(
            "Time of a get",
            "ms",
            vec![
                time("p50", "first", |step| &step.get_micros, 0.5),
                time("p99", "second", |step| &step.get_micros, 0.99),
            ],
        ),
        plot(
            "Time of a put",
            "ms",
            vec![
                time("p50", "first", |step| &step.put_micros, 0.5),
                time("p99", "second", |step| &step.put_micros, 0.99),
            ],
        ),
        plot("Staleness", "stale replicas per 100 reads", vec![series("stale", "warn", &stale)]),
        plot(
            "Repair",
            "objects per second",
            vec![
                rate("by reads", "first", |step| step.read_repairs),
                rate("by exchanges", "second", |step| step.exchanged_objects),
                rate("hints home", "good", |step| step.hints_delivered),
            ],
        ),
        plot(
            "Hints held",
            "objects",
            vec![series("held", "warn", &|step: &StepDocument| Some(step.hints_held as f64))],
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_end_of_the_class_that_reaches_it() {
        let micros = BTreeMap::from([(1000, 98), (4000, 1), (9000, 1)]);
        assert_eq!(quantile(&micros, 0.5), Some(1.0));
        assert_eq!(quantile(&micros, 0.98), Some(1.0));
        assert_eq!(quantile(&micros, 0.99), Some(4.0));
        assert_eq!(quantile(&micros, 0.999), Some(9.0));
        assert_eq!(quantile(&BTreeMap::new(), 0.5), None);
    }

    #[test]
    fn staleness_is_told_of_reads_alone() {
        let step =
            StepDocument { gets: 150, gets_failed: 50, read_repairs: 3, ..StepDocument::default() };
        assert_eq!(stale(&step), Some(1.5));
        assert_eq!(stale(&StepDocument { read_repairs: 3, ..StepDocument::default() }), None);
    }
}
