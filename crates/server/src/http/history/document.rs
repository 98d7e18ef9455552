//! The last ten minutes as JSON, in steps of a few seconds.

use std::collections::BTreeMap;

use axum::extract::Request;
use http::{Method, StatusCode};
use serde::Serialize;
use stator_node::Distribution;
use utoipa::ToSchema;

use super::super::front::{Front, Shared};
use super::super::json;
use super::super::path::Target;
use super::super::problem::{Answer, Problem};
use super::super::query::Words;
use super::{History, Sample};

/// Samples in a step.
pub(in super::super) const STEP: usize = 5;

/// `GET /v1/node/history`.
pub(in super::super) async fn answer(front: Shared, request: Request) -> Answer {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Problem::method_not_allowed(request.method(), "GET, HEAD"));
    }
    Words::parse(Target::of(&request).query, &[])?;
    Ok(json::response(StatusCode::OK, &told(&front)))
}

/// The last ten minutes of the node behind the door.
pub(in super::super) fn told(front: &Front) -> Document {
    Document {
        name: front.backend.name().to_owned(),
        id: front.backend.me().to_string(),
        step_seconds: STEP as u64,
        steps: front.history.steps(),
    }
}

/// A node's last ten minutes.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = History)]
pub(in super::super) struct Document {
    name: String,
    id: String,
    /// How many seconds a step is.
    step_seconds: u64,
    /// Steps, the oldest first; the last has just ended.
    steps: Vec<Step>,
}

/// What a node did in one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = HistoryStep)]
pub(super) struct Step {
    /// Gets that it coordinated and answered.
    pub(super) gets: u64,
    /// Gets that failed.
    gets_failed: u64,
    /// Puts and deletes that it coordinated and that were acknowledged.
    puts: u64,
    /// Those that were refused.
    puts_refused: u64,
    /// Those whose outcome is not known.
    puts_indeterminate: u64,
    /// Gets by how long they took: by the upper end of a class in microseconds, how many. The
    /// classes are those of the metrics.
    get_micros: BTreeMap<String, u64>,
    /// Puts by how long they took.
    put_micros: BTreeMap<String, u64>,
    /// States sent to replicas that a read found to be behind.
    read_repairs: u64,
    /// Reads that asked one replica more since another was slow.
    hedged: u64,
    /// Hints taken.
    hints_stored: u64,
    /// Hints sent home.
    hints_delivered: u64,
    /// Hints held at the end of the step.
    hints_held: u64,
    /// Objects that exchanges brought there or took to a peer.
    exchanged_objects: u64,
}

impl History {
    /// Whole steps. They begin where the count of samples is a multiple of a step's, so that a
    /// step once told is told the same until it is forgotten.
    pub(super) fn steps(&self) -> Vec<Step> {
        let kept = self.lock();
        let past_last_end = kept.dropped as usize % STEP;
        let first = (STEP - past_last_end) % STEP;
        let ends: Vec<&Sample> = kept.samples.iter().skip(first).step_by(STEP).collect();
        ends.windows(2).map(|ends| Step::between(ends[0], ends[1])).collect()
    }
}

impl Step {
    fn between(from: &Sample, to: &Sample) -> Self {
        let (stats, before) = (&to.stats, &from.stats);
        let (upkeep, upkeep_before) = (&to.upkeep, &from.upkeep);
        Self {
            gets: stats.gets.saturating_sub(before.gets),
            gets_failed: stats.gets_failed.saturating_sub(before.gets_failed),
            puts: stats.puts.saturating_sub(before.puts),
            puts_refused: stats.puts_refused.saturating_sub(before.puts_refused),
            puts_indeterminate: stats.puts_indeterminate.saturating_sub(before.puts_indeterminate),
            get_micros: classes(&stats.get_micros.since(&before.get_micros)),
            put_micros: classes(&stats.put_micros.since(&before.put_micros)),
            read_repairs: upkeep.read_repairs.saturating_sub(upkeep_before.read_repairs),
            hedged: stats.hedged.saturating_sub(before.hedged),
            hints_stored: upkeep.hints_stored.saturating_sub(upkeep_before.hints_stored),
            hints_delivered: upkeep.hints_delivered.saturating_sub(upkeep_before.hints_delivered),
            hints_held: to.hints_held,
            exchanged_objects: upkeep
                .exchanged_objects
                .saturating_sub(upkeep_before.exchanged_objects),
        }
    }
}

fn classes(micros: &Distribution) -> BTreeMap<String, u64> {
    micros.classes().into_iter().map(|(end, count)| (end.to_string(), count)).collect()
}
