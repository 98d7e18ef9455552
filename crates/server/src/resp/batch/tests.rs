use super::super::reply::Reply;
use super::*;

fn touched(access: Access, keys: &[&'static str]) -> Touched {
    let keys = keys.iter().map(|key| Bytes::from_static(key.as_bytes())).collect();
    Touched { access, keys, bytes: 1 }
}

fn add(batch: &mut Batch, touched: Touched) {
    batch.add(touched, Box::pin(std::future::ready(Ok(Reply::OK))));
}

#[test]
fn commands_on_other_keys_go_on_at_a_time_and_those_on_one_key_in_turn() {
    use Access::{Reads, Scans, Writes};
    let mut batch = Batch::default();
    add(&mut batch, touched(Writes, &["a", "b"]));
    add(&mut batch, touched(Reads, &["c"]));
    for (next, has_room) in [
        (touched(Reads, &["a"]), false),
        (touched(Writes, &["b"]), false),
        (touched(Reads, &["c"]), true),
        (touched(Writes, &["c"]), false),
        (touched(Writes, &["d", "c"]), false),
        (touched(Writes, &["d"]), true),
        (touched(Reads, &[]), true),
        (touched(Scans, &[]), false),
    ] {
        assert_eq!(batch.has_room_for(&next), has_room, "{next:?}");
    }
}

#[test]
fn nothing_goes_on_beside_a_scan() {
    let mut batch = Batch::default();
    assert!(batch.has_room_for(&touched(Access::Scans, &[])));
    add(&mut batch, touched(Access::Scans, &[]));
    assert!(!batch.has_room_for(&touched(Access::Reads, &["a"])));
}

#[test]
fn commands_are_bounded_in_number_and_in_bytes() {
    let mut batch = Batch::default();
    let huge = Touched { bytes: usize::MAX, ..touched(Access::Writes, &["a"]) };
    assert!(batch.has_room_for(&huge), "alone, any request that was taken goes on");
    for _ in 0..MOST_COMMANDS {
        assert!(batch.has_room_for(&touched(Access::Reads, &["a"])));
        add(&mut batch, touched(Access::Reads, &["a"]));
    }
    assert!(!batch.has_room_for(&touched(Access::Reads, &["a"])));

    let mut batch = Batch::default();
    add(&mut batch, Touched { bytes: MOST_BYTES, ..touched(Access::Writes, &["a"]) });
    assert!(!batch.has_room_for(&touched(Access::Reads, &["b"])));
}

#[tokio::test]
async fn what_was_answered_is_in_nobodys_way() {
    let mut batch = Batch::default();
    add(&mut batch, touched(Access::Writes, &["a"]));
    assert!(batch.next().await.is_some());
    assert!(batch.next().await.is_none());
    assert!(batch.has_room_for(&touched(Access::Writes, &["a"])));
    add(&mut batch, touched(Access::Reads, &["b"]));
    assert!(batch.has_room_for(&touched(Access::Writes, &["a"])));
}
