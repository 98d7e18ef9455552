use proptest::collection::vec;
use proptest::prelude::{any, prop_assert_eq, proptest};
use proptest::sample::Index;

use super::*;

fn stream(payloads: &[Vec<u8>]) -> BytesMut {
    let mut out = BytesMut::new();
    for payload in payloads {
        append_frame(&mut out, |out| out.extend_from_slice(payload)).unwrap();
    }
    out
}

fn drain(reader: &mut FrameReader) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| reader.next_frame().unwrap()).map(|frame| frame.to_vec()).collect()
}

proptest! {
    #[test]
    fn frames_come_back_however_the_stream_is_cut(
        payloads in vec(vec(any::<u8>(), 0..50), 0..8),
        cuts in vec(any::<Index>(), 0..8),
    ) {
        let stream = stream(&payloads);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let mut reader = FrameReader::new();
        let mut read = Vec::new();
        for piece in cuts.windows(2) {
            reader.input().extend_from_slice(&stream[piece[0]..piece[1]]);
            read.extend(drain(&mut reader));
        }
        prop_assert_eq!(read, payloads);
        prop_assert_eq!(reader.pending(), 0);
    }
}

#[test]
fn a_frame_is_given_once_its_last_byte_is_there_and_no_sooner() {
    let stream = stream(&[b"hello".to_vec()]);
    let mut reader = FrameReader::new();
    for (at, byte) in stream.iter().enumerate() {
        assert_eq!(reader.next_frame(), Ok(None), "after {at} bytes");
        assert_eq!(reader.pending(), at);
        reader.input().extend_from_slice(&[*byte]);
    }
    assert_eq!(reader.next_frame(), Ok(Some(Bytes::from_static(b"hello"))));
}

#[test]
fn an_oversized_length_is_an_error_at_once_and_stays_one() {
    let mut reader = FrameReader::new();
    let len = MAX_FRAME as u32 + 1;
    reader.input().extend_from_slice(&len.to_le_bytes());
    assert_eq!(reader.next_frame(), Err(FrameError::Oversized { len, most: MAX_FRAME }));
    reader.input().extend_from_slice(&stream(&[b"more".to_vec()]));
    assert_eq!(reader.next_frame(), Err(FrameError::Oversized { len, most: MAX_FRAME }));
}

#[test]
fn a_reader_may_take_less_than_the_longest_frame() {
    let mut reader = FrameReader::within(5);
    assert_eq!(reader.announced(), None);
    reader.input().extend_from_slice(&stream(&[b"hello".to_vec(), b"hello!".to_vec()]));
    assert_eq!(reader.announced(), Some(HEADER + 5));
    assert_eq!(drain_one(&mut reader), b"hello");
    assert_eq!(reader.announced(), Some(HEADER + 6));
    assert_eq!(reader.next_frame(), Err(FrameError::Oversized { len: 6, most: 5 }));
}

fn drain_one(reader: &mut FrameReader) -> Vec<u8> {
    reader.next_frame().unwrap().expect("a whole frame").to_vec()
}

#[test]
fn a_declared_length_reserves_nothing() {
    let mut reader = FrameReader::new();
    reader.input().extend_from_slice(&(MAX_FRAME as u32).to_le_bytes());
    reader.input().extend_from_slice(b"a little");
    assert_eq!(reader.next_frame(), Ok(None));
    assert!(reader.input().capacity() < 1024, "{} bytes", reader.input().capacity());
}

#[test]
fn a_payload_is_not_copied() {
    let mut reader = FrameReader::new();
    reader.input().extend_from_slice(&stream(&[vec![1; 1000], vec![2; 1000]]));
    let buffer = reader.input().as_ptr_range();
    for _ in 0..2 {
        let payload = reader.next_frame().unwrap().unwrap();
        assert!(buffer.contains(&payload.as_ptr()));
    }
}

#[test]
fn the_longest_frame_fits_and_one_byte_more_leaves_nothing_behind() {
    let mut out = BytesMut::from(&b"before"[..]);
    let too_long = append_frame(&mut out, |out| out.resize(out.len() + MAX_FRAME + 1, 0));
    assert_eq!(too_long, Err(FrameError::TooLong { len: MAX_FRAME + 1 }));
    assert_eq!(&out[..], b"before");
    out.clear();
    append_frame(&mut out, |out| out.resize(out.len() + MAX_FRAME, 0)).unwrap();
    let mut reader = FrameReader::new();
    *reader.input() = out;
    assert_eq!(reader.next_frame().unwrap().map(|frame| frame.len()), Some(MAX_FRAME));
}

fn piece(payload: &[u8], part: u32) -> Vec<u8> {
    [&(payload.len() as u32 | part).to_le_bytes(), payload].concat()
}

#[test]
fn pieces_become_one_message_and_whole_ones_come_in_between() {
    let mut reader = FrameReader::new().with_pieces(true);
    reader.input().extend_from_slice(&piece(b"large ", PIECE));
    assert_eq!(reader.next_frame(), Ok(None));
    assert_eq!(reader.pending(), 6, "a stream that ends here was cut off");
    reader.input().extend_from_slice(&stream(&[b"small".to_vec()]));
    reader.input().extend_from_slice(&piece(b"messages ", PIECE));
    reader.input().extend_from_slice(&piece(b"arrive", LAST_PIECE));
    assert_eq!(drain(&mut reader), [b"small".to_vec(), b"large messages arrive".to_vec()]);
    assert_eq!(reader.pending(), 0);
}

#[test]
fn pieces_are_bounded_together() {
    let mut reader = FrameReader::within(10).with_pieces(true);
    reader.input().extend_from_slice(&piece(b"123456", PIECE));
    reader.input().extend_from_slice(&stream(&[b"0123456789".to_vec()]));
    assert_eq!(drain_one(&mut reader), b"0123456789", "one between them is bounded by itself");
    reader.input().extend_from_slice(&piece(b"78901", LAST_PIECE));
    assert_eq!(reader.next_frame(), Err(FrameError::Oversized { len: 11, most: 10 }));
    assert_eq!(reader.next_frame(), Err(FrameError::Oversized { len: 11, most: 10 }));
}

#[test]
fn a_length_with_both_marks_is_no_length() {
    let mut reader = FrameReader::new().with_pieces(true);
    reader.input().extend_from_slice(&piece(b"", PIECE | LAST_PIECE));
    assert!(matches!(reader.next_frame(), Err(FrameError::Oversized { .. })));
}

/// A client's message takes its part of the memory by the length before it, which pieces would
/// hide.
#[test]
fn whoever_was_not_told_of_pieces_takes_none() {
    for part in [PIECE, LAST_PIECE] {
        let mut reader = FrameReader::new();
        reader.input().extend_from_slice(&piece(b"hello", part));
        assert!(matches!(reader.next_frame(), Err(FrameError::Oversized { .. })));
    }
}
