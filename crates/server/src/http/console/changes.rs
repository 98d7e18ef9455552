//! Changes of the ring: what is staged and what it would do, the commit, and how far the last one
//! is (the paper, 4.8.1: only an operator's explicit commit changes the ring).

mod send;

use std::collections::BTreeMap;

use maud::{Markup, html};
use stator_core::identity::NodeId;
use stator_core::membership::admin::{
    AdminDone, AdminError, AdminRequest, ChangeStatus, ClusterStatus, MemberState,
};
use stator_core::membership::facts::StagedChange;
use stator_core::ring::{Change, Plan};

use super::super::front::Front;
use super::super::problem::{Intent, Problem};
use super::super::query::ADMIN_TIMEOUT;
use super::form::Form;
use super::sheet::Sheet;
use super::{plot, show, survey};

pub(super) use send::posted;

/// What was just done, if anything.
pub(super) struct Asked {
    done: Option<&'static str>,
}

impl Asked {
    pub(super) fn read(form: &Form) -> Self {
        let done = match form.get("done") {
            Some("staged") => Some("Staged. Nothing moves before the plan is committed."),
            Some("committed") => Some("Committed: a majority of the members chose the new ring."),
            Some("dead") => Some("Declared dead: what moves waits for it no more."),
            Some("discarded") => Some("Discarded: nothing is staged any more."),
            _ => None,
        };
        Self { done }
    }
}

pub(super) async fn sheet(front: &Front, asked: &Asked) -> Result<Sheet, Problem> {
    let cluster = survey::cluster(front).await?;
    let plan = plan(front).await;
    Ok(Sheet::new("Ring changes")
        .still(html! {
            @if let Some(done) = asked.done { p class="notice good" role="status" { (done) } }
        })
        .live("change", html! { (under_way(&cluster)) (planned(&cluster, &plan)) })
        .live("decide", decide(front, &plan))
        .still(stage(front, &cluster)))
}

