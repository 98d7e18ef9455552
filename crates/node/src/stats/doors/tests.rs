use bytes::Bytes;
use stator_core::context::Context;
use stator_core::identity::ActorId;
use stator_core::object::{ConflictRule, Content, Metadata, ObjectDigest, Sibling, Value};
use stator_core::quorum::QuorumOptions;
use stator_core::request::{Answered, GetReply};
use stator_core::time::Stamp;
use stator_core::version::Dot;

use super::*;

const NOW: WallTime = WallTime::from_millis(1_000);

fn value(expires_at: Option<WallTime>) -> Content {
    let metadata = Metadata { expires_at, ..Metadata::default() };
    Content::Value(Value { bytes: Bytes::from_static(b"milk"), metadata })
}

fn got(versions: impl IntoIterator<Item = Content>) -> GetReply {
    let mut state = ObjectState::default();
    for (counter, content) in (1..).zip(versions) {
        let dot = Dot { actor: ActorId::new(5), counter };
        let sibling = Sibling { dot, stamp: Stamp::at(NOW), content };
        state.write(ConflictRule::Siblings, &Context::default(), sibling);
    }
    let digest = ObjectDigest::new([0; 16]);
    GetReply { state, context: None, digest, answered: Answered::default() }
}

#[test]
fn what_a_get_found_is_told_as_clients_see_it() {
    let of = |reply| Came::of(&Ok(Done::Got(reply)), NOW);
    assert_eq!(of(got([])), Came::NotFound);
    assert_eq!(of(got([Content::Tombstone])), Came::NotFound);
    assert_eq!(of(got([value(Some(NOW))])), Came::NotFound, "it has expired");
    assert_eq!(of(got([value(None)])), Came::Done);
    assert_eq!(of(got([value(None), Content::Tombstone])), Came::Conflict);
}

#[test]
fn doubt_is_never_told_as_a_refusal_and_a_clients_fault_not_as_the_clusters() {
    let of = |error| Came::of(&Err(error), NOW);
    assert_eq!(of(RequestError::Indeterminate { needed: 2, acked: 1 }), Came::Indeterminate);
    assert_eq!(of(RequestError::ReadTimeout { needed: 2, answered: 1 }), Came::Indeterminate);
    assert_eq!(of(RequestError::Overloaded), Came::Refused);
    assert_eq!(of(RequestError::NotEnoughReplicas { needed: 2, reachable: 1 }), Came::Refused);
    assert_eq!(of(RequestError::TooManySiblings { siblings: 9, max: 8 }), Came::Invalid);
}

#[test]
fn each_door_counts_for_itself() {
    let counters = DoorCounters::default();
    counters.answered(Door::Resp, Asked::Put, Came::Done, Duration::from_micros(300));
    counters.answered(Door::Resp, Asked::Put, Came::Refused, Duration::from_micros(30));
    counters.slow(Door::Http);
    let read = counters.read();
    let at = |door: Door| read.iter().find(|each| each.door == door).expect("each door is told");
    let puts = &at(Door::Resp).requests[Asked::Put as usize];
    assert_eq!(puts.asked, Asked::Put);
    assert_eq!(puts.came[Came::Done as usize], (Came::Done, 1));
    assert_eq!(puts.came[Came::Refused as usize], (Came::Refused, 1));
    assert_eq!((puts.micros.count(), puts.micros.sum), (2, 330));
    assert_eq!((at(Door::Http).slow, at(Door::Resp).slow), (1, 0));
    let of_http: u64 = at(Door::Http).requests.iter().map(|kind| kind.micros.count()).sum();
    assert_eq!(of_http, 0);
    let get = Operation::Get {
        key: stator_core::object::ObjectKey::new(
            stator_core::object::BucketName::new(Bytes::from_static(b"b")).expect("a bucket"),
            stator_core::object::Key::new(Bytes::from_static(b"k")).expect("a key"),
        ),
        quorum: QuorumOptions::default(),
    };
    assert_eq!(Asked::of(&get), Asked::Get);
}
