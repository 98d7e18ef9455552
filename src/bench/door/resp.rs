//! The Redis protocol: plain `GET` and `SET`, a batch sent at once and its replies read in order.
//!
//! What is sent is written down by hand, which costs less than frames of a library would; replies are
//! read in place by `redis-protocol`. A batch is written and read side by side, so that a server that
//! answers before it has read everything is not waited for for ever.

mod command;

use std::num::NonZeroU32;

use bytes::{Buf, BytesMut};
use redis_protocol::resp2::decode::decode_range;
use redis_protocol::resp2::types::RangeFrame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use self::command::command;
use super::{AGAIN, Door, Objects, Operation, PATIENCE, Task};
use crate::bench::keys;
use crate::bench::tally::ErrorKind;

/// Room for replies, before more is needed.
const ROOM: usize = 16 * 1024;

/// How long a Redis may wait for its replicas: as long as a node of Stator for its own by default.
const WAIT_MILLIS: &[u8] = b"2000";

/// A connection to one door.
pub(in crate::bench) struct RespDoor {
    address: String,
    dbnum: u8,
    wait: Option<NonZeroU32>,
    objects: Objects,
    stream: Option<TcpStream>,
    name: String,
    sent: Vec<u8>,
    /// Which replies are still to come, in order.
    expected: Vec<Expected>,
    received: BytesMut,
}

/// A reply that is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Expected {
    /// Of which operation of the batch.
    of: usize,
    reply: Reply,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reply {
    /// `+OK`
    Ok,
    /// `+OK`, with a number of replicas to come.
    Stored,
    /// How many replicas have it.
    Replicas(NonZeroU32),
    /// A value
    Value,
    /// 1
    There,
}

impl RespDoor {
    /// A connection that is opened with its first batch.
    pub(in crate::bench) fn new(
        address: String,
        dbnum: u8,
        wait: Option<NonZeroU32>,
        objects: Objects,
    ) -> Self {
        Self {
            address,
            dbnum,
            wait,
            objects,
            stream: None,
            name: String::new(),
            sent: Vec::new(),
            expected: Vec::new(),
            received: BytesMut::with_capacity(ROOM),
        }
    }

    /// Writes down what the batch begins with: all of it, but for the writes of who reads first.
    fn write_first(&mut self, batch: &[Operation]) {
        for (of, operation) in batch.iter().enumerate() {
            keys::name(&self.objects.prefix, operation.key, &mut self.name);
            match &operation.task {
                Task::Put(value) => self.write_set(of, value),
                Task::Get | Task::Modify(_) => self.ask(of, b"GET", Reply::Value),
                Task::Look => self.ask(of, b"EXISTS", Reply::There),
            }
        }
    }

    /// Writes down the writes of those that have read.
    fn write_second(&mut self, batch: &[Operation]) {
        for (of, operation) in batch.iter().enumerate() {
            let has_read = matches!(&operation.answer, Some((_, Ok(()))));
            if let (Task::Modify(value), true) = (&operation.task, has_read) {
                keys::name(&self.objects.prefix, operation.key, &mut self.name);
                self.write_set(of, value);
            }
        }
    }

    fn ask(&mut self, of: usize, word: &[u8], reply: Reply) {
        command(&mut self.sent, &[word, self.name.as_bytes()]);
        self.expected.push(Expected { of, reply });
    }

    fn write_set(&mut self, of: usize, value: &[u8]) {
        command(&mut self.sent, &[b"SET", self.name.as_bytes(), value]);
        let Some(replicas) = self.wait else {
            self.expected.push(Expected { of, reply: Reply::Ok });
            return;
        };
        command(&mut self.sent, &[b"WAIT", replicas.to_string().as_bytes(), WAIT_MILLIS]);
        self.expected.push(Expected { of, reply: Reply::Stored });
        self.expected.push(Expected { of, reply: Reply::Replicas(replicas) });
    }

    /// Sends what is written down and reads its replies; what has none gets the error.
    async fn exchange(&mut self, batch: &mut [Operation]) {
        let exchanged = tokio::time::timeout(PATIENCE, self.try_exchange(batch)).await;
        let Err(error) = exchanged.unwrap_or(Err("no answer in time".into())) else { return };
        self.stream = None;
        self.received.clear();
        self.sent.clear();
        for expected in self.expected.drain(..) {
            batch[expected.of].ends(Err(error.clone()));
        }
    }

