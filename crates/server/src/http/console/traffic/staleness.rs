//! How stale reads may be, as nodes estimate it of what is written through them.

use maud::{Markup, html};
use stator_client::{EstimateDocument, StalenessDocument};

use super::super::show;
use super::super::survey::Surveyed;

/// The estimates of these nodes, put together.
pub(super) fn table(nodes: &[&Surveyed]) -> Markup {
    let told: Vec<&StalenessDocument> =
        nodes.iter().filter_map(|node| node.said.as_ref().ok()?.staleness.as_ref()).collect();
    let watched: u64 = told.iter().map(|document| u64::from(document.watched_puts)).sum();
    let estimates = EstimateDocument::together(told);
    let Some(first) = estimates.first() else {
        return html! {
            p class="quiet" { "How stale reads may be is estimated once puts went through these nodes." }
        };
    };
    html! {
        div class="scroll" { table class="figures" {
            caption class="quiet" {
                "Stale reads, as estimated from " (show::count(watched)) " puts: how likely a read through another node "
                "misses a put that was acknowledged so long before"
            }
            thead { tr {
                th scope="col" { "n, r, w" }
                @for step in &first.stale {
                    th scope="col" class="number" {
                        @if step.after_ms > 0.0 { (step.after_ms) " ms" } @else { "at once" }
                    }
                }
                th scope="col" class="number" { "99.9 % see it after" }
            } }
            tbody { @for estimate in &estimates { (row(estimate)) } }
        } }
    }
}

fn row(estimate: &EstimateDocument) -> Markup {
    let EstimateDocument { n, r, w, .. } = estimate;
    let never = r + w > *n;
    html! {
        tr {
            th scope="row" { (n) ", " (r) ", " (w) }
            @for step in &estimate.stale { td class="number" { (share(step.probability, never)) } }
            td class="number" { (show::figure(estimate.seen_by_999_per_mille_ms)) " ms" }
        }
    }
}

/// A probability as percent. That none of the draws was stale does not say that no read ever is.
fn share(probability: f64, never: bool) -> String {
    if never {
        return "0".to_owned();
    }
    let percent = probability * 100.0;
    if percent < 0.01 { "< 0.01 %".to_owned() } else { format!("{percent:.2} %") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_quorums_that_overlap_are_said_to_be_never_stale() {
        assert_eq!(share(0.0, true), "0");
        assert_eq!(share(0.0, false), "< 0.01 %");
        assert_eq!(share(0.1234, false), "12.34 %");
    }
}
