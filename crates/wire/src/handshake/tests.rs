use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::Index;
use stator_core::identity::{BootNonce, BootNumber, ClusterId, NodeId};
use stator_core::ring::RingVersion;

use super::*;
use crate::hello::{Lane, PROTOCOL, ProtocolRange};
use crate::secret::Secret;

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes())
}

pub(crate) fn keyring(current: &str, older: &[&str]) -> Keyring {
    let older: Vec<Secret> = older.iter().map(|text| secret(text)).collect();
    Keyring::new(&secret(current), &older)
}

pub(crate) fn hello(node: u64, lane: Lane) -> Hello {
    Hello {
        protocols: ProtocolRange::SPOKEN,
        node: NodeId::new(node),
        cluster: Some(ClusterId::new(7)),
        boot: BootNumber(3),
        nonce: BootNonce(0xfeed),
        name: format!("n{node}"),
        lane,
        shards: 2,
        ring: RingVersion(5),
        cipher: Cipher::AesGcm,
    }
}

pub(crate) fn dial(keyring: &Keyring, hello: Hello) -> (Initiator, Bytes) {
    let (initiator, bytes) = Initiator::new(keyring, hello).unwrap();
    (initiator, taken(&bytes))
}

pub(crate) fn taken(bytes: &[u8]) -> Bytes {
    let mut raw = BytesMut::from(bytes);
    let message = take_message(&mut raw).unwrap().expect("it is whole");
    assert!(raw.is_empty());
    message
}

/// The two ends of a connection between nodes with which this cipher is the fastest.
pub(crate) fn connected(cipher: Cipher) -> (Transport, Transport) {
    let keys = keyring("s", &[]);
    let hello = |node| Hello { cipher, ..hello(node, Lane::Shard(1)) };
    let (initiator, first) = dial(&keys, hello(1));
    let reply = Responder::accept(&keys, &first).unwrap().reply(&hello(2)).unwrap();
    let dialler = initiator.finish(&taken(&reply.message)).unwrap();
    (dialler.transport, reply.outcome.unwrap().transport)
}

#[test]
fn both_learn_who_the_other_is() {
    for lane in [Lane::Shard(0), Lane::Shard(255), Lane::Membership, Lane::Bulk] {
        let keys = keyring("s", &[]);
        let joining = Hello { cluster: None, ring: RingVersion(0), ..hello(1, lane) };
        let (initiator, first) = dial(&keys, joining.clone());
        let responder = Responder::accept(&keys, &first).unwrap();
        assert_eq!(responder.hello(), &joining);
        let reply = responder.reply(&hello(2, lane)).unwrap();
        let theirs = reply.outcome.unwrap();
        assert_eq!((&theirs.hello, theirs.protocol), (&joining, PROTOCOL));
        let ours = initiator.finish(&taken(&reply.message)).unwrap();
        assert_eq!((ours.hello, ours.protocol), (hello(2, lane), PROTOCOL));
    }
}

/// A node of before there was a choice says what one says that is fastest with ChaCha20-Poly1305.
#[test]
fn two_with_different_ciphers_understand_each_other() {
    use Cipher::{AesGcm, ChaChaPoly};

    for (one, other) in [(ChaChaPoly, AesGcm), (AesGcm, ChaChaPoly), (AesGcm, AesGcm)] {
        let keys = keyring("s", &[]);
        let hello = |node, cipher| Hello { cipher, ..hello(node, Lane::Bulk) };
        let (initiator, first) = dial(&keys, hello(1, one));
        let reply = Responder::accept(&keys, &first).unwrap().reply(&hello(2, other)).unwrap();
        let mut dialler = initiator.finish(&taken(&reply.message)).unwrap();
        let mut accepter = reply.outcome.unwrap();
        let (mut raw, mut heard) = (BytesMut::new(), BytesMut::new());
        dialler.transport.sealer.seal(b"there", &mut raw).unwrap();
        accepter.transport.opener.feed(&mut raw, &mut heard).unwrap();
        accepter.transport.sealer.seal(b" and back", &mut raw).unwrap();
        dialler.transport.opener.feed(&mut raw, &mut heard).unwrap();
        assert_eq!(&heard[..], b"there and back", "{one:?} and {other:?}");
    }
}

#[test]
fn an_empty_secret_is_one_that_all_without_a_secret_share() {
    let (_, first) = dial(&keyring("", &[]), hello(1, Lane::Membership));
    assert!(Responder::accept(&keyring("", &[]), &first).is_ok());
    let other = Responder::accept(&keyring("s", &[]), &first);
    assert_eq!(other.unwrap_err(), HandshakeError::WrongSecret);
}

#[test]
fn another_secret_is_told_to_both_sides() {
    let (initiator, first) = dial(&keyring("ours", &[]), hello(1, Lane::Membership));
    let error = Responder::accept(&keyring("theirs", &["older"]), &first).unwrap_err();
    assert_eq!(error, HandshakeError::WrongSecret);
    assert!(error.to_string().contains("STATOR_SECRET"));
    let (_, other) = dial(&keyring("theirs", &[]), hello(3, Lane::Membership));
    assert_eq!(initiator.finish(&other).unwrap_err(), HandshakeError::WrongSecret);
}

