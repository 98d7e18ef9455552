//! Any value of the types that membership speaks of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use proptest::sample::{Index, select};
use stator_core::bucket::{BucketFact, FixedProperties, MutableProperties};
use stator_core::identity::{BootNonce, BootNumber, ClusterId, NodeId};
use stator_core::membership::MembershipMessage;
use stator_core::membership::facts::{
    Addresses, ChangeDigest, ChangeFacts, FactVersion, Facts, FactsDigest, NodeFact, StageSlot,
    StagedChange, StagedFact,
};
use stator_core::register::{Ballot, RegisterMessage, Votes};
use stator_core::ring::{Member, Ring, Walks, Weight};
use stator_core::token::{Partition, PartitionCount};
use stator_core::transfer::Progress;

use super::values::{bucket, conflict_rule, duration, node, quorum, ring_version, stamp};

fn text() -> impl Strategy<Value = String> {
    ".{0,12}"
}

fn weight() -> impl Strategy<Value = Weight> {
    (1..=Weight::MAX).prop_map(|weight| Weight::new(weight).expect("it is within bounds"))
}

/// Any ring that keeps the rules of one, balanced or not.
pub(super) fn ring() -> BoxedStrategy<Ring> {
    let member =
        (text(), text(), weight()).prop_map(|(name, zone, weight)| Member { name, zone, weight });
    let nodes = btree_map(node(), member, 1..8);
    (nodes, 0..6_u32, any::<u128>(), ring_version(), 1..6_u8)
        .prop_flat_map(|(members, bits, cluster, version, replicas)| {
            let count = 1_usize << bits;
            let first = vec((any::<Index>(), any::<Index>()), count);
            (
                Just(members),
                Just(cluster),
                Just((version, replicas)),
                first,
                btree_set(node(), 0..4),
            )
        })
        .prop_map(|(members, cluster, (version, replicas), starts, removed)| {
            let partitions = PartitionCount::new(starts.len() as u32).expect("a power of two");
            let nodes: Vec<NodeId> = members.keys().copied().collect();
            let most = nodes.len().min(replicas.into());
            let list = |(start, len): (Index, Index)| {
                let (start, len) = (start.index(nodes.len()), len.index(most) + 1);
                nodes.iter().cycle().skip(start).take(len).copied().collect()
            };
            let removed: BTreeSet<NodeId> =
                removed.into_iter().filter(|node| !members.contains_key(node)).collect();
            Ring {
                walks: Walks::default(),
                cluster: ClusterId::new(cluster),
                version,
                replicas,
                partitions,
                dead: removed.iter().copied().filter(|node| node.get() % 2 == 0).collect(),
                removed,
                forced: (version.0 % 2 == 0).then_some(version).into_iter().collect(),
                table: starts.into_iter().map(list).collect(),
                members,
            }
        })
        .boxed()
}

fn shared_ring() -> impl Strategy<Value = Arc<Ring>> {
    ring().prop_map(Arc::new)
}

fn fact_version() -> impl Strategy<Value = FactVersion> {
    (any::<u64>(), any::<u64>())
        .prop_map(|(boot, sequence)| FactVersion { boot: BootNumber(boot), sequence })
}

fn node_fact() -> impl Strategy<Value = NodeFact> {
    let addresses =
        (text(), text(), text()).prop_map(|(peer, http, resp)| Addresses { peer, http, resp });
    let numbers = (any::<u64>(), ring_version(), any::<u64>());
    (fact_version(), numbers, text(), text(), addresses, progress()).prop_map(
        |(version, (nonce, ring, votes), name, zone, addresses, progress)| NodeFact {
            version,
            nonce: BootNonce(nonce),
            name,
            zone,
            addresses,
            ring,
            votes,
            progress,
        },
    )
}

fn progress() -> impl Strategy<Value = Progress> {
    let partitions = || btree_set((0..300u32).prop_map(Partition::new), 0..4);
    (ring_version(), partitions(), partitions(), partitions(), any::<bool>()).prop_map(
        |(ring, confirmed, reads_new, handed_over, hints_in_place)| Progress {
            ring,
            confirmed,
            reads_new,
            handed_over,
            hints_in_place,
        },
    )
}

fn staged() -> impl Strategy<Value = ((NodeId, StageSlot), StagedFact)> {
    let join = (text(), text(), weight()).prop_map(|(name, zone, weight)| StagedChange::Join {
        name,
        zone,
        weight,
    });
    let change = prop_oneof![
        join,
        Just(StagedChange::Leave),
        Just(StagedChange::RemoveDead),
        node().prop_map(StagedChange::ReplaceBy),
        weight().prop_map(StagedChange::Weight),
        text().prop_map(StagedChange::Zone),
    ];
    let slots = vec![StageSlot::Membership, StageSlot::Weight, StageSlot::Zone];
    (node(), (stamp(), node()), option::of(change), select(slots)).prop_map(
        |(node, at, change, slot)| {
            let slot = change.as_ref().map_or(slot, StagedChange::slot);
            ((node, slot), StagedFact { at, change })
        },
    )
}