    async fn try_exchange(&mut self, batch: &mut [Operation]) -> Result<(), ErrorKind> {
        if self.stream.is_none() {
            self.stream = Some(self.open().await?);
        }
        let Some(stream) = &mut self.stream else { return Err("unreachable".into()) };
        let (mut reading, mut writing) = stream.split();
        let (sent, expected, received) = (&self.sent, &mut self.expected, &mut self.received);
        let write = async { writing.write_all(sent).await.map_err(|_| "connection broken".into()) };
        let read = async {
            let mut answered = 0;
            let outcome = loop {
                answered += take_replies(received, &expected[answered..], batch)?;
                if answered == expected.len() {
                    break Ok(());
                }
                received.reserve(ROOM);
                match reading.read_buf(received).await {
                    Ok(1..) => {}
                    _ => break Err(ErrorKind::from("connection broken")),
                }
            };
            expected.drain(..answered);
            outcome
        };
        let (written, read) = tokio::join!(write, read);
        self.sent.clear();
        written.and(read)
    }

    async fn open(&self) -> Result<TcpStream, ErrorKind> {
        let Ok(mut stream) = TcpStream::connect(&self.address).await else {
            tokio::time::sleep(AGAIN).await;
            return Err("unreachable".into());
        };
        let _ = stream.set_nodelay(true);
        if self.dbnum == 0 {
            return Ok(stream);
        }
        let mut select = Vec::new();
        command(&mut select, &[b"SELECT", self.dbnum.to_string().as_bytes()]);
        let mut answer = [0; 5];
        let selected = async {
            stream.write_all(&select).await?;
            stream.read_exact(&mut answer).await
        };
        match selected.await {
            Ok(_) if &answer == b"+OK\r\n" => Ok(stream),
            Ok(_) => Err(format!("there is no database {}", self.dbnum).into()),
            Err(_) => Err("connection broken".into()),
        }
    }
}

impl Door for RespDoor {
    async fn carry_out(&mut self, batch: &mut [Operation]) {
        self.write_first(batch);
        self.exchange(batch).await;
        self.write_second(batch);
        if !self.expected.is_empty() {
            self.exchange(batch).await;
        }
    }
}

/// Takes the replies that are there; how many.
fn take_replies(
    received: &mut BytesMut,
    expected: &[Expected],
    batch: &mut [Operation],
) -> Result<usize, ErrorKind> {
    for (taken, next) in expected.iter().enumerate() {
        let decoded = decode_range(received).map_err(|_| "an answer that is no RESP")?;
        let Some((frame, length)) = decoded else { return Ok(taken) };
        let outcome = judge(&frame, next.reply, received);
        received.advance(length);
        let operation = &mut batch[next.of];
        // A SET that failed has failed, whatever WAIT says of those before.
        let has_failed = matches!(next.reply, Reply::Replicas(_))
            && matches!(&operation.answer, Some((_, Err(_))));
        if !has_failed {
            operation.ends(outcome);
        }
    }
    Ok(expected.len())
}

fn judge(frame: &RangeFrame, expected: Reply, received: &[u8]) -> Result<(), ErrorKind> {
    match (frame, expected) {
        (RangeFrame::SimpleString(_), Reply::Ok | Reply::Stored)
        | (RangeFrame::BulkString(_), Reply::Value)
        | (RangeFrame::Integer(1), Reply::There) => Ok(()),
        (RangeFrame::Integer(have), Reply::Replicas(want)) => match u32::try_from(*have) {
            Ok(have) if have >= want.get() => Ok(()),
            _ => Err(format!("only {have} replicas have it").into()),
        },
        (RangeFrame::Null, Reply::Value) | (RangeFrame::Integer(_), Reply::There) => {
            Err("get: not found".into())
        }
        (RangeFrame::Error((from, to)), _) => {
            Err(String::from_utf8_lossy(&received[*from..*to]).into_owned().into())
        }
        _ => Err("an answer to another question".into()),
    }
}

#[cfg(test)]
mod tests;