#[test]
fn a_secret_can_be_changed_without_downtime() {
    let rounds = [
        keyring("old", &[]),
        keyring("old", &["new"]),
        keyring("new", &["old"]),
        keyring("new", &[]),
    ];
    for pair in rounds.windows(2) {
        for (dialler, accepter) in [(&pair[0], &pair[1]), (&pair[1], &pair[0])] {
            let (initiator, first) = dial(dialler, hello(1, Lane::Membership));
            let responder = Responder::accept(accepter, &first).unwrap();
            let reply = responder.reply(&hello(2, Lane::Membership)).unwrap();
            assert!(initiator.finish(&taken(&reply.message)).is_ok());
        }
    }
}

#[test]
fn a_refusal_reaches_the_operator_of_the_peer() {
    let codes = [
        RefusalCode::ForeignCluster,
        RefusalCode::Removed,
        RefusalCode::Protocol,
        RefusalCode::Identity,
        RefusalCode::Busy,
        RefusalCode::Other(77),
    ];
    for code in codes {
        let keys = keyring("s", &[]);
        let (initiator, first) = dial(&keys, hello(1, Lane::Bulk));
        let refusal = Refusal { code, text: "it was removed: join anew".to_owned() };
        let message = Responder::accept(&keys, &first).unwrap().refuse(&refusal).unwrap();
        let error = initiator.finish(&taken(&message)).unwrap_err();
        assert!(error.to_string().ends_with("it was removed: join anew"));
        assert_eq!(error, HandshakeError::Refused { code, text: refusal.text });
    }
}

#[test]
fn a_long_refusal_is_cut_between_two_characters() {
    let keys = keyring("s", &[]);
    let (initiator, first) = dial(&keys, hello(1, Lane::Bulk));
    let text = format!("x{}", "ü".repeat(4000));
    let refusal = Refusal { code: RefusalCode::Busy, text };
    let message = Responder::accept(&keys, &first).unwrap().refuse(&refusal).unwrap();
    let HandshakeError::Refused { text, .. } = initiator.finish(&taken(&message)).unwrap_err()
    else {
        panic!("it was not refused");
    };
    assert_eq!(text.len(), Refusal::MAX_TEXT - 1);
    assert!(refusal.text.starts_with(&text));
}

#[test]
fn nodes_without_a_common_protocol_both_say_so() {
    let keys = keyring("s", &[]);
    let (new, old) = (ProtocolRange { min: 4, max: 6 }, ProtocolRange { min: 2, max: 3 });
    let (initiator, first) = dial(&keys, Hello { protocols: new, ..hello(1, Lane::Bulk) });
    let mine = Hello { protocols: old, ..hello(2, Lane::Bulk) };
    let reply = Responder::accept(&keys, &first).unwrap().reply(&mine).unwrap();
    let mismatch = ProtocolMismatch { ours: old, theirs: new };
    assert_eq!(reply.outcome.unwrap_err(), HandshakeError::Protocol(mismatch));
    let error = initiator.finish(&taken(&reply.message)).unwrap_err();
    let text = ProtocolMismatch { ours: new, theirs: old }.to_string();
    assert_eq!(error, HandshakeError::Refused { code: RefusalCode::Protocol, text });
}

#[test]
fn the_newest_protocol_that_both_speak_is_taken() {
    let range = |min, max| ProtocolRange { min, max };
    assert_eq!(range(1, 3).agree(range(2, 5)), Ok(3));
    assert_eq!(range(2, 5).agree(range(1, 3)), Ok(3));
    assert_eq!(range(1, 1).agree(range(1, 9)), Ok(1));
    assert!(range(1, 1).agree(range(2, 9)).is_err());
    assert!(range(2, 9).agree(range(1, 1)).is_err());
}

#[test]
fn versions_that_overlap_meet_at_the_newest_that_both_speak() {
    let range = |min, max| ProtocolRange { min, max };
    let pairs = [
        (range(1, 1), range(1, 2), 1),
        (range(1, 3), range(2, 4), 3),
        (range(0, 2), range(1, 1), 1),
    ];
    for (one, other, newest) in pairs {
        for (dials, accepts) in [(one, other), (other, one)] {
            let keys = keyring("s", &[]);
            let says = |protocols, node| Hello { protocols, ..hello(node, Lane::Membership) };
            let (initiator, first) = dial(&keys, says(dials, 1));
            let reply = Responder::accept(&keys, &first).unwrap().reply(&says(accepts, 2)).unwrap();
            assert_eq!(reply.outcome.unwrap().protocol, newest, "{one} and {other}");
            let established = initiator.finish(&taken(&reply.message)).unwrap();
            assert_eq!(established.protocol, newest, "{one} and {other}");
        }
    }
}

