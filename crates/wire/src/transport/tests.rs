use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::{Index, select};

use super::*;
use crate::cipher::Cipher;
use crate::handshake::tests::connected;

const BOTH: [Cipher; 2] = [Cipher::ChaChaPoly, Cipher::AesGcm];

fn sealed(sealer: &mut Sealer, plaintext: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    sealer.seal(plaintext, &mut out).unwrap();
    out
}

fn opened(opener: &mut Opener, raw: &[u8]) -> Result<BytesMut, TransportError> {
    let mut out = BytesMut::new();
    opener.feed(&mut BytesMut::from(raw), &mut out)?;
    Ok(out)
}

proptest! {
    // Few cases: each makes keys, which takes long in a build without optimisation.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn plaintext_comes_back_however_the_stream_is_cut(
        cipher in select(&BOTH[..]),
        pieces in vec(vec(any::<u8>(), 0..300), 0..6),
        cuts in vec(any::<Index>(), 0..8),
    ) {
        let (mut dialler, mut accepter) = connected(cipher);
        let mut raw = BytesMut::new();
        for piece in &pieces {
            dialler.sealer.seal(piece, &mut raw).unwrap();
        }
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(raw.len() + 1)).collect();
        cuts.extend([0, raw.len()]);
        cuts.sort_unstable();
        let (mut input, mut out) = (BytesMut::new(), BytesMut::new());
        for cut in cuts.windows(2) {
            input.extend_from_slice(&raw[cut[0]..cut[1]]);
            accepter.opener.feed(&mut input, &mut out).unwrap();
        }
        prop_assert_eq!(&out[..], pieces.concat());
        prop_assert!(input.is_empty());
    }

    #[test]
    fn any_bytes_are_an_error_or_wait_for_more(
        cipher in select(&BOTH[..]),
        raw in vec(any::<u8>(), 0..400),
    ) {
        let (_, mut accepter) = connected(cipher);
        let mut out = BytesMut::new();
        let fed = accepter.opener.feed(&mut BytesMut::from(&raw[..]), &mut out);
        prop_assert!(out.is_empty());
        prop_assert!(!accepter.opener.has_opened());
        let declared = raw.first_chunk().map(|header| usize::from(u16::from_be_bytes(*header)));
        let whole = declared.is_some_and(|len| raw.len() >= HEADER + len);
        prop_assert_eq!(fed, if whole { Err(TransportError::Damaged) } else { Ok(()) });
    }
}

#[test]
fn both_directions_work_and_do_not_mix() {
    for cipher in BOTH {
        let (mut dialler, mut accepter) = connected(cipher);
        let there = sealed(&mut dialler.sealer, b"there");
        let back = sealed(&mut accepter.sealer, b"back");
        assert_ne!(there, back);
        assert_eq!(&opened(&mut accepter.opener, &there).unwrap()[..], b"there");
        assert_eq!(&opened(&mut dialler.opener, &back).unwrap()[..], b"back");
        let reflected = sealed(&mut dialler.sealer, b"x");
        assert_eq!(opened(&mut dialler.opener, &reflected), Err(TransportError::Damaged));
    }
}

#[test]
fn one_half_works_without_the_other_and_on_another_thread() {
    for cipher in BOTH {
        let (dialler, accepter) = connected(cipher);
        let Transport { mut sealer, opener } = dialler;
        drop(opener);
        let raw = std::thread::spawn(move || sealed(&mut sealer, b"hello")).join().unwrap();
        let Transport { sealer, mut opener } = accepter;
        drop(sealer);
        assert_eq!(&opened(&mut opener, &raw).unwrap()[..], b"hello");
    }
}

#[test]
fn large_payloads_are_cut_into_full_records() {
    for cipher in BOTH {
        let plaintext: Vec<u8> = (0..9 << 20).map(|at: u32| (at >> 3) as u8).collect();
        let (mut dialler, mut accepter) = connected(cipher);
        let mut raw = sealed(&mut dialler.sealer, &plaintext);
        let records = plaintext.len().div_ceil(MAX_PLAINTEXT);
        assert_eq!(raw.len(), plaintext.len() + records * (HEADER + TAG));
        assert_eq!(raw[..HEADER], u16::MAX.to_be_bytes());
        let mut out = BytesMut::new();
        accepter.opener.feed(&mut raw, &mut out).unwrap();
        assert!(out == plaintext, "the plaintext differs");
        assert!(raw.is_empty());
    }
}

