//! How stale reads may be, as the node estimates it.

use std::fmt;

use super::page::{Labels, Page};
use super::reading::Reading;
use crate::http::staleness::Estimated;

pub(super) fn write(reading: &Reading, page: &mut Page<'_>) -> fmt::Result {
    let told = &reading.staleness;
    page.gauges(
        "stator_staleness_probability",
        "The probability that a get through another node does not see a put through this one which \
         was acknowledged after_ms milliseconds before it began, with n replicas of which r are read \
         and w written; as long as all of them can be reached.",
        told.estimates.iter().flat_map(|estimate| {
            estimate.stale.iter().map(|step| {
                let mut labels = setting(estimate);
                labels.push(("after_ms", step.after_ms.to_string()));
                (labels, step.probability)
            })
        }),
    )?;
    page.gauges(
        "stator_staleness_window_seconds",
        "How long after its acknowledgement 99.9 % of such gets see a put.",
        told.estimates
            .iter()
            .map(|estimate| (setting(estimate), estimate.seen_by_999_per_mille_ms / 1e3)),
    )?;
    page.gauge(
        "stator_staleness_watched_puts",
        "Puts that those estimates are made of; the newest weigh most.",
        f64::from(told.watched_puts),
    )
}

fn setting(estimate: &Estimated) -> Labels {
    let Estimated { n, r, w, .. } = estimate;
    vec![("n", n.to_string()), ("r", r.to_string()), ("w", w.to_string())]
}
