//! Any value of the types that requests between shards are made of.

use std::time::Duration;

use bytes::Bytes;
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use stator_core::collection::{Candidate, CollectAnswer, CollectAsk, Round};
use stator_core::context::{Context, ContextError, SealedContext};
use stator_core::identity::{ActorId, NodeId};
use stator_core::merkle::{BranchSet, FAN_OUT, LEAVES, LeafIndex, TreeSum};
use stator_core::message::{
    AckStage, AckWish, Completeness, EncodedState, ExchangeAnswer, ExchangeAsk, LeafItem,
    MAX_LEAVES_ASKED, Purpose, ReadAnswer, ReadWish, ReplicateRefusal, RequestId, ShardMessage,
};
use stator_core::object::{
    BucketName, ConflictRule, Content, Key, Metadata, ObjectDigest, ObjectKey, ObjectState,
    Sibling, Value,
};
use stator_core::quorum::{ImpossibleQuorum, Level, QuorumMode, QuorumOptions};
use stator_core::request::{
    Answered, ListEntry, ListOrder, ListPage, ListPosition, Precedence, PutOrder, PutReply,
    RequestError,
};
use stator_core::ring::RingVersion;
use stator_core::time::{Stamp, WallTime};
use stator_core::token::{Partition, PartitionCount, Token};
use stator_core::transfer::{Footing, MoveLevel};
use stator_core::version::Dot;

pub(super) fn bytes(most: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..=most).prop_map(Bytes::from)
}

pub(super) fn node() -> impl Strategy<Value = NodeId> {
    any::<u64>().prop_map(NodeId::new)
}

pub(super) fn partition() -> impl Strategy<Value = Partition> {
    (0..PartitionCount::MAX).prop_map(Partition::new)
}

pub(super) fn ring_version() -> impl Strategy<Value = RingVersion> {
    any::<u64>().prop_map(RingVersion)
}

pub(super) fn stamp() -> impl Strategy<Value = Stamp> {
    any::<u64>().prop_map(Stamp::from_bits)
}

pub(super) fn duration() -> impl Strategy<Value = Duration> {
    (any::<u64>(), 0..1_000_000_000_u32).prop_map(|(seconds, nanos)| Duration::new(seconds, nanos))
}

pub(super) fn bucket() -> impl Strategy<Value = BucketName> {
    vec(any::<u8>(), 1..40)
        .prop_map(|name| BucketName::new(name.into()).expect("its length is within bounds"))
}

pub(super) fn object_key() -> BoxedStrategy<ObjectKey> {
    let key = vec(any::<u8>(), 1..300)
        .prop_map(|name| Key::new(name.into()).expect("its length is within bounds"));
    (bucket(), key).prop_map(|(bucket, key)| ObjectKey::new(bucket, key)).boxed()
}

fn metadata() -> impl Strategy<Value = Metadata> {
    let user = proptest::collection::btree_map(bytes(20), bytes(20), 0..4);
    (bytes(20), user, option::of(any::<u64>())).prop_map(|(content_type, user, expires_at)| {
        Metadata {
            content_type,
            user: user.into_iter().collect(),
            expires_at: expires_at.map(WallTime::from_millis),
        }
    })
}

pub(super) fn content() -> BoxedStrategy<Content> {
    prop_oneof![
        Just(Content::Tombstone),
        (bytes(200), metadata())
            .prop_map(|(bytes, metadata)| Content::Value(Value { bytes, metadata })),
    ]
    .boxed()
}

pub(super) fn conflict_rule() -> impl Strategy<Value = ConflictRule> {
    prop_oneof![Just(ConflictRule::Siblings), Just(ConflictRule::LastWriteWins)]
}

/// A state that some actors wrote without having seen each other.
fn object_state() -> BoxedStrategy<ObjectState> {
    let write = (any::<u64>(), 1..u64::MAX, stamp(), content());
    (conflict_rule(), vec(write, 0..4))
        .prop_map(|(rule, writes)| {
            let mut state = ObjectState::default();
            for (actor, counter, stamp, content) in writes {
                let dot = Dot { actor: ActorId::new(actor), counter };
                if !state.vector().covers(dot) {
                    state.write(rule, &Context::default(), Sibling { dot, stamp, content });
                }
            }
            state
        })
        .boxed()
}

