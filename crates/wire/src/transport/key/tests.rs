use snow::Builder;

use super::*;

fn builder() -> Builder<'static> {
    Builder::new("Noise_NN_25519_AESGCM_BLAKE2s".parse().expect("a pattern"))
}

/// Both sides of a handshake with Noise's own AESGCM.
fn noise() -> (HandshakeState, HandshakeState) {
    let mut dialler = builder().build_initiator().expect("keys");
    let mut accepter = builder().build_responder().expect("keys");
    let (mut message, mut payload) = ([0; 100], [0; 100]);
    let len = dialler.write_message(&[], &mut message).expect("it is its turn");
    accepter.read_message(&message[..len], &mut payload).expect("genuine");
    let len = accepter.write_message(&[], &mut message).expect("it is its turn");
    dialler.read_message(&message[..len], &mut payload).expect("genuine");
    (dialler, accepter)
}

fn sealed(key: &mut Key, number: u64, plaintext: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    key.seal(number, plaintext, &mut out).expect("a number that is left");
    out
}

#[test]
fn aes_seals_as_noise_would_and_goes_on_to_the_next_key_as_noise_would() {
    let (mut dialler, _) = noise();
    let (says, _) = dialler.dangerously_get_raw_split();
    let mut noise = dialler.into_stateless_transport_mode().expect("finished");
    let mut says = Key::aes(&says);
    let mut theirs = vec![0; 5 + TAG];
    for number in [0, 1, 0x0102_0304, RECORDS_PER_KEY - 1] {
        noise.write_message(number, b"value", &mut theirs).expect("it fits");
        assert_eq!(sealed(&mut says, number, b"value"), theirs, "{number:#x}");
    }
    noise.rekey_outgoing();
    noise.write_message(RECORDS_PER_KEY, b"value", &mut theirs).expect("it fits");
    assert_eq!(sealed(&mut says, RECORDS_PER_KEY, b"value"), theirs, "after the first key");
}

#[test]
fn both_sides_change_keys_at_the_same_record() {
    let (dialler, accepter) = noise();
    let (mut says, _) = Key::pair(dialler, Cipher::AesGcm).expect("finished");
    let (_, mut hears) = Key::pair(accepter, Cipher::AesGcm).expect("finished");
    let mut first = hears.clone();
    for number in [RECORDS_PER_KEY - 1, RECORDS_PER_KEY, RECORDS_PER_KEY + 1, 2 * RECORDS_PER_KEY] {
        let record = sealed(&mut says, number, b"value");
        let mut out = BytesMut::new();
        hears.open(number, &record, &mut out).expect("genuine");
        assert_eq!(&out[..], b"value");
        // Under one key for all, the first of these numbers is the last that opens.
        let Key::AesGcm(first) = &mut first else { panic!("it is a key for AES") };
        let (ciphertext, tag) = record.split_at(record.len() - TAG);
        let opened = first.cipher.decrypt_inout_detached(
            &nonce(number),
            b"",
            ciphertext.to_vec().as_mut_slice().into(),
            &Tag::try_from(tag).expect("16 bytes"),
        );
        assert_eq!(opened.is_ok(), number < RECORDS_PER_KEY, "{number}");
    }
}

#[test]
fn there_are_no_keys_before_the_handshake_has_ended() {
    for cipher in [Cipher::ChaChaPoly, Cipher::AesGcm] {
        let begun = builder().build_initiator().expect("keys");
        assert!(Key::pair(begun, cipher).is_err());
    }
}
