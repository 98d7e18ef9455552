//! A relay between two nodes that makes each appear to the other as a build of another version: one
//! that adds a field to every message, says things nobody has heard of in between, and speaks
//! another range of protocols.
//!
//! It has the cluster's secret and is the peer of either side: what it takes from one connection it
//! opens, changes and seals anew for another.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};
use stator_wire::frame::{FrameReader, append_frame};
use stator_wire::handshake::{HandshakeError, Initiator, Responder, take_message};
use stator_wire::hello::{Hello, Lane, ProtocolRange, Refusal, has_pieces};
use stator_wire::secret::Keyring;
use stator_wire::transport::{Opener, Sealer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Field numbers far above any in use.
const ADDED_TEXT: u32 = 1000;
const ADDED_NUMBER: u32 = 1001;
const UNKNOWN_KIND: u32 = 1002;

/// Which fields of a message are messages themselves, by their numbers.
struct Shape(&'static [(u32, Self)]);

const PLAIN: Shape = Shape(&[]);
const DIGEST: Shape = Shape(&[(2, PLAIN)]);
const FACTS: Shape = Shape(&[(1, RING), (2, PLAIN), (3, PLAIN), (4, PLAIN), (5, RING)]);
const RING: Shape = Shape(&[(5, PLAIN)]);
/// `crates/wire/src/proto/membership.rs`
const MEMBERSHIP: Shape = Shape(&[
    (1, PLAIN),
    (2, DIGEST),
    (3, Shape(&[(1, FACTS), (2, DIGEST)])),
    (4, Shape(&[(2, FACTS)])),
    (6, PLAIN),
    (7, PLAIN),
    (8, PLAIN),
    (9, PLAIN),
]);
/// `crates/wire/src/proto/shard.rs`
const SHARD: Shape = Shape(&[
    (1, PLAIN),
    (2, PLAIN),
    (3, PLAIN),
    (4, PLAIN),
    (5, Shape(&[(3, PLAIN)])),
    (6, Shape(&[(2, PLAIN)])),
    (7, PLAIN),
    (8, PLAIN),
    (9, PLAIN),
    (10, PLAIN),
    (11, PLAIN),
    (12, PLAIN),
]);

/// A message with fields added, in itself and in those within it.
fn with_more_fields(mut message: Bytes, shape: &Shape) -> BytesMut {
    let mut out = BytesMut::new();
    while message.has_remaining() {
        let (field, wire) = decode_key(&mut message).expect("nodes send protobuf");
        encode_key(field, wire, &mut out);
        match wire {
            WireType::Varint => {
                encode_varint(decode_varint(&mut message).expect("a number"), &mut out);
            }
            WireType::SixtyFourBit => out.put(message.split_to(8)),
            WireType::ThirtyTwoBit => out.put(message.split_to(4)),
            WireType::LengthDelimited => {
                let len = decode_varint(&mut message).expect("a length") as usize;
                let body = message.split_to(len);
                let child = shape.0.iter().find(|(number, _)| *number == field);
                let body = match child {
                    Some((_, shape)) => with_more_fields(body, shape).freeze(),
                    None => body,
                };
                encode_varint(body.len() as u64, &mut out);
                out.put(body);
            }
            WireType::StartGroup | WireType::EndGroup => panic!("nodes send no groups"),
        }
    }
    let text = b"of a later version";
    encode_key(ADDED_TEXT, WireType::LengthDelimited, &mut out);
    encode_varint(text.len() as u64, &mut out);
    out.put(&text[..]);
    encode_key(ADDED_NUMBER, WireType::Varint, &mut out);
    encode_varint(u64::MAX, &mut out);
    out
}

/// A message of a kind that nobody knows.
fn unknown_kind(out: &mut BytesMut) {
    encode_key(UNKNOWN_KIND, WireType::LengthDelimited, out);
    encode_varint(3, out);
    out.put(&b"new"[..]);
}

/// What went through.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Connections of nodes that were made whole.
    pub(crate) connections: AtomicUsize,
    /// Those that have ended.
    pub(crate) ended: AtomicUsize,
    /// Messages to membership that were passed on, each with a message of an unknown kind.
    pub(crate) membership: AtomicUsize,
    /// The same to shards.
    pub(crate) shard: AtomicUsize,
    /// What version each side of each connection agreed on.
    pub(crate) agreed: Mutex<Vec<u32>>,
}

/// Stands in front of one node.
#[derive(Debug)]
pub(crate) struct Relay {
    address: SocketAddr,
    target: Arc<OnceLock<SocketAddr>>,
    pub(crate) seen: Arc<Seen>,
    task: JoinHandle<()>,
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Relay {
    /// A relay by which each side believes that the other speaks these protocols.
    pub(crate) async fn new(keyring: Keyring, protocols: ProtocolRange) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let target = Arc::new(OnceLock::new());
        let seen = Arc::new(Seen::default());
        let carrier =
            Carrier { keyring, protocols, target: Arc::clone(&target), seen: Arc::clone(&seen) };
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("it listens");
                let carrier = carrier.clone();
                // A connection that breaks is dialled again by its node.
                tokio::spawn(async move { carrier.carry(stream).await });
            }
        });
        Self { address, target, seen, task }
    }

    /// Where it is reached.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The node that it stands in front of.
    pub(crate) fn point_to(&self, target: SocketAddr) {
        self.target.set(target).expect("one target");
    }
}