/// Eight bits, and the words for a number of replicas.
fn level() -> impl Strategy<Value = Level> {
    prop_oneof![
        any::<u8>().prop_map(Level::Count),
        Just(Level::One),
        Just(Level::Quorum),
        Just(Level::All),
    ]
}

pub(super) fn quorum() -> BoxedStrategy<QuorumOptions> {
    let level = || option::of(level());
    let mode = option::of(prop_oneof![Just(QuorumMode::Sloppy), Just(QuorumMode::Strict)]);
    (level(), level(), level(), level(), level(), level(), mode)
        .prop_map(|(r, pr, w, pw, dw, node_confirms, mode)| QuorumOptions {
            r,
            pr,
            w,
            pw,
            dw,
            node_confirms,
            mode,
        })
        .boxed()
}

pub(super) fn sealed() -> impl Strategy<Value = SealedContext> {
    bytes(60).prop_map(SealedContext)
}

pub(super) fn put_order() -> impl Strategy<Value = PutOrder> {
    let precedence = prop_oneof![Just(Precedence::Newest), Just(Precedence::AboveSeen)];
    (object_key(), option::of(sealed()), content(), quorum(), precedence).prop_map(
        |(key, context, value, quorum, precedence)| PutOrder {
            key,
            context,
            value,
            quorum,
            precedence,
        },
    )
}

fn position() -> impl Strategy<Value = ListPosition> {
    bytes(80).prop_map(ListPosition)
}

fn list_order() -> impl Strategy<Value = ListOrder> {
    (bucket(), partition(), option::of(position()), 1..=u32::MAX, quorum()).prop_map(
        |(bucket, partition, after, limit, quorum)| ListOrder {
            bucket,
            partition,
            after,
            limit,
            quorum,
        },
    )
}

fn list_page() -> impl Strategy<Value = ListPage> {
    let entry = (position(), object_key(), object_state())
        .prop_map(|(position, key, outline)| ListEntry { position, key, outline });
    (vec(entry, 0..4), option::of(position()))
        .prop_map(|(entries, next)| ListPage { entries, next })
}

pub(super) fn answered() -> impl Strategy<Value = Answered> {
    (0..100_u8, 0..100_u8, any::<u8>(), any::<u8>(), any::<u8>()).prop_map(
        |(primaries, fallbacks, durable, wanted, existing)| Answered {
            primaries,
            fallbacks,
            durable,
            wanted,
            existing,
        },
    )
}

fn impossible() -> impl Strategy<Value = ImpossibleQuorum> {
    let name = || proptest::sample::select(vec!["r", "pr", "w", "pw", "dw", "node_confirms"]);
    prop_oneof![
        (name(), any::<u8>(), any::<u8>())
            .prop_map(|(name, asked, n)| ImpossibleQuorum::MoreThanReplicas { name, asked, n }),
        (name(), any::<u8>(), name(), any::<u8>()).prop_map(|(name, asked, whole_name, whole)| {
            ImpossibleQuorum::MoreThanWhole { name, asked, whole_name, whole }
        }),
        name().prop_map(|name| ImpossibleQuorum::Zero { name }),
    ]
}

pub(super) fn request_error() -> BoxedStrategy<RequestError> {
    let context = proptest::sample::select(vec![
        ContextError::Malformed,
        ContextError::UnknownFormat,
        ContextError::UnknownKey,
        ContextError::Forged,
    ]);
    let pair = || (any::<u8>(), any::<u8>());
    prop_oneof![
        context.prop_map(RequestError::Context),
        impossible().prop_map(RequestError::Quorum),
        pair()
            .prop_map(|(needed, reachable)| RequestError::NotEnoughReplicas { needed, reachable }),
        (any::<u32>(), any::<u32>())
            .prop_map(|(siblings, max)| RequestError::TooManySiblings { siblings, max }),
        Just(RequestError::Overloaded),
        partition().prop_map(|partition| RequestError::Moving { partition }),
        Just(RequestError::NotMember),
        Just(RequestError::Expired),
        pair().prop_map(|(needed, acked)| RequestError::Indeterminate { needed, acked }),
        pair().prop_map(|(needed, answered)| RequestError::ReadTimeout { needed, answered }),
        ".{0,20}".prop_map(RequestError::Damaged),
        Just(RequestError::DiskReserve),
    ]
    .boxed()
}

