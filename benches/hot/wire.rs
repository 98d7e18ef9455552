//! A message that carries 1 KiB, on its way to a peer: encoded and framed, encrypted, decrypted,
//! cut into frames, decoded.

use std::cell::RefCell;

use bytes::{Bytes, BytesMut};
use divan::Bencher;
use stator_core::collection::Round;
use stator_core::identity::{BootNonce, BootNumber, ClusterId, NodeId};
use stator_core::message::{AckWish, EncodedState, Purpose, RequestId, ShardMessage};
use stator_core::ring::RingVersion;
use stator_core::transfer::Footing;
use stator_wire::cipher::Cipher;
use stator_wire::frame::{FrameReader, append_frame};
use stator_wire::handshake::{Initiator, Responder, take_message};
use stator_wire::hello::{Hello, Lane, ProtocolRange};
use stator_wire::proto;
use stator_wire::secret::{Keyring, Secret};
use stator_wire::transport::{Opener, Sealer};

use crate::object::state;
use crate::placement::key;

/// How many messages of a turn go to one peer, where turns are busy.
const PER_TURN: usize = 16;

fn message() -> ShardMessage {
    ShardMessage::Replicate {
        request: RequestId::new(0, 7),
        footing: Footing::settled(RingVersion(3)),
        round: Round::default(),
        purpose: Purpose::Write,
        key: key(1),
        state: EncodedState::of(&state()),
        acks: AckWish::Durable,
    }
}

fn hello(node: u64, cipher: Cipher) -> Hello {
    Hello {
        protocols: ProtocolRange::SPOKEN,
        node: NodeId::new(node),
        cluster: Some(ClusterId::new(1)),
        boot: BootNumber(1),
        nonce: BootNonce(node),
        name: format!("n{node}"),
        lane: Lane::Shard(0),
        shards: 1,
        ring: RingVersion(3),
        cipher,
    }
}

fn taken(bytes: &[u8]) -> Bytes {
    let taken = take_message(&mut BytesMut::from(bytes)).expect("a message");
    taken.expect("all of it")
}

/// Each cipher, for one message and for a busy turn's.
fn cases() -> Vec<(Cipher, usize)> {
    let each = |cipher| [(cipher, 1), (cipher, PER_TURN)];
    [Cipher::ChaChaPoly, Cipher::AesGcm].into_iter().flat_map(each).collect()
}

/// One direction of a connection.
fn connected(cipher: Cipher) -> (Sealer, Opener) {
    let keys = Keyring::new(&Secret::new(&b"secret"[..]), &[]);
    let (initiator, first) = Initiator::new(&keys, hello(1, cipher)).expect("random numbers");
    let responder = Responder::accept(&keys, &taken(&first)).expect("the same secret");
    let reply = responder.reply(&hello(2, cipher)).expect("random numbers");
    let there = initiator.finish(&taken(&reply.message)).expect("the same secret");
    (there.transport.sealer, reply.outcome.expect("they agree").transport.opener)
}

#[divan::bench]
fn encode(bencher: Bencher<'_, '_>) {
    let (message, out) = (message(), RefCell::new(BytesMut::with_capacity(4096)));
    bencher.bench_local(|| {
        let mut out = out.borrow_mut();
        out.clear();
        proto::encode_shard(&message, &mut out);
    });
}

#[divan::bench]
fn decode(bencher: Bencher<'_, '_>) {
    let mut encoded = BytesMut::new();
    proto::encode_shard(&message(), &mut encoded);
    let encoded = encoded.freeze();
    bencher.bench_local(|| proto::decode_shard(encoded.clone()).expect("encoded here"));
}

/// The plaintext of one message and of a busy turn.
#[divan::bench(args = cases())]
fn encrypt(bencher: Bencher<'_, '_>, &(cipher, messages): &(Cipher, usize)) {
    let (mut sealer, _opener) = connected(cipher);
    let plain = frames(messages);
    let mut out = BytesMut::with_capacity(64 << 10);
    bencher.counter(divan::counter::ItemsCount::new(messages)).bench_local(|| {
        out.clear();
        sealer.seal(&plain, &mut out).expect("not exhausted");
    });
}

/// All of it, from the sender's message to the receiver's.
#[divan::bench(args = cases())]
fn there(bencher: Bencher<'_, '_>, &(cipher, messages): &(Cipher, usize)) {
    let (mut sealer, mut opener) = connected(cipher);
    let message = message();
    let (mut plain, mut raw) = (BytesMut::new(), BytesMut::new());
    let mut reader = FrameReader::new();
    bencher.counter(divan::counter::ItemsCount::new(messages)).bench_local(|| {
        for _ in 0..messages {
            append_frame(&mut plain, |out| proto::encode_shard(&message, out)).expect("it fits");
        }
        sealer.seal(&plain, &mut raw).expect("not exhausted");
        plain.clear();
        opener.feed(&mut raw, reader.input()).expect("genuine");
        let mut arrived = 0;
        while let Some(frame) = reader.next_frame().expect("whole") {
            proto::decode_shard(frame).expect("encoded here");
            arrived += 1;
        }
        assert_eq!(arrived, messages);
    });
}

fn frames(messages: usize) -> BytesMut {
    let (message, mut plain) = (message(), BytesMut::new());
    for _ in 0..messages {
        append_frame(&mut plain, |out| proto::encode_shard(&message, out)).expect("it fits");
    }
    plain
}