/// What is staged, and what that would do; none if nothing is; or why it can't be done.
async fn plan(front: &Front) -> Result<Option<Plan>, String> {
    match front.backend.admin(AdminRequest::Plan, ADMIN_TIMEOUT).await {
        Ok(AdminDone::Plan(plan)) => Ok(Some(plan).filter(|plan| !plan.changes.is_empty())),
        Ok(_) => Err(Problem::mismatched(Intent::Read).detail().to_owned()),
        Err(AdminError::NothingStaged) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

fn under_way(cluster: &ClusterStatus) -> Markup {
    html! {
        section class="panel" {
            h2 { "Under way" }
            @match &cluster.change {
                None => p { "Nothing moves. " span class="quiet" {
                    @if let Some(ring) = &cluster.ring { "Ring " (ring.version.0) " is settled." }
                } },
                Some(change) => (progress(cluster, change)),
            }
        }
    }
}

fn progress(cluster: &ClusterStatus, change: &ChangeStatus) -> Markup {
    let done = change.partitions - change.partitions_left.min(change.partitions);
    let name = |node: &NodeId| {
        let known = cluster.members.iter().find(|member| member.id == *node);
        known.map_or_else(|| node.to_string(), |member| member.name.clone())
    };
    let waits: Vec<String> = change.waits_for.iter().map(name).collect();
    html! {
        p { "To ring " (change.version.0) ": " strong { (done) " of " (change.partitions) } " partitions are settled, "
            (change.replicas_left) " replicas are still to be pulled." }
        (plot::bar(done as f64 / change.partitions.max(1) as f64, "good"))
        @if !waits.is_empty() { p class="quiet" { "It waits for " (waits.join(", ")) "." } }
    }
}

fn planned(cluster: &ClusterStatus, plan: &Result<Option<Plan>, String>) -> Markup {
    html! {
        section class="panel" {
            h2 { "Plan" }
            @match plan {
                Err(why) => p class="notice" { (why) },
                Ok(None) => p { "Nothing is staged. " span class="quiet" { "A node that is started with --join stages its own join." } },
                Ok(Some(plan)) => {
                    ul class="plain" { @for change in &plan.changes { li { (in_words(cluster, plan, change)) } } }
                    p { "Ring " (plan.version().0) " would move " strong { (plan.moves.len()) } " replicas." }
                    @for warning in &plan.warnings { p class="warn" { (warning) } }
                    (shares(cluster, plan))
                },
            }
        }
    }
}

fn in_words(cluster: &ClusterStatus, plan: &Plan, change: &Change) -> String {
    let name = |node: NodeId| {
        let known = cluster.members.iter().find(|member| member.id == node);
        let planned = plan.ring.members.get(&node).map(|member| member.name.clone());
        known.map(|member| member.name.clone()).or(planned).unwrap_or_else(|| node.to_string())
    };
    let node = name(change.node);
    match &change.change {
        StagedChange::Join { zone, weight, .. } => {
            format!("{node} joins, zone {zone}, weight {}", weight.get())
        }
        StagedChange::Leave => format!("{node} hands its partitions over and leaves"),
        StagedChange::RemoveDead => format!("{node} is dead and is taken off the ring"),
        StagedChange::ReplaceBy(other) => format!("{} takes the places of {node}", name(*other)),
        StagedChange::Weight(weight) => format!("{node} gets weight {}", weight.get()),
        StagedChange::Zone(zone) => format!("{node} moves to zone {zone}"),
    }
}

/// How much of the ring each node owns before and after.
fn shares(cluster: &ClusterStatus, plan: &Plan) -> Markup {
    let before = |node: NodeId| cluster.ring.as_ref().map_or(0.0, |ring| ring.share(node));
    let mut gains: BTreeMap<NodeId, usize> = BTreeMap::new();
    for moved in &plan.moves {
        *gains.entry(moved.to).or_default() += 1;
    }
    let members: Vec<_> = cluster
        .members
        .iter()
        .map(|member| (member, before(member.id), plan.ring.share(member.id)))
        .filter(|(_, before, after)| *before > 0.0 || *after > 0.0)
        .collect();
    let most = members.iter().map(|(_, before, after)| before.max(*after)).fold(0.0, f64::max);
    let most = most.max(f64::MIN_POSITIVE);
    html! {
        div class="scroll" { table {
            thead { tr {
                th scope="col" { "node" } th scope="col" class="number" { "before" } th scope="col" class="number" { "after" }
                th scope="col" { span class="hidden" { "drawn" } } th scope="col" class="number" { "gets" }
            } }
            tbody { @for (member, before, after) in &members {
                @let colour = show::colour(&cluster.members, member.id);
                tr {
                    th scope="row" { span class={ "swatch " (colour) } {} (member.name) }
                    td class="number" { (show::percent(*before)) }
                    td class="number" { (show::percent(*after)) }
                    td class="wide" { (plot::bar(before / most, "quiet")) (plot::bar(after / most, &colour)) }
                    td class="number" { (gains.get(&member.id).copied().unwrap_or(0)) }
                }
            } }
        } }
    }
}

/// The commit and the discard of the plan that is shown.
fn decide(front: &Front, plan: &Result<Option<Plan>, String>) -> Markup {
    let version = match plan {
        Ok(None) => return html! {},
        Ok(Some(plan)) => Some(plan.version().0),
        Err(_) => None,
    };
    html! {
        form class="line" action="/console/changes" method="post" {
            (token(front))
            @if let Some(version) = version {
                input type="hidden" name="version" value=(version);
                button class="strong" name="action" value="commit" { "Commit ring " (version) }
            }
            button name="action" value="discard" { "Discard what is staged" }
            span class="quiet" { "A plan that has changed meanwhile is not committed." }
        }
    }
}

/// What must be shown to administer off loopback.
fn token(front: &Front) -> Markup {
    html! {
        @if !front.config.is_loopback {
            label { "Admin token " input name="token" type="password" autocomplete="off"; }
        }
    }
}

fn stage(front: &Front, cluster: &ClusterStatus) -> Markup {
    let members = || cluster.members.iter().filter(|member| member.state != MemberState::Removed);
    let joining = cluster.members.iter().filter(|member| member.state == MemberState::Joining);
    html! {
        section class="panel" {
            h2 { "Stage a change" }
            form class="grid" action="/console/changes" method="post" {
                label for="node" { "Node" }
                select id="node" name="node" {
                    @for member in members() { option value=(member.id) { (member.name) " (" (show::state(member.state)) ")" } }
                }
                label for="kind" { "Change" }
                select id="kind" name="kind" {
                    option value="weight" { "gets another weight" }
                    option value="zone" { "moves to another zone" }
                    option value="leave" { "hands over and leaves" }
                    option value="replace" { "is replaced by another node" }
                    option value="remove-dead" { "is dead for good" }
                    option value="join" { "joins" }
                }
                label for="weight" { "Weight" }
                input id="weight" name="weight" type="number" min="1" max="10000" placeholder="for weight and join";
                label for="zone" { "Zone" }
                input id="zone" name="zone" placeholder="for zone and join" autocapitalize="none";
                label for="with" { "Replaced by" }
                select id="with" name="with" {
                    option value="" { "–" }
                    @for member in joining { option value=(member.id) { (member.name) } }
                }
                span {}
                div { (token(front)) button name="action" value="stage" { "Stage" } }
            }
        }
    }
}
