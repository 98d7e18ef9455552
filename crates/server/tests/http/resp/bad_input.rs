//! What no client would send: each ends in a clear error or a closed connection, and others are
//! served on.

use stator_core::object::Key;
use stator_server::{ConnectionLimits, RespConfig};

use super::client::{Door, written};
use super::shelf::shelf;

#[tokio::test]
async fn protocol_garbage_is_answered_and_closed() {
    let door = Door::open(shelf()).await;
    let mut other = door.connect().await;
    for (bytes, told) in [
        (&b"*1\r\n:1\r\n"[..], "-ERR Protocol error: expected '$', got ':'"),
        (b"*-x\r\n", "-ERR Protocol error: invalid multibulk length"),
        (b"*1000000\r\n", "-ERR Protocol error: invalid multibulk length"),
        (b"*1\r\n$1073741824\r\nv", "-ERR Protocol error: invalid bulk length"),
        (b"*1\r\n$-7\r\n", "-ERR Protocol error: invalid bulk length"),
        (b"SET \"k\r\n", "-ERR Protocol error: unbalanced quotes in request"),
        (&b"a".repeat(70_000), "-ERR Protocol error: too big inline request"),
        (&b"*1\r\n".repeat(50_000), "-ERR Protocol error: expected '$', got '*'"),
    ] {
        let mut talk = door.connect().await;
        talk.send(b"PING\r\n").await;
        talk.send(bytes).await;
        assert_eq!(talk.rest().await, ["+PONG", told]);
        assert_eq!(other.say("PING").await, "+PONG");
    }
}

#[tokio::test]
async fn a_command_above_a_limit_is_refused_and_the_next_one_is_served() {
    let config = RespConfig { max_object_bytes: 100, max_key_bytes: 10, ..RespConfig::default() };
    let door = Door::with(shelf(), config, ConnectionLimits::default()).await;
    let mut talk = door.connect().await;
    let (longest, longer) = ("v".repeat(100), "v".repeat(101));
    let too_large = "-ERR the value has 101 bytes: at most 100 are allowed";
    assert_eq!(talk.ask(&["SET", "k", &longest]).await, "+OK");
    for words in [
        vec!["SET", "k", &longer],
        vec!["MSET", "a", "1", "b", &longer],
        vec!["SETEX", "k", "5", &longer],
        vec!["STATOR.PUT", "b", "k", "", &longer],
    ] {
        assert_eq!(talk.ask(&words).await, too_large, "{words:?}");
    }
    talk.play(&[
        ("SET 0123456789 v", "+OK"),
        ("SET 0123456789a v", "-ERR the key has 11 bytes: at most 10 are allowed"),
        ("STATOR.GET b 0123456789a", "-ERR the key has 11 bytes: at most 10 are allowed"),
    ])
    .await;
    assert_eq!(talk.ask(&["GET", ""]).await, "-ERR the key is empty: it takes at least one byte");

    let door = Door::open(shelf()).await;
    let mut talk = door.connect().await;
    let longest = "k".repeat(Key::MAX_LEN);
    assert_eq!(talk.ask(&["SET", &longest, "v"]).await, "+OK");
    assert_eq!(talk.ask(&["GET", &longest]).await, "v");
    let huge = vec![b'v'; 8 * 1024 * 1024 + 1];
    talk.send(&written(&[b"SET", b"k", &huge])).await;
    let told = "-ERR an argument has 8388609 bytes: at most 8388608 are allowed";
    assert_eq!(talk.reply().await.as_deref(), Some(told));
    let largest = vec![b'v'; 8 * 1024 * 1024];
    talk.send(&written(&[b"SET", b"k", &largest])).await;
    assert_eq!(talk.reply().await.as_deref(), Some("+OK"));
    assert_eq!(talk.say("STRLEN k").await, ":8388608");
}

#[tokio::test]
async fn a_reply_of_many_values_is_bounded() {
    let door = Door::open(shelf()).await;
    let mut talk = door.connect().await;
    let value = vec![b'v'; 8 * 1024 * 1024];
    talk.send(&written(&[b"SET", b"k", &value])).await;
    assert_eq!(talk.reply().await.as_deref(), Some("+OK"));
    let told = talk.say("MGET k k k k k k k k k").await;
    assert!(told.starts_with("-ERR the values have more than 67108864 bytes together"), "{told}");
    assert_eq!(talk.say("MGET k k").await.len(), 2 * value.len() + "[, ]".len());
}

#[tokio::test]
async fn a_hundred_thousand_tiny_commands_are_answered_one_by_one() {
    let door = Door::open(shelf()).await;
    let mut talk = door.connect().await;
    let count = 100_000;
    let bytes = b"PING\r\n".repeat(count);
    let mut reader = tokio::net::TcpStream::connect(door.address).await.expect("it listens");
    let (mut read, mut write) = reader.split();
    let sending = async {
        tokio::io::AsyncWriteExt::write_all(&mut write, &bytes).await.expect("they are taken");
    };
    let reading = async {
        let mut replies = vec![0; count * b"+PONG\r\n".len()];
        tokio::io::AsyncReadExt::read_exact(&mut read, &mut replies).await.expect("all come");
        assert!(replies.chunks(7).all(|reply| reply == b"+PONG\r\n"));
    };
    tokio::time::timeout(super::client::PATIENCE, async { tokio::join!(sending, reading) })
        .await
        .expect("in time");
    assert_eq!(talk.say("PING").await, "+PONG");
}

/// What a page in somebody's browser can make it send here must not be taken for commands.
#[tokio::test]
async fn http_is_closed_before_its_body_can_command_anything() {
    let fake = shelf();
    let door = Door::open(fake.clone()).await;
    let heads: [&[u8]; 2] = [
        b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\nSET k v\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nSET k v\r\n",
    ];
    for head in heads {
        let mut talk = door.connect().await;
        talk.send(head).await;
        assert!(talk.rest().await.iter().all(|reply| reply.starts_with("-ERR ")));
    }
    assert!(fake.operations().is_empty());
}
