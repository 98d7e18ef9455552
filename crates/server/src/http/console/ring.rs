//! The ring: who owns what, what happened lately, and one partition's replicas side by side.

use futures_util::future::join_all;
use maud::{Markup, html};
use stator_client::PartitionDocument;
use stator_core::identity::NodeId;
use stator_core::membership::admin::{ClusterStatus, MemberState, MemberStatus};
use stator_core::ring::Ring;
use stator_core::token::Partition;
use stator_core::transfer::MoveLevel;
use stator_core::view::View;

use super::super::front::Front;
use super::super::problem::Problem;
use super::form::{self, Form};
use super::sheet::Sheet;
use super::wheel::Wheel;
use super::{plot, show, survey};

/// So many of the last events are shown.
const EVENTS: usize = 12;

/// Which partition is looked at, if any.
pub(super) struct Asked {
    partition: Option<u32>,
}

impl Asked {
    pub(super) fn read(form: &Form) -> Result<Self, Problem> {
        Ok(Self { partition: form.number("partition")? })
    }

    pub(super) fn query(&self) -> String {
        let number = self.partition.map(|number| number.to_string());
        form::query(&[("partition", number.as_deref())])
    }
}

pub(super) async fn sheet(front: &Front, asked: &Asked) -> Result<Sheet, Problem> {
    let cluster = survey::cluster(front).await?;
    let view = front.backend.view();
    let sheet = Sheet::new("Ring");
    let Some(ring) = view.ring.as_deref() else {
        return Ok(sheet.live("ring", no_ring(&cluster)));
    };
    let selected = asked.partition.filter(|number| *number < ring.partitions.get());
    let selected = selected.map(Partition::new);
    let wheel = Wheel { ring, cluster: &cluster, view: &view, selected };
    let sheet = sheet
        .live(
            "ring",
            html! {
                div class="ring" { (wheel.draw()) (owners(ring, &cluster)) }
            },
        )
        .still(choose(ring, asked));
    let sheet = match (selected, asked.partition) {
        (Some(partition), _) => {
            sheet.live("partition", one_partition(front, &view, ring, &cluster, partition).await)
        }
        (None, Some(number)) => sheet.still(html! {
            p class="notice" { "There is no partition " (number) " in this ring." }
        }),
        (None, None) => sheet,
    };
    Ok(sheet.live("events", lately(front)))
}

fn no_ring(cluster: &ClusterStatus) -> Markup {
    html! {
        p class="notice" {
            "This node knows no ring yet. If it was started to join a cluster, commit that on a \
             member: " code { "stator cluster plan" } ", or the page of changes there."
        }
        @if !cluster.members.is_empty() {
            ul { @for member in &cluster.members { li { (member.name) " " (show::badge(show::state(member.state))) } } }
        }
    }
}

/// Nodes, and how much of the ring each owns.
fn owners(ring: &Ring, cluster: &ClusterStatus) -> Markup {
    let most = cluster.members.iter().map(|member| member.share).fold(0.0, f64::max);
    html! {
        div class="owners" {
            table {
                caption class="quiet" {
                    "Bands from outside: first, second, third replica. Pale: the node is down."
                }
                thead { tr {
                    th scope="col" { "node" } th scope="col" { "state" }
                    th scope="col" class="number" { "replicas" }
                    th scope="col" class="number" { "first" }
                    th scope="col" colspan="2" { "share" }
                } }
                tbody {
                    @for member in &cluster.members {
                        @let colour = show::colour(&cluster.members, member.id);
                        tr {
                            th scope="row" {
                                span class={ "swatch " (colour) } {}
                                a href={ "/console/nodes#" (member.id) } { (member.name) }
                                " " span class="quiet" { (member.zone) }
                            }
                            td { (show::badge(show::state(member.state))) }
                            td class="number" { (owned(ring, member.id, 0..usize::MAX)) }
                            td class="number" { (owned(ring, member.id, 0..1)) }
                            td class="number" { (show::percent(member.share)) }
                            td class="wide" { (plot::bar(member.share / most.max(f64::MIN_POSITIVE), &colour)) }
                        }
                    }
                }
            }
        }
    }
}

/// How many partitions have the node at one of these places of their lists.
fn owned(ring: &Ring, node: NodeId, places: std::ops::Range<usize>) -> usize {
    let at = |owners: &Vec<NodeId>| owners.iter().position(|owner| *owner == node);
    ring.table.iter().filter_map(at).filter(|place| places.contains(place)).count()
}

/// The keyboard's way to a partition.
fn choose(ring: &Ring, asked: &Asked) -> Markup {
    let last = ring.partitions.get() - 1;
    html! {
        form class="line" action="/console" method="get" {
            label for="choose" { "Partition" }
            input id="choose" name="partition" type="number" min="0" max=(last) required
                value=[asked.partition];
            button { "Show" }
            @if let Some(number) = asked.partition {
                a class="button" href={ "/console?partition=" (number.checked_sub(1).unwrap_or(last)) } { "Before" }
                a class="button" href={ "/console?partition=" (if number >= last { 0 } else { number + 1 }) } { "Next" }
            } @else {
                span class="quiet" { "or click into the ring; a key’s own is on the page " a href="/console/key" { "Key" } "." }
            }
        }
    }
}