fn read_answer() -> impl Strategy<Value = ReadAnswer> {
    let digest = any::<[u8; 16]>().prop_map(ObjectDigest::new);
    prop_oneof![
        option::of(object_state())
            .prop_map(|state| ReadAnswer::State(state.as_ref().map(EncodedState::of))),
        option::of(digest).prop_map(ReadAnswer::Digest),
        Just(ReadAnswer::Unknown),
        footing().prop_map(ReadAnswer::Behind),
    ]
}

fn round() -> impl Strategy<Value = Round> {
    any::<u64>().prop_map(Round)
}

fn sum() -> impl Strategy<Value = TreeSum> {
    any::<u128>().prop_map(TreeSum::from_bits)
}

fn candidates() -> BoxedStrategy<Vec<Candidate>> {
    let candidate = (any::<u128>(), any::<u128>()).prop_map(|(token, sum)| Candidate {
        token: Token::new(token),
        sum: TreeSum::from_bits(sum),
    });
    vec(candidate, 0..5).boxed()
}

fn collect_ask() -> BoxedStrategy<CollectAsk> {
    let live = btree_set(any::<u64>().prop_map(ActorId::new), 0..4);
    prop_oneof![
        Just(CollectAsk::Round),
        candidates().prop_map(CollectAsk::Agree),
        Just(CollectAsk::Confirm),
        (candidates(), live).prop_map(|(candidates, live)| CollectAsk::Drop { candidates, live }),
    ]
    .boxed()
}

fn collect_answer() -> BoxedStrategy<CollectAnswer> {
    let agreed = (vec(any::<bool>(), 0..5), option::of(any::<u64>()));
    prop_oneof![
        Just(CollectAnswer::Declined),
        Just(CollectAnswer::Round),
        agreed.prop_map(|(same, live)| {
            CollectAnswer::Agreed { same, live: live.map(ActorId::new) }
        }),
        Just(CollectAnswer::Confirmed),
        Just(CollectAnswer::Dropped),
    ]
    .boxed()
}

fn exchange_ask() -> impl Strategy<Value = ExchangeAsk> {
    let leaf = (0..LEAVES as u16).prop_map(|leaf| LeafIndex::new(leaf).expect("below the bound"));
    prop_oneof![
        sum().prop_map(ExchangeAsk::Root),
        any::<u64>().prop_map(|branches| ExchangeAsk::Leaves(BranchSet(branches))),
        vec(leaf, 0..=MAX_LEAVES_ASKED).prop_map(ExchangeAsk::Items),
        vec(any::<u128>().prop_map(Token::new), 0..20).prop_map(ExchangeAsk::States),
    ]
}

fn completeness() -> impl Strategy<Value = Completeness> {
    prop_oneof![Just(Completeness::Whole), Just(Completeness::Damaged), Just(Completeness::Lost)]
}

fn exchange_answer() -> impl Strategy<Value = ExchangeAnswer> {
    let item = (any::<u128>(), any::<u64>())
        .prop_map(|(token, sum)| LeafItem { token: Token::new(token), sum });
    let state = (object_key(), object_state().prop_map(|state| EncodedState::of(&state)));
    prop_oneof![
        Just(ExchangeAnswer::NotReady),
        Just(ExchangeAnswer::Same),
        vec(sum(), 0..=FAN_OUT).prop_map(ExchangeAnswer::Branches),
        vec(sum(), 0..3 * FAN_OUT).prop_map(ExchangeAnswer::Leaves),
        vec(item, 0..40).prop_map(ExchangeAnswer::Items),
        (any::<u32>(), vec(state, 0..4))
            .prop_map(|(answered, states)| ExchangeAnswer::States { answered, states }),
    ]
}

