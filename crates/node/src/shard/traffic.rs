//! Bytes of messages that background work has sent, as they were encoded: the core moves states and
//! encodes nothing, so that only the shell can tell.

use stator_core::message::{Purpose, ShardMessage};
use stator_core::status::UpkeepCounts;

/// What one shard has sent since the node started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Traffic {
    exchanges: u64,
    repairs: u64,
}

impl Traffic {
    /// A message of so many bytes was queued for a peer.
    pub(super) fn sent(&mut self, message: &ShardMessage, bytes: usize) {
        match message {
            ShardMessage::Exchange { .. } | ShardMessage::ExchangeAnswered { .. } => {
                self.exchanges += bytes as u64;
            }
            ShardMessage::Replicate { purpose: Purpose::Repair, .. } => {
                self.repairs += bytes as u64;
            }
            // Acknowledgements of repairs can't be told from those of writes, and are small.
            _ => {}
        }
    }

    /// Adds it to what the core says of the shard.
    pub(super) fn tell(self, counts: &mut UpkeepCounts) {
        counts.exchange_bytes_sent += self.exchanges;
        counts.repair_bytes_sent += self.repairs;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use stator_core::collection::Round;
    use stator_core::merkle::TreeSum;
    use stator_core::message::{
        AckWish, Completeness, EncodedState, ExchangeAnswer, ExchangeAsk, RequestId,
    };
    use stator_core::object::{BucketName, Key, ObjectKey, ObjectState};
    use stator_core::ring::RingVersion;
    use stator_core::token::Partition;
    use stator_core::transfer::Footing;

    fn replicate(purpose: Purpose) -> ShardMessage {
        let bucket = BucketName::new(Bytes::from_static(b"b")).expect("a name");
        let key = ObjectKey::new(bucket, Key::new(Bytes::from_static(b"k")).expect("a name"));
        ShardMessage::Replicate {
            request: RequestId::new(0, 1),
            footing: Footing::settled(RingVersion(1)),
            round: Round::default(),
            purpose,
            key,
            state: EncodedState::of(&ObjectState::default()),
            acks: AckWish::Durable,
        }
    }

    #[test]
    fn exchanges_and_repairs_are_counted_apart_and_writes_not_at_all() {
        let (request, round) = (RequestId::new(0, 1), Round::default());
        let ask = ShardMessage::Exchange {
            request,
            ring: RingVersion(1),
            partition: Partition::new(0),
            round,
            ask: ExchangeAsk::Root(TreeSum::default()),
        };
        let answer = ExchangeAnswer::Same;
        let has = Completeness::Whole;
        let answer = ShardMessage::ExchangeAnswered { request, round, has, answer };
        let mut traffic = Traffic::default();
        traffic.sent(&ask, 10);
        traffic.sent(&answer, 3);
        traffic.sent(&replicate(Purpose::Repair), 500);
        traffic.sent(&replicate(Purpose::Write), 7000);
        let mut counts = UpkeepCounts { exchange_bytes_sent: 1, ..UpkeepCounts::default() };
        traffic.tell(&mut counts);
        assert_eq!((counts.exchange_bytes_sent, counts.repair_bytes_sent), (14, 500));
    }
}
