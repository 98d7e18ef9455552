use std::time::Instant;

use bytes::Bytes;

use super::*;

fn door(wait: Option<u32>) -> RespDoor {
    let objects = Objects { bucket: "b".into(), prefix: "k".into(), ledger: None };
    RespDoor::new("127.0.0.1:1".to_owned(), 0, wait.and_then(NonZeroU32::new), objects)
}

fn batch(tasks: Vec<Task>) -> Vec<Operation> {
    let now = Instant::now();
    (0..).zip(tasks).map(|(key, task)| Operation::new(key, task, now)).collect()
}

/// What came of each operation when these bytes came, first some of them and then the others.
fn told(door: &mut RespDoor, tasks: Vec<Task>, answer: &str) -> Vec<Result<(), String>> {
    let mut batch = batch(tasks);
    door.write_first(&batch);
    for cut in 0..answer.len() {
        for operation in &mut batch {
            operation.answer = None;
        }
        let mut received = BytesMut::from(&answer.as_bytes()[..cut]);
        let first = take_replies(&mut received, &door.expected, &mut batch).expect("RESP");
        received.extend_from_slice(&answer.as_bytes()[cut..]);
        let then = take_replies(&mut received, &door.expected[first..], &mut batch);
        assert_eq!(first + then.expect("RESP"), door.expected.len());
        assert!(received.is_empty());
    }
    let outcome = |operation: Operation| operation.answer.expect("it was answered").1;
    batch.into_iter().map(|operation| outcome(operation).map_err(String::from)).collect()
}

#[test]
fn commands_are_written_as_redis_reads_them() {
    let mut door = door(Some(2));
    let value = Bytes::from_static(b"v");
    door.write_first(&batch(vec![
        Task::Put(value.clone()),
        Task::Get,
        Task::Look,
        Task::Modify(value),
    ]));
    let text = String::from_utf8(door.sent).expect("text").replace("\r\n", " ");
    assert_eq!(
        text,
        "*3 $3 SET $9 k00000000 $1 v *3 $4 WAIT $1 2 $4 2000 *2 $3 GET $9 k00000001 \
         *2 $6 EXISTS $9 k00000002 *2 $3 GET $9 k00000003 "
    );
}

#[test]
fn each_operation_gets_its_own_reply_however_the_bytes_are_cut() {
    let tasks = vec![Task::Put(Bytes::new()), Task::Get, Task::Get, Task::Look, Task::Get];
    let answer = "+OK\r\n$-1\r\n$4\r\na\r\nb\r\n:1\r\n-REFUSED too few\r\n";
    let not_found = Err("get: not found".to_owned());
    let refused = Err("REFUSED too few".to_owned());
    assert_eq!(told(&mut door(None), tasks, answer), [Ok(()), not_found, Ok(()), Ok(()), refused]);
}

#[test]
fn a_set_counts_once_so_many_replicas_have_it() {
    let put = || Task::Put(Bytes::new());
    let answer = "+OK\r\n:2\r\n+OK\r\n:1\r\n-OOM\r\n:2\r\n";
    let outcomes = told(&mut door(Some(2)), vec![put(), put(), put()], answer);
    let few = Err("only 1 replicas have it".to_owned());
    assert_eq!(outcomes, [Ok(()), few, Err("OOM".to_owned())]);
}

#[test]
fn only_who_has_read_writes_what_it_modifies() {
    let mut door = door(None);
    let mut batch = batch(vec![Task::Modify(Bytes::new()), Task::Modify(Bytes::new()), Task::Get]);
    batch[0].ends(Ok(()));
    batch[1].ends(Err("get: not found".into()));
    batch[2].ends(Ok(()));
    door.write_second(&batch);
    assert_eq!(door.expected, [Expected { of: 0, reply: Reply::Ok }]);
}