fn footing() -> impl Strategy<Value = Footing> {
    let levels = [MoveLevel::Old, MoveLevel::Both, MoveLevel::ReadNew, MoveLevel::New];
    (ring_version(), proptest::sample::select(levels.to_vec()))
        .prop_map(|(ring, level)| Footing { ring, level })
}

/// Any message between shards.
pub(super) fn shard_message() -> BoxedStrategy<ShardMessage> {
    let request = || any::<u64>().prop_map(RequestId::from_bits);
    let ring = ring_version;
    let acks = prop_oneof![Just(AckWish::Durable), Just(AckWish::ReceivedAndDurable)];
    let wish = prop_oneof![Just(ReadWish::State), Just(ReadWish::Digest)];
    let stage = proptest::sample::select(vec![
        Ok(AckStage::Received),
        Ok(AckStage::Durable),
        Err(ReplicateRefusal::StaleRing),
        Err(ReplicateRefusal::Undecodable),
        Err(ReplicateRefusal::Damaged),
        Err(ReplicateRefusal::Overloaded),
        Err(ReplicateRefusal::DiskReserve),
        Err(ReplicateRefusal::HintsFull),
        Err(ReplicateRefusal::EarlierRound),
    ]);
    let stage =
        prop_oneof![stage, footing().prop_map(|footing| Err(ReplicateRefusal::Behind(footing)))];
    let purpose = prop_oneof![
        Just(Purpose::Write),
        node().prop_map(|owner| Purpose::Hint { owner }),
        Just(Purpose::Repair),
    ];
    let put_reply =
        (sealed(), answered()).prop_map(|(context, answered)| PutReply { context, answered });
    let put_result = prop_oneof![put_reply.prop_map(Ok), request_error().prop_map(Err)];
    prop_oneof![
        (request(), footing(), round(), purpose, object_key(), object_state(), acks).prop_map(
            |(request, footing, round, purpose, key, state, acks)| ShardMessage::Replicate {
                request,
                footing,
                round,
                purpose,
                key,
                state: EncodedState::of(&state),
                acks,
            }
        ),
        (request(), round(), option::of(node()), option::of(any::<u64>()), stage).prop_map(
            |(request, round, kept_for, held, stage)| ShardMessage::Replicated {
                request,
                round,
                kept_for,
                held: held.map(Duration::from_micros),
                stage,
            }
        ),
        (request(), footing(), round(), object_key(), wish).prop_map(
            |(request, footing, round, key, wish)| ShardMessage::Read {
                request,
                footing,
                round,
                key,
                wish,
            }
        ),
        (request(), round(), read_answer()).prop_map(|(request, round, answer)| {
            ShardMessage::ReadAnswered { request, round, answer }
        }),
        (request(), ring(), partition(), round(), exchange_ask()).prop_map(
            |(request, ring, partition, round, ask)| ShardMessage::Exchange {
                request,
                ring,
                partition,
                round,
                ask,
            }
        ),
        (request(), round(), completeness(), exchange_answer()).prop_map(
            |(request, round, has, answer)| ShardMessage::ExchangeAnswered {
                request,
                round,
                has,
                answer,
            }
        ),
        (request(), ring(), partition(), round(), collect_ask()).prop_map(
            |(request, ring, partition, round, ask)| ShardMessage::Collect {
                request,
                ring,
                partition,
                round,
                ask,
            }
        ),
        (request(), partition(), round(), collect_answer()).prop_map(
            |(request, partition, round, answer)| ShardMessage::Collected {
                request,
                partition,
                round,
                answer,
            }
        ),
        (request(), ring(), put_order(), duration()).prop_map(
            |(request, ring, order, remaining)| ShardMessage::ForwardPut {
                request,
                ring,
                order,
                remaining,
            }
        ),
        (request(), put_result)
            .prop_map(|(request, result)| ShardMessage::PutAnswered { request, result }),
        (request(), ring(), list_order()).prop_map(|(request, ring, order)| ShardMessage::List {
            request,
            ring,
            order
        }),
        (request(), option::of(list_page()))
            .prop_map(|(request, page)| ShardMessage::Listed { request, page }),
    ]
    .boxed()
}
