//! The nodes: how each is, how much it was suspected, what it holds for others and others for it.

use std::time::Duration;

use maud::{Markup, html};
use stator_client::{HintsDocument, NodeDocument, StepDocument};
use stator_core::membership::admin::{MemberState, MemberStatus};

use super::super::front::Front;
use super::super::history;
use super::super::problem::Problem;
use super::sheet::Sheet;
use super::survey::{self, Said, Survey, Surveyed};
use super::{plot, show};

/// Above this a node is held to be down (`MembershipConfig::PHI_THRESHOLD`), and what is drawn ends
/// at twice as much.
const PHI_DOWN: f64 = stator_core::membership::MembershipConfig::PHI_THRESHOLD;

pub(super) async fn sheet(front: &Front) -> Result<Sheet, Problem> {
    let survey = survey::all(front).await?;
    let members: Vec<MemberStatus> = survey.nodes.iter().map(|node| node.member.clone()).collect();
    let content = html! {
        div class="cards" {
            @for node in &survey.nodes { (card(front, &survey, &members, node)) }
        }
        p class="quiet" {
            "State, phi and silence are what " (front.backend.name()) " holds of the others; the rest each \
             node says of itself. Phi: how much a silence is longer than usual, as a power of ten; above "
            (PHI_DOWN) " (the dashed line), or once a request waited for it in vain, a node is held to be down."
        }
    };
    Ok(Sheet::new("Nodes").live("nodes", content))
}

fn card(front: &Front, survey: &Survey, members: &[MemberStatus], node: &Surveyed) -> Markup {
    let member = &node.member;
    let is_me = member.id == front.backend.me();
    let colour = show::colour(members, member.id);
    html! {
        section class={ "card " (colour) } id=(member.id) {
            h2 {
                span class={ "swatch " (colour) } {} (member.name) " "
                (show::badge(show::state(member.state)))
                @if is_me { " " span class="quiet" { "this node" } }
            }
            dl {
                dt { "share" } dd { (show::percent(member.share)) " of all replicas, weight " (member.weight.get()) ", zone " (member.zone) }
                @if !is_me { (suspicion(front, member)) }
                @match &node.said {
                    Ok(said) => (told(said, &kept_for(survey, member))),
                    Err(why) => {
                        dt { "hints for it" } dd { (kept_for(survey, member)) } dt { "itself" } dd class="bad" { "not asked: " (why) } },
                }
                dt { "addresses" }
                dd class="addresses" {
                    "peers " (member.addresses.peer)
                    @if !member.addresses.http.is_empty() {
                        ", HTTP " a href={ "http://" (member.addresses.http) "/console" } { (member.addresses.http) }
                    }
                    @if !member.addresses.resp.is_empty() { ", Redis " (member.addresses.resp) }
                }
                dt { "id" } dd { code { (member.id) } }
            }
        }
    }
}

/// How much this node suspects another one, now and over the last ten minutes.
fn suspicion(front: &Front, member: &MemberStatus) -> Markup {
    let phi = front.history.phi(member.id);
    let now = if member.phi.is_finite() && member.phi < 1000.0 {
        format!("{:.1}", member.phi)
    } else {
        "beyond measure".to_owned()
    };
    let silent = member.silent_for.map(|silent| format!("heard {} ago", show::duration(silent)));
    html! {
        dt { "phi" }
        dd {
            strong class=[(member.state == MemberState::Down).then_some("bad")] { (now) } " "
            span class="quiet" { (silent.unwrap_or_else(|| "never heard".to_owned())) }
            (plot::spark(&phi, history::KEPT, 2.0 * PHI_DOWN, Some(PHI_DOWN)))
        }
    }
}

/// What a node says of itself.
fn told(said: &Said, kept_for: &Markup) -> Markup {
    let node = &said.node;
    let steps = &said.history.steps;
    let seconds = said.history.step_seconds.max(1) as f64;
    let rate = |step: &StepDocument| operations(step) as f64 / seconds;
    let rates: Vec<f64> = steps.iter().map(rate).collect();
    let most = rates.iter().copied().fold(1.0, f64::max);
    html! {
        dt { "load" }
        dd {
            strong { (show::figure(rates.last().copied().unwrap_or(0.0))) } " requests/s "
            span class="quiet" { "that came to it" }
            (plot::spark(&rates, history::KEPT / history::STEP - 1, most, None))
        }
        dt { "holds" }
        dd { (show::bytes(node.disk_bytes)) " on disk, " (node.replicas) " replicas of partitions" (complaints(node)) }
        dt { "hints it keeps" }
        dd {
            @if node.hints.is_empty() { "none" @if node.counting_hints { " (still counting)" } }
            @for (place, hints) in node.hints.iter().enumerate() {
                @if place > 0 { ", " }
                (show::count(hints.objects)) " for " strong { (hints.owner) } " (" (show::bytes(hints.bytes)) ")"
            }
        }
        dt { "hints for it" } dd { (kept_for) }
        dt { "runs" }
        dd {
            "Stator " (node.version) " for " (show::duration(Duration::from_secs(node.uptime_seconds)))
            ", ring " (node.ring_version) ", " (node.shards) @if node.shards == 1 { " shard" } @else { " shards" }
        }
    }
}

fn operations(step: &StepDocument) -> u64 {
    step.gets + step.gets_failed + step.puts + step.puts_refused + step.puts_indeterminate
}

/// What is not as it should be.
fn complaints(node: &NodeDocument) -> Markup {
    html! {
        @if node.not_counting > 0 { span class="bad" { "; " (node.not_counting) " do not count in reads until refilled" } }
        @if node.trees_building > 0 { "; " (node.trees_building) " trees being built" }
        @if node.set_aside > 0 { span class="bad" { "; " (node.set_aside) " damaged objects set aside" } }
        @if node.disk_reserved { span class="bad" { "; the disk is nearly full: new values are refused" } }
        @if node.silent_shards > 0 { span class="bad" { "; " (node.silent_shards) " shards do not answer" } }
    }
}

/// What others keep for a node.
fn kept_for(survey: &Survey, member: &MemberStatus) -> Markup {
    let id = member.id.to_string();
    let held: Vec<(&str, &HintsDocument)> = survey
        .nodes
        .iter()
        .filter_map(|holder| Some((&holder.member.name, holder.said.as_ref().ok()?)))
        .filter_map(|(name, said)| {
            let found = said.node.hints.iter().find(|hints| hints.id == id)?;
            Some((name.as_str(), found))
        })
        .collect();
    html! {
        @if held.is_empty() { "none" }
        @for (place, (holder, hints)) in held.iter().enumerate() {
            @if place > 0 { ", " }
            (show::count(hints.objects)) " by " strong { (holder) }
        }
    }
}
