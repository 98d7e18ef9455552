//! The two directions of a connection, on one task.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use stator_core::ring::RingVersion;
use stator_wire::client::{Ask, CallError, ClientCall, NodeAnswer};
use stator_wire::frame::{FrameReader, append_frame};
use stator_wire::proto;
use stator_wire::transport::{Opener, Sealer, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::{Frame, NoAnswer, Rest};
use crate::native::lock;

/// Calls are sent once there are so many bytes of them, or once no more wait.
const SENT_AT: usize = 64 * 1024;
/// How long a node that takes nothing any more may take to say why.
const LAST_WORD: Duration = Duration::from_millis(200);
/// How much is read at a time.
const READ: usize = 64 * 1024;

/// A call on its way.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) ask: Ask,
    pub(super) until: Instant,
    pub(super) reply: Reply,
    /// Set before its first byte is sent.
    pub(super) sent: Arc<AtomicBool>,
}

type Reply = oneshot::Sender<Result<NodeAnswer, NoAnswer>>;
/// Calls that were sent and not answered yet.
type Pending = Mutex<HashMap<u64, Reply>>;

/// Sends calls and hands out answers until either direction ends.
pub(super) async fn talk(
    stream: TcpStream,
    transport: Transport,
    raw: Rest,
    calls: mpsc::Receiver<Outgoing>,
) {
    let Transport { sealer, opener } = transport;
    let (read, write) = stream.into_split();
    let pending = Pending::default();
    let mut hearing = std::pin::pin!(hear(read, opener, raw, &pending));
    let said = tokio::select! {
        end = &mut hearing => Err(end),
        said = say(write, sealer, calls, &pending) => Ok(said),
    };
    let end = match said {
        Err(end) => end,
        Ok(Said::All) => "nobody uses the connection any more".into(),
        // What the node still has to say is why it takes nothing any more.
        Ok(Said::NothingTaken(why)) => {
            timeout(LAST_WORD, hearing).await.unwrap_or_else(|_| why.into())
        }
    };
    let End { why, taken } = end;
    for (id, reply) in lock(&pending).drain() {
        let no_answer = match taken {
            // The node has said that it did not read so far.
            Some(taken) if id > taken => NoAnswer::NotSent(why.clone()),
            _ => NoAnswer::Broken(why.clone()),
        };
        let _ = reply.send(Err(no_answer));
    }
}

/// Why a connection has ended.
struct End {
    why: String,
    /// The highest number of a call that the node has read, if it said so.
    taken: Option<u64>,
}

impl From<String> for End {
    fn from(why: String) -> Self {
        Self { why, taken: None }
    }
}

impl From<&str> for End {
    fn from(why: &str) -> Self {
        why.to_owned().into()
    }
}

/// Why nothing comes any more.
async fn hear(
    mut stream: OwnedReadHalf,
    mut opener: Opener,
    mut raw: BytesMut,
    pending: &Pending,
) -> End {
    let mut frames = FrameReader::new();
    loop {
        if let Err(error) = opener.feed(&mut raw, frames.input()) {
            return error.to_string().into();
        }
        loop {
            match frames.next_frame() {
                Ok(Some(frame)) => {
                    if let Some(end) = hand_out(frame, pending) {
                        return end;
                    }
                }
                Ok(None) => break,
                Err(error) => return error.to_string().into(),
            }
        }
        raw.reserve(READ);
        match stream.read_buf(&mut raw).await {
            Ok(0) => return "the node has closed the connection".into(),
            Ok(_) => {}
            Err(error) => return error.to_string().into(),
        }
    }
}

/// Gives an answer to whoever waits for it. Why the connection ends, if it does.
fn hand_out(frame: Frame, pending: &Pending) -> Option<End> {
    let answer = match proto::decode_answer(frame) {
        Ok(answer) => answer,
        Err(error) => return Some(format!("an answer can't be read: {error}").into()),
    };
    if let Err(CallError::Closing { text, taken }) = answer.outcome {
        return Some(End { why: text, taken: Some(taken) });
    }
    // Whoever hedged, or waited long enough, has left.
    if let Some(reply) = lock(pending).remove(&answer.id) {
        let _ = reply.send(Ok(answer));
    }
    None
}

/// Why nothing is said any more.
enum Said {
    /// Nobody has anything to say.
    All,
    /// The node does not listen.
    NothingTaken(String),
}

/// Sends calls as they come.
async fn say(
    mut stream: OwnedWriteHalf,
    mut sealer: Sealer,
    mut calls: mpsc::Receiver<Outgoing>,
    pending: &Pending,
) -> Said {
    let (mut plain, mut sealed) = (BytesMut::new(), BytesMut::new());
    let mut next_id = 1;
    while let Some(first) = calls.recv().await {
        take_up(first, &mut next_id, &mut plain, pending);
        while plain.len() < SENT_AT
            && let Ok(next) = calls.try_recv()
        {
            take_up(next, &mut next_id, &mut plain, pending);
        }
        if plain.is_empty() {
            continue;
        }
        if let Err(error) = sealer.seal(&plain, &mut sealed) {
            return Said::NothingTaken(error.to_string());
        }
        plain.clear();
        while sealed.has_remaining() {
            match stream.write_buf(&mut sealed).await {
                Ok(0) => return Said::NothingTaken("the node takes nothing any more".to_owned()),
                Ok(_) => {}
                Err(error) => return Said::NothingTaken(error.to_string()),
            }
        }
        if plain.capacity() > 4 * SENT_AT {
            (plain, sealed) = (BytesMut::new(), BytesMut::new());
        }
    }
    Said::All
}

/// Writes a call down, unless nobody waits for it any more.
fn take_up(outgoing: Outgoing, next_id: &mut u64, plain: &mut BytesMut, pending: &Pending) {
    let Outgoing { ask, until, reply, sent } = outgoing;
    let timeout = until.saturating_duration_since(Instant::now());
    if reply.is_closed() || timeout.is_zero() {
        return;
    }
    let id = *next_id;
    *next_id += 1;
    let call = ClientCall { id, timeout, ask };
    if let Err(error) = append_frame(plain, |out| proto::encode_call(&call, out)) {
        let (ring, outcome) =
            (RingVersion(0), Err(CallError::NotUnderstood { text: error.to_string() }));
        let _ = reply.send(Ok(NodeAnswer { id, ring, outcome }));
        return;
    }
    sent.store(true, Ordering::SeqCst);
    let mut pending = lock(pending);
    // Those who gave up waiting leave their numbers behind, should no answer ever come.
    if pending.len() >= 2 * stator_wire::client::MAX_CALLS {
        pending.retain(|_, reply| !reply.is_closed());
    }
    pending.insert(id, reply);
}