#[test]
fn an_empty_record_proves_that_the_peer_is_alive() {
    for cipher in BOTH {
        let (mut dialler, mut accepter) = connected(cipher);
        assert!(!accepter.opener.has_opened());
        let raw = sealed(&mut dialler.sealer, b"");
        assert_eq!(raw.len(), HEADER + TAG);
        assert!(opened(&mut accepter.opener, &raw).unwrap().is_empty());
        assert!(accepter.opener.has_opened());
    }
}

#[test]
fn a_change_of_any_bit_is_found_and_ends_the_connection() {
    for cipher in BOTH {
        let (mut dialler, mut accepter) = connected(cipher);
        let raw = sealed(&mut dialler.sealer, b"a value");
        for bit in HEADER * 8..raw.len() * 8 {
            let mut tampered = raw.clone();
            tampered[bit / 8] ^= 1 << (bit % 8);
            let mut opener = Opener { key: accepter.opener.key.clone(), next: 0, broken: None };
            let mut out = BytesMut::new();
            let fed = opener.feed(&mut tampered, &mut out);
            assert_eq!(fed, Err(TransportError::Damaged), "bit {bit}");
            assert!(out.is_empty(), "bit {bit}");
            assert_eq!(opened(&mut opener, &raw), Err(TransportError::Damaged), "bit {bit}");
        }
        assert_eq!(&opened(&mut accepter.opener, &raw).unwrap()[..], b"a value");
    }
}

#[test]
fn records_that_are_lost_repeated_or_swapped_are_found() {
    for cipher in BOTH {
        let (mut dialler, mut accepter) = connected(cipher);
        let key = accepter.opener.key.clone();
        let fresh = || Opener { key: key.clone(), next: 0, broken: None };
        let (a, b) = (sealed(&mut dialler.sealer, b"a"), sealed(&mut dialler.sealer, b"b"));
        assert_eq!(opened(&mut fresh(), &b), Err(TransportError::Damaged));
        assert_eq!(opened(&mut fresh(), &[&a[..], &a].concat()), Err(TransportError::Damaged));
        assert_eq!(opened(&mut fresh(), &[&b[..], &a].concat()), Err(TransportError::Damaged));
        assert_eq!(&opened(&mut accepter.opener, &[&a[..], &b].concat()).unwrap()[..], b"ab");
    }
}

#[test]
fn what_came_before_a_damaged_record_is_kept() {
    for cipher in BOTH {
        let (mut dialler, mut accepter) = connected(cipher);
        let mut raw = sealed(&mut dialler.sealer, b"good");
        raw.extend_from_slice(&[0, 17]);
        raw.extend_from_slice(&[0; 17]);
        let mut out = BytesMut::new();
        assert_eq!(accepter.opener.feed(&mut raw, &mut out), Err(TransportError::Damaged));
        assert_eq!(&out[..], b"good");
    }
}

#[test]
fn a_record_too_short_for_its_tag_is_damaged() {
    for cipher in BOTH {
        let (_, mut accepter) = connected(cipher);
        assert_eq!(opened(&mut accepter.opener, &[0, 0]), Err(TransportError::Damaged));
    }
}

#[test]
fn numbers_run_out_rather_than_repeat() {
    for cipher in BOTH {
        let (mut dialler, mut accepter) = connected(cipher);
        dialler.sealer.next = u64::MAX - 1;
        accepter.opener.next = u64::MAX - 1;
        let last = sealed(&mut dialler.sealer, b"last");
        assert_eq!(&opened(&mut accepter.opener, &last).unwrap()[..], b"last");
        let mut out = BytesMut::new();
        assert_eq!(dialler.sealer.seal(b"more", &mut out), Err(TransportError::Exhausted));
        assert_eq!(dialler.sealer.seal(b"more", &mut out), Err(TransportError::Exhausted));
        assert_eq!(opened(&mut accepter.opener, &last), Err(TransportError::Exhausted));
    }
}

#[test]
fn a_frame_goes_through_frames_and_records() {
    use crate::frame::{FrameReader, append_frame};

    for cipher in BOTH {
        let (mut dialler, mut accepter) = connected(cipher);
        let payload = vec![5; 200_000];
        let (mut frames, mut raw) = (BytesMut::new(), BytesMut::new());
        append_frame(&mut frames, |out| out.extend_from_slice(&payload)).unwrap();
        dialler.sealer.seal(&frames, &mut raw).unwrap();
        let mut reader = FrameReader::new();
        accepter.opener.feed(&mut raw, reader.input()).unwrap();
        assert_eq!(reader.next_frame().unwrap().unwrap(), payload);
    }
}
