//! Writes and reads that the node could not carry out: three outcomes, never confused (rule 9).

use stator_core::request::{Operation, RequestError};

use super::client::Door;
use super::shelf::read_only;
use crate::fake::{Fake, key, state, value};

#[tokio::test]
async fn an_error_says_what_is_known_of_the_write() {
    for (error, word) in [
        (RequestError::Overloaded, "-REFUSED "),
        (RequestError::NotEnoughReplicas { needed: 2, reachable: 1 }, "-REFUSED "),
        (RequestError::Indeterminate { needed: 2, acked: 1 }, "-INDETERMINATE "),
    ] {
        let stored = [(key("redis.0", b"k"), state([value(b"v")]))];
        let told = error.to_string();
        let door = Door::open(read_only(stored, move || Err(error.clone()))).await;
        let mut talk = door.connect().await;
        for line in [
            "SET k v",
            "SET k v GET",
            "SETEX k 5 v",
            "MSET k v",
            "DEL k",
            "EXPIRE k 5",
            "GETDEL k",
            "GETEX k EX 5",
            "STATOR.PUT b k AA v",
        ] {
            assert_eq!(talk.say(line).await, format!("{word}{told}"), "{line}");
        }
    }
}

#[tokio::test]
async fn a_read_that_fails_is_no_absent_value() {
    let timeout = RequestError::ReadTimeout { needed: 2, answered: 1 };
    let door = Door::open(Fake::refusing(timeout.clone())).await;
    let mut talk = door.connect().await;
    for line in [
        "GET k",
        "MGET a b",
        "EXISTS a",
        "STRLEN a",
        "TTL a",
        "TYPE a",
        "DEL a",
        "SCAN 0",
        "DBSIZE",
        "SET k v KEEPTTL",
        "STATOR.GET b k",
    ] {
        assert_eq!(talk.say(line).await, format!("-REFUSED {timeout}"), "{line}");
    }
}

#[tokio::test]
async fn a_command_of_which_a_part_was_written_is_not_called_refused() {
    let refuses_b = |operation: &Operation| match operation {
        Operation::Put(order) if order.key == key("redis.0", b"b") => Err(RequestError::Overloaded),
        Operation::Put(_) => {
            Ok(stator_core::request::Done::Written(stator_core::request::PutReply {
                context: crate::fake::sealed(),
                answered: stator_core::request::Answered::default(),
            }))
        }
        other => panic!("{other:?}"),
    };
    let door = Door::open(Fake::answering(refuses_b)).await;
    let mut talk = door.connect().await;
    let told = talk.say("MSET a 1 b 2 c 3").await;
    let expected = "-INDETERMINATE 1 of 3 keys failed and 2 were written; one failed because: ";
    assert!(told.starts_with(expected), "{told}");
    assert!(talk.say("MSET b 2").await.starts_with("-REFUSED "));
}
