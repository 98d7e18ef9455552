//! Connections: pipelining, order, how many there may be, and how they end.

use std::time::Duration;

use stator_server::{ConnectionLimits, RespConfig};

use super::client::{Door, PATIENCE, Talk, written};
use super::shelf::shelf;
use crate::gated::Gated;

fn set(key: &str, value: &str) -> Vec<u8> {
    written(&[b"SET", key.as_bytes(), value.as_bytes()])
}

async fn replies(talk: &mut Talk, count: usize) -> Vec<String> {
    let mut replies = Vec::new();
    for _ in 0..count {
        replies.push(talk.reply().await.expect("the door answers"));
    }
    replies
}

#[tokio::test]
async fn pipelined_commands_are_answered_in_order_as_if_one_had_waited_for_the_other() {
    let door = Door::open(shelf()).await;
    let mut talk = door.connect().await;
    let mut bytes = Vec::new();
    for number in 0..200 {
        bytes.extend(set("k", &number.to_string()));
        bytes.extend(b"GET k\r\n");
        bytes.extend(set(&format!("other{number}"), "v"));
    }
    bytes.extend(b"SELECT 1\r\nGET k\r\nNONSENSE\r\nDBSIZE\r\nSELECT 0\r\nGET k\r\n");
    talk.send(&bytes).await;
    for number in 0..200 {
        assert_eq!(
            replies(&mut talk, 3).await,
            ["+OK".to_owned(), number.to_string(), "+OK".to_owned()]
        );
    }
    let unknown = "-ERR unknown command 'NONSENSE', with args beginning with: ";
    let told = replies(&mut talk, 6).await;
    assert_eq!(told, ["+OK", "nil", unknown, ":0", "+OK", "199"]);
}

/// Clients send a transaction in one piece: refusing its first word alone would carry out the rest.
#[tokio::test]
async fn nothing_of_a_refused_transaction_is_carried_out() {
    let fake = shelf();
    let door = Door::open(fake.clone()).await;
    let mut talk = door.connect().await;
    talk.send(b"MULTI\r\nSET k v\r\nNONSENSE\r\nEXEC\r\nEXEC\r\n").await;
    let told = replies(&mut talk, 5).await;
    assert!(told[0].starts_with("-ERR MULTI needs transactions"), "{told:?}");
    assert_eq!(told[1], "-ERR SET is not carried out: it belongs to a MULTI that was refused");
    assert!(told[2].starts_with("-ERR unknown command"), "{told:?}");
    assert_eq!(told[3], "-EXECABORT Transaction discarded because of previous errors.");
    assert_eq!(told[4], "-ERR EXEC without MULTI");
    assert!(fake.operations().is_empty());
    assert!(talk.say("MULTI").await.starts_with("-ERR "));
    talk.play(&[("DISCARD", "+OK"), ("DISCARD", "-ERR DISCARD without MULTI")]).await;
    talk.play(&[("SET k v", "+OK"), ("GET k", "v")]).await;
}

#[tokio::test]
async fn commands_on_other_keys_go_on_at_a_time_and_within_bounds() {
    let node = Gated::before(shelf());
    let door = Door::open(node.clone()).await;
    let mut talk = door.connect().await;
    let bytes: Vec<u8> = (0..500).flat_map(|number| set(&format!("k{number}"), "v")).collect();
    talk.send(&bytes).await;
    // The first answers widen the window; then so many are under way that have none yet.
    node.gate.add_permits(64);
    node.asked(32).await;
    node.gate.add_permits(436);
    assert!(replies(&mut talk, 500).await.iter().all(|reply| reply == "+OK"));
    assert_eq!(node.most(), 32, "one connection has so many under way");
}

/// How large a value is, nobody knows before it was read: what reads may hold is bounded all the
/// same, and connections that have shown to read small ones have room beside the others.
#[tokio::test]
async fn reads_of_all_connections_are_bounded() {
    let node = Gated::before(shelf());
    let door = Door::open(node.clone()).await;
    let mut talks = Vec::new();
    for _ in 0..100 {
        let mut talk = door.connect().await;
        talk.send(b"GET k\r\n").await;
        talks.push(talk);
    }
    for most in [16, 64] {
        node.asked(most).await;
        // All connections were served before this one, so whoever could ask has asked.
        assert_eq!(door.connect().await.say("PING").await, "+PONG");
        assert_eq!(node.most(), most);
        node.gate.add_permits(100);
        for talk in &mut talks {
            assert_eq!(talk.reply().await.as_deref(), Some("nil"));
        }
        for talk in &mut talks {
            talk.send(b"GET k\r\n").await;
        }
    }
}

/// Who asks for large values without taking them holds one, and holds up nobody.
#[tokio::test]
async fn large_values_are_asked_for_one_after_the_other() {
    let node = Gated::before(shelf());
    let door = Door::open(node.clone()).await;
    let mut talk = door.connect().await;
    node.gate.add_permits(2);
    let value = "v".repeat(20_000);
    assert_eq!(talk.ask(&["SET", "k", &value]).await, "+OK");
    assert_eq!(talk.say("GET k").await, value);
    node.forget_most();
    talk.send(&b"GET k\r\n".repeat(50)).await;
    node.asked(1).await;
    node.gate.add_permits(50);
    assert!(replies(&mut talk, 50).await.iter().all(|reply| *reply == value));
    assert_eq!(node.most(), 1);
}