async fn one_partition(
    front: &Front,
    view: &View,
    ring: &Ring,
    cluster: &ClusterStatus,
    partition: Partition,
) -> Markup {
    let (first, last) = ring.partitions.range_of(partition);
    let level = view.transition.as_ref().filter(|_| view.is_moving(partition));
    let level = level.and_then(|transition| transition.level(partition));
    let owners: Vec<(NodeId, Option<&MemberStatus>)> = ring.table[partition.index()]
        .iter()
        .map(|node| (*node, cluster.members.iter().find(|member| member.id == *node)))
        .collect();
    let asked = owners.iter().map(async |(_, member)| match member {
        Some(member) => own_replica(front, member, partition).await,
        None => Err("it is not known".to_owned()),
    });
    let said = join_all(asked).await;
    let stand_ins = ring.fallbacks(partition, ring.replicas);
    html! {
        section class="panel" {
            h2 { "Partition " (partition.get()) " " (agreement(&said)) }
            p class="quiet" {
                "tokens " code { (show::short(&first.to_string())) "…" } " to " code { (show::short(&last.to_string())) "…" }
            }
            @if let Some(level) = level { p class="notice" { "It moves: " (moving(level)) } }
            div class="scroll" { table {
                thead { tr {
                    th scope="col" { "" } th scope="col" { "node" } th scope="col" { "state" } th scope="col" { "Merkle root" }
                    th scope="col" class="number" { "bytes" } th scope="col" class="number" { "round" } th scope="col" { "reads" }
                } }
                tbody {
                    @for (place, ((node, member), said)) in owners.iter().zip(&said).enumerate() {
                        tr {
                            th scope="row" { (place + 1) }
                            td class="name" {
                                span class={ "swatch " (show::colour(&cluster.members, *node)) } {}
                                @match member { Some(member) => (member.name), None => (node) }
                            }
                            td { (show::badge(member.map_or("down", |member| show::state(member.state)))) }
                            (replica_cells(said))
                        }
                    }
                }
            } }
            p {
                "Fallbacks, in order: "
                @if stand_ins.is_empty() { "none" }
                @for (place, node) in stand_ins.iter().enumerate() {
                    @if place > 0 { ", " }
                    @match cluster.members.iter().find(|member| member.id == *node) {
                        Some(member) => {
                            (member.name)
                            @if member.state == MemberState::Down { " (down)" }
                        },
                        None => (node),
                    }
                }
                "."
            }
        }
    }
}

fn replica_cells(said: &Result<PartitionDocument, String>) -> Markup {
    html! {
        @match said {
            Ok(replica) => {
                td {
                    @match &replica.root {
                        Some(root) => code { (show::short(root)) },
                        None => span class="quiet" { "being built" },
                    }
                    @if replica.set_aside > 0 { " " span class="bad" { (replica.set_aside) " damaged" } }
                }
                td class="number" { (show::bytes(replica.bytes)) }
                td class="number" { (replica.round) }
                td { @if replica.counts { "counts" } @else { span class="bad" { "not until refilled" } } }
            },
            Err(why) => td class="quiet" colspan="4" { (why) },
        }
    }
}

/// Whether those replicas that could be asked have the same tree.
fn agreement(said: &[Result<PartitionDocument, String>]) -> Markup {
    let known: Vec<_> = said.iter().filter_map(|said| said.as_ref().ok()?.root.as_ref()).collect();
    let same = known.windows(2).all(|pair| pair[0] == pair[1]);
    html! {
        @if !same { span class="badge down" { "replicas differ" } }
        @else if known.len() == said.len() { span class="badge up" { "replicas agree" } }
        @else { span class="badge joining" { (known.len()) " of " (said.len()) " asked" @if known.len() > 1 { ", and they agree" } } }
    }
}

async fn own_replica(
    front: &Front,
    member: &MemberStatus,
    partition: Partition,
) -> Result<PartitionDocument, String> {
    let said = survey::partitions(front, member).await?;
    let mut found = said.partitions.into_iter().filter(|one| one.partition == partition.get());
    found.next().ok_or_else(|| "it has no copy of the partition".to_owned())
}

const fn moving(level: MoveLevel) -> &'static str {
    match level {
        MoveLevel::Old => "reads and writes still go by the old ring.",
        MoveLevel::Both => "writes go to old and new owners, reads to the old ones.",
        MoveLevel::ReadNew => "writes go to old and new owners, reads to the new ones.",
        MoveLevel::New => {
            "reads and writes go to the new owners; the old ones hand over what is left."
        }
    }
}

/// What happened lately, as this node saw it.
fn lately(front: &Front) -> Markup {
    let events = front.history.events(EVENTS);
    html! {
        section {
            h2 { "Lately" }
            @if events.is_empty() {
                p class="quiet" { "Nothing since this node started." }
            } @else {
                ol class="events" {
                    @for event in &events {
                        li { time { (show::time_of_day(event.at)) } " " (event.text) }
                    }
                }
                p class="quiet" { "By the clock of this node, in UTC; the newest first." }
            }
        }
    }
}
