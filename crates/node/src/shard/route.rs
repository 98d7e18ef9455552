//! Which shard of this node a peer's message is for.

use stator_core::message::ShardMessage;
use stator_core::object::ObjectKey;
use stator_core::ring::Ring;
use stator_core::token::Partition;

use crate::store_writer::ShardIndex;

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// To this shard.
    Shard(ShardIndex),
    /// To any: without a ring no shard owns anything, and each says so.
    Any,
    /// To none: it answers a shard that this node does not have.
    Nowhere,
}

/// Requests go to the shard of their partition (`p mod shards`), answers to the shard that asked.
pub(super) fn home(message: &ShardMessage, ring: Option<&Ring>, shards: u8) -> Home {
    match message {
        ShardMessage::Replicate { key, .. } | ShardMessage::Read { key, .. } => {
            of_key(key, ring, shards)
        }
        ShardMessage::ForwardPut { order, .. } => of_key(&order.key, ring, shards),
        ShardMessage::List { order, .. } => Home::Shard(of_partition(order.partition, shards)),
        ShardMessage::Exchange { partition, .. } | ShardMessage::Collect { partition, .. } => {
            Home::Shard(of_partition(*partition, shards))
        }
        ShardMessage::Replicated { request, .. }
        | ShardMessage::ReadAnswered { request, .. }
        | ShardMessage::PutAnswered { request, .. }
        | ShardMessage::Listed { request, .. }
        | ShardMessage::ExchangeAnswered { request, .. }
        | ShardMessage::Collected { request, .. } => {
            if request.shard() < shards {
                Home::Shard(ShardIndex(request.shard()))
            } else {
                Home::Nowhere
            }
        }
    }
}

/// The shard that owns a partition.
pub(crate) fn of_partition(partition: Partition, shards: u8) -> ShardIndex {
    ShardIndex((partition.get() % u32::from(shards)) as u8)
}

fn of_key(key: &ObjectKey, ring: Option<&Ring>, shards: u8) -> Home {
    let Some(ring) = ring else { return Home::Any };
    Home::Shard(of_partition(ring.partition_of(key.token()), shards))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use stator_core::collection::Round;
    use stator_core::identity::{ClusterId, NodeId};
    use stator_core::message::{AckStage, ReadWish, RequestId};
    use stator_core::object::{BucketName, Key};
    use stator_core::ring::{Member, RingVersion, Weight};
    use stator_core::token::PartitionCount;
    use stator_core::transfer::Footing;

    #[test]
    fn requests_go_to_their_partitions_shard_and_answers_to_who_asked() {
        let member =
            Member { name: "n1".to_owned(), zone: "z".to_owned(), weight: Weight::DEFAULT };
        let partitions = PartitionCount::new(8).expect("a power of two");
        let ring = Ring::found(ClusterId::new(1), partitions, 3, NodeId::new(1), member);
        let bucket = BucketName::new(Bytes::from_static(b"carts")).expect("a name");
        for name in 0..32_u8 {
            let key =
                ObjectKey::new(bucket.clone(), Key::new(Bytes::from(vec![name])).expect("a name"));
            let partition = ring.partition_of(key.token());
            let request = RequestId::new(0, 1);
            let (footing, round) = (Footing::settled(RingVersion(1)), Round::default());
            let read = ShardMessage::Read { request, footing, round, key, wish: ReadWish::State };
            let expected = Home::Shard(ShardIndex((partition.get() % 3) as u8));
            assert_eq!(home(&read, Some(&ring), 3), expected);
            assert_eq!(home(&read, None, 3), Home::Any);
        }
        let answer = |shard| ShardMessage::Replicated {
            request: RequestId::new(shard, 7),
            round: Round::default(),
            kept_for: None,
            held: None,
            stage: Ok(AckStage::Durable),
        };
        assert_eq!(home(&answer(2), Some(&ring), 3), Home::Shard(ShardIndex(2)));
        assert_eq!(home(&answer(3), Some(&ring), 3), Home::Nowhere);
    }
}