#[derive(Clone)]
struct Carrier {
    keyring: Keyring,
    protocols: ProtocolRange,
    target: Arc<OnceLock<SocketAddr>>,
    seen: Arc<Seen>,
}

impl Carrier {
    fn disguised(&self, hello: &Hello) -> Hello {
        Hello { protocols: self.protocols, ..hello.clone() }
    }

    async fn carry(&self, mut from: TcpStream) -> io::Result<()> {
        let Some(target) = self.target.get() else { return Ok(()) };
        let (mut raw, mut raw_back) = (BytesMut::new(), BytesMut::new());
        let first = read_message(&mut from, &mut raw).await?;
        let responder = Responder::accept(&self.keyring, &first).expect("it has the secret");
        let lane = responder.hello().lane;
        let mut to = TcpStream::connect(target).await?;
        let (initiator, message) =
            Initiator::new(&self.keyring, self.disguised(responder.hello())).expect("random");
        to.write_all(&message).await?;
        let answer = read_message(&mut to, &mut raw_back).await?;
        let there = match initiator.finish(&answer) {
            Ok(there) => there,
            Err(HandshakeError::Refused { code, text }) => {
                let refusal = responder.refuse(&Refusal { code, text }).expect("it fits");
                return from.write_all(&refusal).await;
            }
            Err(error) => panic!("the node does not answer as it should: {error}"),
        };
        let reply = responder.reply(&self.disguised(&there.hello)).expect("it fits");
        from.write_all(&reply.message).await?;
        let here = reply.outcome.expect("they share a version");
        self.seen
            .agreed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend([there.protocol, here.protocol]);
        self.seen.connections.fetch_add(1, Ordering::SeqCst);
        let halves = (here.transport.opener, there.transport.sealer);
        let ended = self.pump((from, raw), to, halves, lane).await;
        self.seen.ended.fetch_add(1, Ordering::SeqCst);
        ended
    }

    async fn pump(
        &self,
        (mut from, mut raw): (TcpStream, BytesMut),
        mut to: TcpStream,
        (mut opener, mut sealer): (Opener, Sealer),
        lane: Lane,
    ) -> io::Result<()> {
        let (shape, count) = match lane {
            Lane::Membership => (MEMBERSHIP, &self.seen.membership),
            Lane::Shard(_) => (SHARD, &self.seen.shard),
            Lane::Bulk => panic!("nobody dials this lane yet"),
        };
        let mut frames = FrameReader::new().with_pieces(has_pieces(self.protocols.max));
        loop {
            let mut back = [0];
            tokio::select! {
                read = from.read_buf(&mut raw) => if read? == 0 { return Ok(()) },
                // Nothing comes this way but the end.
                _ = to.read(&mut back) => return Ok(()),
            }
            opener.feed(&mut raw, frames.input()).expect("nodes seal what they send");
            if !opener.has_opened() {
                continue;
            }
            let mut plain = BytesMut::new();
            while let Some(frame) = frames.next_frame().expect("nodes send frames") {
                let changed = with_more_fields(frame, &shape);
                append_frame(&mut plain, unknown_kind).expect("it is short");
                append_frame(&mut plain, |out| out.put(changed)).expect("a little longer");
                count.fetch_add(1, Ordering::SeqCst);
            }
            let mut sealed = BytesMut::new();
            sealer.seal(&plain, &mut sealed).expect("there are numbers left");
            to.write_all(&sealed).await?;
        }
    }
}

/// Reads one message of a handshake.
pub(crate) async fn read_message(stream: &mut TcpStream, raw: &mut BytesMut) -> io::Result<Bytes> {
    loop {
        if let Some(message) = take_message(raw).expect("nodes shake hands") {
            return Ok(message);
        }
        if stream.read_buf(raw).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}