fn bucket_fact() -> impl Strategy<Value = BucketFact> {
    let fixed =
        (1..=u8::MAX, conflict_rule()).prop_map(|(n, conflicts)| FixedProperties { n, conflicts });
    let mutable = (quorum(), option::of(duration()), any::<u32>())
        .prop_map(|(quorum, ttl, max_siblings)| MutableProperties { quorum, ttl, max_siblings });
    (fixed, (stamp(), node()), mutable, (stamp(), node()))
        .prop_map(|(fixed, made, mutable, changed)| BucketFact { fixed, made, mutable, changed })
}

fn change() -> impl Strategy<Value = ChangeFacts> {
    (option::of(shared_ring()), ring_version(), btree_set(node(), 0..3))
        .prop_map(|(left, settled, dead)| ChangeFacts { left, settled, dead })
}

/// Any facts.
pub(super) fn facts() -> BoxedStrategy<Facts> {
    (
        option::of(shared_ring()),
        btree_map(node(), node_fact(), 0..4),
        vec(staged(), 0..4),
        btree_map(bucket(), bucket_fact(), 0..4),
        change(),
    )
        .prop_map(|(ring, nodes, staged, buckets, change)| Facts {
            ring,
            change,
            nodes,
            staged: staged.into_iter().collect::<BTreeMap<_, _>>(),
            buckets,
        })
        .boxed()
}

fn facts_digest() -> impl Strategy<Value = FactsDigest> {
    let nodes = btree_map(node(), fact_version(), 0..4);
    let change = (option::of(ring_version()), ring_version(), any::<u64>())
        .prop_map(|(left, settled, dead)| ChangeDigest { left, settled, dead });
    (option::of(ring_version()), change, nodes, any::<u64>(), any::<u64>()).prop_map(
        |(ring, change, nodes, staged, buckets)| FactsDigest {
            ring,
            change,
            nodes,
            staged,
            buckets,
        },
    )
}

fn ballot() -> impl Strategy<Value = Ballot> {
    (any::<u64>(), any::<u64>()).prop_map(|(round, node)| Ballot { round, node })
}

fn register_message() -> BoxedStrategy<RegisterMessage> {
    prop_oneof![
        ballot().prop_map(|ballot| RegisterMessage::Prepare { ballot }),
        (ballot(), option::of((ballot(), shared_ring())))
            .prop_map(|(ballot, accepted)| RegisterMessage::Promise { ballot, accepted }),
        (ballot(), shared_ring())
            .prop_map(|(ballot, ring)| RegisterMessage::Accept { ballot, ring }),
        ballot().prop_map(|ballot| RegisterMessage::Accepted { ballot }),
        (ballot(), ballot())
            .prop_map(|(ballot, promised)| RegisterMessage::Refused { ballot, promised }),
    ]
    .boxed()
}

/// Any votes.
pub(super) fn votes() -> BoxedStrategy<Votes> {
    (any::<u64>(), ring_version(), ballot(), option::of((ballot(), shared_ring())))
        .prop_map(|(sequence, base, promised, accepted)| Votes {
            sequence,
            base,
            promised,
            accepted,
        })
        .boxed()
}

/// Any message between membership actors.
pub(super) fn membership_message() -> BoxedStrategy<MembershipMessage> {
    let boxed_facts = || facts().prop_map(Box::new);
    prop_oneof![
        (any::<u64>(), any::<u64>(), any::<bool>()).prop_map(|(sequence, heard, wants_answer)| {
            MembershipMessage::Heartbeat { sequence, heard, wants_answer }
        }),
        any::<u64>().prop_map(|fingerprint| MembershipMessage::Probe { fingerprint }),
        facts_digest().prop_map(MembershipMessage::Digest),
        (boxed_facts(), option::of(facts_digest()))
            .prop_map(|(facts, wants)| MembershipMessage::Delta { facts, wants }),
        (any::<u64>(), boxed_facts())
            .prop_map(|(number, facts)| MembershipMessage::Push { number, facts }),
        any::<u64>().prop_map(|number| MembershipMessage::Pushed { number }),
        (ring_version(), register_message())
            .prop_map(|(base, message)| MembershipMessage::Register { base, message }),
    ]
    .boxed()
}