#[test]
fn what_a_later_version_adds_to_its_hello_is_skipped() {
    let mine = hello(1, Lane::Shard(1));
    let payload = encode_greeting(Greeting::Hello(&mine));
    // Field 1, the hello, begins with its number and its length, a byte each.
    assert_eq!((payload[0], usize::from(payload[1])), (0x0a, payload.len() - 2));
    let added = [0xc2, 0x3e, 3, b'n', b'e', b'w'];
    let len = payload[1] + added.len() as u8;
    assert!(len < 0x80, "still one byte");
    let longer = [&[0x0a, len][..], &payload[2..], &added, &added].concat();
    assert_eq!(decode_greeting(longer.into()), Ok(Ok(mine)));
}

#[test]
fn what_is_cut_off_waits_for_more() {
    let (_, bytes) = Initiator::new(&keyring("s", &[]), hello(1, Lane::Bulk)).unwrap();
    for len in 0..bytes.len() {
        let mut raw = BytesMut::from(&bytes[..len]);
        assert_eq!(take_message(&mut raw), Ok(None), "{len} bytes");
        assert_eq!(raw.len(), len);
    }
    let mut raw = BytesMut::from(&[&bytes[..], b"record"].concat()[..]);
    assert_eq!(take_message(&mut raw).unwrap().unwrap(), bytes[HEADER..]);
    assert_eq!(&raw[..], b"record");
}

#[test]
fn strangers_are_told_apart_by_their_first_two_bytes() {
    let strangers: [&[u8]; 6] =
        [b"GET / HTTP/1.1", b"POST", b"\x16\x03\x01", b"SSH-2.0", b"*1\r\n$4", b"\0\x01"];
    for stranger in strangers {
        let taken = take_message(&mut BytesMut::from(stranger));
        assert_eq!(taken, Err(HandshakeError::Garbage), "{stranger:?}");
    }
}

#[test]
fn a_name_too_long_for_a_message_is_an_error_of_this_node() {
    let long = Hello { name: "n".repeat(MAX_MESSAGE), ..hello(1, Lane::Bulk) };
    let error = Initiator::new(&keyring("s", &[]), long).unwrap_err();
    assert!(matches!(error, HandshakeError::TooLong { len } if len > MAX_MESSAGE));
}

#[test]
fn a_hello_that_can_not_be_is_unreadable() {
    let keys = keyring("s", &[]);
    let (_, first) = dial(&keys, Hello { shards: 0, ..hello(1, Lane::Bulk) });
    let error = Responder::accept(&keys, &first).unwrap_err();
    assert!(matches!(&error, HandshakeError::Unreadable(WireError::OutOfRange { .. })), "{error}");
}

#[test]
fn a_refusal_in_place_of_a_hello_is_garbage() {
    let keys = keyring("s", &[]);
    let mut noise = build(keys.current().as_bytes(), Builder::build_initiator).unwrap();
    let refusal = Refusal { code: RefusalCode::Busy, text: String::new() };
    let message = write(&mut noise, &encode_greeting(Greeting::Refusal(&refusal))).unwrap();
    let error = Responder::accept(&keys, &taken(&message)).unwrap_err();
    assert_eq!(error, HandshakeError::Garbage);
}

#[test]
fn secrets_are_not_shown() {
    let shown = format!("{:?} {:?}", secret("hunter2"), keyring("hunter2", &["hunter1"]));
    assert_eq!(shown, "Secret(…) Keyring(1 current, 1 older)");
    assert_eq!(format!("{:?}", secret("")), "Secret(empty)");
}

proptest! {
    // Few cases: each makes keys, which takes long in a build without optimisation.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_message_but_a_true_one_is_an_error(message in vec(any::<u8>(), 0..300)) {
        let keys = keyring("s", &["t"]);
        let (initiator, _) = dial(&keys, hello(1, Lane::Bulk));
        prop_assert!(Responder::accept(&keys, &message).is_err());
        prop_assert!(initiator.finish(&message).is_err());
    }

    #[test]
    fn a_changed_message_is_an_error(at in any::<Index>(), change in 1..=u8::MAX) {
        let keys = keyring("s", &[]);
        let (initiator, first) = dial(&keys, hello(1, Lane::Bulk));
        let mut changed = first.to_vec();
        *at.get_mut(&mut changed) ^= change;
        prop_assert!(Responder::accept(&keys, &changed).is_err());
        let reply = Responder::accept(&keys, &first).unwrap().reply(&hello(2, Lane::Bulk)).unwrap();
        let mut changed = taken(&reply.message).to_vec();
        *at.get_mut(&mut changed) ^= change;
        prop_assert!(initiator.finish(&changed).is_err());
    }

}

proptest! {
    #[test]
    fn any_payload_of_a_peer_with_the_secret_is_a_greeting_or_an_error(
        payload in vec(any::<u8>(), 0..100),
    ) {
        if let Ok(Ok(hello)) = decode_greeting(payload.into()) {
            let again = encode_greeting(Greeting::Hello(&hello));
            prop_assert_eq!(decode_greeting(again.into()), Ok(Ok(hello)));
        }
    }

    #[test]
    fn cutting_a_message_out_of_any_bytes_is_safe(raw in vec(any::<u8>(), 0..300)) {
        let len = raw.len();
        let mut raw = BytesMut::from(&raw[..]);
        if let Ok(Some(message)) = take_message(&mut raw) {
            prop_assert!(message.len() + HEADER + raw.len() == len);
        }
    }
}
