use bytes::Bytes;

use super::*;
use crate::message::EncodedState;
use crate::object::{BucketName, Key, ObjectState};

const PEER: NodeId = NodeId::new(2);

/// Begins to send so many states of so many bytes each.
fn with(states: u64, bytes: usize) -> Deliveries {
    let mut deliveries = Deliveries::default();
    let name = BucketName::new(Bytes::from_static(b"carts")).expect("a bucket");
    let key = ObjectKey::new(name, Key::new(Bytes::from_static(b"alice")).expect("a key"));
    let digest = EncodedState::of(&ObjectState::default()).digest();
    for number in 1..=states {
        let (key, reason, until) = (key.clone(), Reason::ReadRepair, Instant::default());
        let delivery = Delivery { to: PEER, key, digest, bytes, reason, until };
        deliveries.begin(RequestId::new(0, number), delivery);
    }
    deliveries
}

#[test]
fn what_is_under_way_to_one_peer_is_bounded_in_number_and_in_bytes() {
    for mut full in [with(MOST_STATES as u64, 1), with(1, MOST_BYTES)] {
        assert!(!full.has_room(PEER));
        assert!(full.has_room(NodeId::new(3)));
        let before = full.len();
        assert!(full.end(RequestId::new(0, 1), PEER).is_some());
        assert!(full.has_room(PEER), "one has arrived");
        assert_eq!(full.len(), before - 1);
    }
    assert!(with(MOST_STATES as u64 - 1, 1).has_room(PEER));
    assert!(with(1, MOST_BYTES - 1).has_room(PEER));
}
