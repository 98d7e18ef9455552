//! The cluster as this node sees it: who is there, how much may still be lost, and what moves.

use std::fmt;

use stator_core::membership::admin::{ChangeStatus, ClusterStatus, MemberState};

use super::page::{Page, by, flag, seconds};
use super::reading::Reading;
use super::replicas::name_of;
use crate::endurance::Endurance;

pub(super) fn write(reading: &Reading, page: &mut Page<'_>) -> fmt::Result {
    members(reading, page)?;
    peers(reading, page)?;
    endurance(reading, page)?;
    change(reading, page)
}

const STATES: [(&str, MemberState); 5] = [
    ("up", MemberState::Up),
    ("down", MemberState::Down),
    ("joining", MemberState::Joining),
    ("leaving", MemberState::Leaving),
    ("removed", MemberState::Removed),
];

fn members(reading: &Reading, page: &mut Page<'_>) -> fmt::Result {
    let ring = reading.view.ring.as_ref();
    page.gauge(
        "stator_ready",
        "1 if the node serves: it is a member and has tried every member's address once.",
        flag(reading.is_ready),
    )?;
    page.gauge(
        "stator_ring_version",
        "The newest ring that this node knows; 0 for none.",
        ring.map_or(0.0, |ring| ring.version.0 as f64),
    )?;
    page.gauge(
        "stator_ring_share_ratio",
        "The fraction of all replicas that this node owns.",
        ring.map_or(0.0, |ring| ring.share(reading.me)),
    )?;
    let count = |cluster: &ClusterStatus, state| {
        cluster.members.iter().filter(|member| member.state == state).count() as f64
    };
    page.gauges(
        "stator_members",
        "Nodes of the cluster as this one sees them, by state.",
        reading.cluster.iter().flat_map(|cluster| {
            STATES.map(|(name, state)| (by("state", name), count(cluster, state)))
        }),
    )
}

fn peers(reading: &Reading, page: &mut Page<'_>) -> fmt::Result {
    let known = reading.cluster.iter().flat_map(|cluster| &cluster.members);
    let others: Vec<_> = known.filter(|member| member.id != reading.me).collect();
    let each = || others.iter().map(|member| (by("peer", member.name.clone()), *member));
    page.gauges(
        "stator_peer_up",
        "1 if this node thinks that the other one answers.",
        each().map(|(labels, member)| (labels, flag(member.state == MemberState::Up))),
    )?;
    page.gauges(
        "stator_peer_phi",
        "Suspicion by the phi-accrual detector, the worse of both directions; 8 and more is down.",
        each().map(|(labels, member)| (labels, finite(member.phi))),
    )?;
    page.gauges(
        "stator_peer_silence_seconds",
        "How long ago the other node was last heard; none if it never was.",
        each().filter_map(|(labels, member)| Some((labels, seconds(member.silent_for?)))),
    )?;
    let stats = &reading.stats;
    page.counter("stator_peers_down", "Times that a peer was held to be down.", stats.peers_down)?;
    page.counter("stator_peers_back", "Times that a peer was up again.", stats.peers_up)?;
    page.counter(
        "stator_peer_suspicions",
        "Times that a request waited in vain for a peer, which is avoided for a while.",
        stats.suspicions,
    )?;
    page.gauge(
        "stator_peer_links",
        "Connections of this node's shards to peers: shards times other members, if all are there.",
        stats.queues.iter().map(|queues| queues.links).sum::<u64>() as f64,
    )?;
    page.counter(
        "stator_messages_not_sent",
        "Messages to peers that could not be queued: not connected, or too slow.",
        stats.not_sent,
    )
}

fn endurance(reading: &Reading, page: &mut Page<'_>) -> fmt::Result {
    let found = reading.view.ring.as_ref().map(|ring| Endurance::of(ring, &reading.view));
    let each = |of: fn(&stator_core::ring::Tolerance) -> u32| {
        found.iter().flat_map(move |found| {
            [("data", &found.data), ("quorum", &found.quorum)]
                .map(|(keeps, tolerance)| (by("keeps", keeps), f64::from(of(tolerance))))
        })
    };
    page.gauges(
        "stator_tolerable_node_losses",
        "How many more nodes may be lost, whichever they are, and each partition still has a \
         replica that is up (data), or a majority of its replicas (quorum).",
        each(|tolerance| tolerance.nodes),
    )?;
    page.gauges(
        "stator_tolerable_zone_losses",
        "The same with whole zones.",
        each(|tolerance| tolerance.zones),
    )?;
    page.gauges(
        "stator_partitions_short",
        "Partitions of which no replica is up (data), or no majority (quorum).",
        each(|tolerance| tolerance.short),
    )
}

/// A change of the ring under way, and whom it waits for: why a range does not move.
fn change(reading: &Reading, page: &mut Page<'_>) -> fmt::Result {
    let change = reading.cluster.as_ref().and_then(|cluster| cluster.change.as_ref());
    let figure = |of: fn(&ChangeStatus) -> usize| change.map_or(0.0, |change| of(change) as f64);
    page.gauge(
        "stator_transition_partitions",
        "Partitions that change owners; 0 if no change of the ring is under way.",
        figure(|change| change.partitions),
    )?;
    page.gauge(
        "stator_transition_partitions_left",
        "Those of them that are not settled.",
        figure(|change| change.partitions_left),
    )?;
    page.gauge(
        "stator_transition_replicas_left",
        "Replicas that their new owners still have to pull.",
        figure(|change| change.replicas_left),
    )?;
    let awaited = change.iter().flat_map(|change| &change.waits_for);
    page.gauges(
        "stator_transition_waits_for",
        "1 for each node that the change waits for: it has partitions to pull, confirm or hand over.",
        awaited.map(|&node| (by("peer", name_of(reading, node)), 1.0)),
    )
}

/// Beyond all doubt there is no use in more.
fn finite(phi: f64) -> f64 {
    if phi.is_finite() { phi } else { f64::MAX }
}