#[tokio::test]
async fn commands_on_one_key_wait_for_each_other() {
    let node = Gated::before(shelf());
    let door = Door::open(node.clone()).await;
    let mut talk = door.connect().await;
    let bytes: Vec<u8> = (0..50).flat_map(|number| set("k", &number.to_string())).collect();
    talk.send(&bytes).await;
    node.gate.add_permits(50);
    replies(&mut talk, 50).await;
    assert_eq!(node.most(), 1);
}

#[tokio::test]
async fn the_door_has_no_more_under_way_than_it_was_told() {
    let node = Gated::before(shelf());
    let config = RespConfig { max_under_way: 3, ..RespConfig::default() };
    let door = Door::with(node.clone(), config, ConnectionLimits::default()).await;
    let mut talks = Vec::new();
    for number in 0..10 {
        let mut talk = door.connect().await;
        talk.send(&set(&format!("k{number}"), "v")).await;
        talk.send(b"SCAN 0\r\n").await;
        talks.push(talk);
    }
    node.asked(3).await;
    node.gate.add_permits(1000);
    for talk in &mut talks {
        assert_eq!(talk.reply().await.as_deref(), Some("+OK"));
        assert!(talk.reply().await.is_some_and(|reply| reply.starts_with('[')));
    }
    assert_eq!(node.most(), 3);
}

#[tokio::test]
async fn a_connection_above_the_limit_is_told_and_closed() {
    let limits = ConnectionLimits { connections: 1, ..ConnectionLimits::default() };
    let door = Door::with(shelf(), RespConfig::default(), limits).await;
    let mut first = door.connect().await;
    assert_eq!(first.say("PING").await, "+PONG");
    let refused = door.connect().await.rest().await;
    assert_eq!(refused, ["-ERR max number of clients reached"]);
    assert_eq!(first.say("PING").await, "+PONG");
}

#[tokio::test]
async fn silence_ends_a_connection() {
    let short = Duration::from_millis(50);
    let limits = ConnectionLimits { idle: short, ..ConnectionLimits::default() };
    let door = Door::with(shelf(), RespConfig::default(), limits).await;
    assert!(door.connect().await.rest().await.is_empty());
    let limits = ConnectionLimits { head: short, ..ConnectionLimits::default() };
    let door = Door::with(shelf(), RespConfig::default(), limits).await;
    for half in [&b"*2\r\n$3\r\nGET\r\n"[..], b"*", b"GET k", b"*1\r\n$1000\r\nabc"] {
        let mut talk = door.connect().await;
        talk.send(half).await;
        assert!(talk.rest().await.is_empty(), "{}", half.escape_ascii());
    }
    let mut idle = door.connect().await;
    assert_eq!(idle.say("PING").await, "+PONG", "silence between commands is something else");
}

/// A reader that takes nothing is let go, and what waits for it is not kept for ever.
#[tokio::test]
async fn a_reader_that_takes_nothing_is_let_go() {
    let limits = ConnectionLimits { head: Duration::from_millis(50), ..Default::default() };
    let door = Door::with(shelf(), RespConfig::default(), limits).await;
    let mut talk = door.connect().await;
    let value = vec![b'v'; 4 * 1024 * 1024];
    talk.send(&written(&[b"SET", b"k", &value])).await;
    assert_eq!(talk.reply().await.as_deref(), Some("+OK"));
    let asking = async {
        while tokio::io::AsyncWriteExt::write_all(&mut talk.stream, b"GET k\r\n").await.is_ok() {}
    };
    tokio::time::timeout(PATIENCE, asking).await.expect("the door closes the connection");
    assert_eq!(door.connect().await.say("STRLEN k").await, ":4194304");
}

/// Values that nobody takes hold the memory; who asks for small ones does not notice.
#[tokio::test]
async fn what_slow_readers_hold_is_bounded_and_small_values_need_none_of_it() {
    const LARGE: usize = 4 * 1024 * 1024;
    let config = RespConfig { max_memory_bytes: LARGE + 100_000, ..RespConfig::default() };
    let door = Door::with(shelf(), config, ConnectionLimits::default()).await;
    let mut other = door.connect().await;
    let value = vec![b'v'; LARGE];
    other.send(&written(&[b"SET", b"large", &value])).await;
    assert_eq!(other.reply().await.as_deref(), Some("+OK"));
    assert_eq!(other.say("SET small v").await, "+OK");
    let mut slow = door.connect().await;
    slow.send(&b"GET large\r\n".repeat(20)).await;
    let refused = async {
        while !other.say("GET large").await.starts_with("-REFUSED the values of other requests") {}
    };
    tokio::time::timeout(PATIENCE, refused).await.expect("the memory is held in the end");
    assert_eq!(door.connect().await.say("GET small").await, "v");
    drop(slow);
    let taken = async { while other.say("GET large").await.len() != LARGE {} };
    tokio::time::timeout(PATIENCE, taken).await.expect("the memory is let go of");
}

#[tokio::test]
async fn a_closing_door_lets_commands_end_and_waits_for_nobody_else() {
    let node = Gated::before(shelf());
    let mut door = Door::open(node.clone()).await;
    let (mut busy, mut idle) = (door.connect().await, door.connect().await);
    assert_eq!(idle.say("PING").await, "+PONG");
    busy.send(&set("k", "v")).await;
    node.asked(1).await;
    drop(door.stop.take());
    assert!(idle.rest().await.is_empty());
    node.gate.add_permits(1);
    assert_eq!(busy.rest().await, ["+OK"]);
    door.served.await.expect("it ended").expect("it served");
}
