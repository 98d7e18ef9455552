use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::select;

use super::*;
use crate::cipher::Cipher;
use crate::frame::{FrameReader, MAX_FRAME};
use crate::handshake::tests::connected;
use crate::transport::Opener;

/// A queue, and who hears what it seals.
struct Link {
    queue: FrameQueue,
    sealer: Sealer,
    opener: Opener,
    reader: FrameReader,
}

impl Link {
    fn new(pieces: bool) -> Self {
        let (dialler, accepter) = connected(Cipher::AesGcm);
        let (sealer, opener) = (dialler.sealer, accepter.opener);
        let reader = FrameReader::new().with_pieces(pieces);
        Self { queue: FrameQueue::new(pieces), sealer, opener, reader }
    }

    fn push(&mut self, payload: &[u8]) {
        self.queue.push(|out| out.extend_from_slice(payload)).expect("it is not too long");
    }

    /// Seals once, and gives what has become whole at the other end.
    fn pass(&mut self) -> Vec<Vec<u8>> {
        let mut raw = BytesMut::new();
        self.queue.seal_next(&mut self.sealer, &mut raw).expect("numbers are left");
        self.opener.feed(&mut raw, self.reader.input()).expect("genuine");
        assert!(raw.is_empty());
        std::iter::from_fn(|| self.reader.next_frame().expect("frames"))
            .map(|message| message.to_vec())
            .collect()
    }

    fn pass_all(&mut self) -> Vec<Vec<u8>> {
        let mut arrived = Vec::new();
        while !self.queue.is_empty() {
            arrived.extend(self.pass());
        }
        arrived
    }
}

/// A message of this size whose bytes differ from those of its neighbours.
fn message(len: usize, mark: u8) -> Vec<u8> {
    (0..len).map(|at| (at >> 8) as u8 ^ at as u8 ^ mark).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn all_messages_arrive_whole_and_each_class_in_its_order(
        pieces in any::<bool>(),
        sizes in vec((select(&[0, MOST_OF_PIECE, LARGE, 5 * MOST_OF_PIECE][..]), 0..3_usize, 0..9_usize), 0..8),
    ) {
        let mut link = Link::new(pieces);
        let (mut sent, mut arrived) = (Vec::new(), Vec::new());
        for (mark, &(len, more, passes)) in sizes.iter().enumerate() {
            let payload = message(len + more, mark as u8);
            link.push(&payload);
            sent.push(payload);
            for _ in 0..passes {
                arrived.extend(link.pass());
            }
        }
        arrived.extend(link.pass_all());
        let class = |of: &[Vec<u8>], large: bool| -> Vec<Vec<u8>> {
            of.iter().filter(|message| (message.len() > LARGE) == large).cloned().collect()
        };
        prop_assert!(class(&arrived, false) == class(&sent, false));
        prop_assert!(class(&arrived, true) == class(&sent, true));
        if !pieces {
            prop_assert!(arrived == sent, "without pieces there is one order");
        }
        prop_assert_eq!(link.reader.pending(), 0);
    }
}

#[test]
fn a_small_message_waits_for_one_piece_at_most() {
    let mut link = Link::new(true);
    let large = message(5 * MOST_OF_PIECE, 1);
    link.push(&large);
    assert!(link.pass().is_empty(), "a piece");
    for small in [&b"one"[..], b"two"] {
        link.push(small);
    }
    assert_eq!(link.pass(), [b"one".to_vec(), b"two".to_vec()], "and a piece");
    for _ in 0..2 {
        assert!(link.pass().is_empty(), "a piece");
    }
    assert!(link.pass() == [large]);
    assert!(link.queue.is_empty());
}

#[test]
fn small_messages_that_never_end_do_not_keep_a_large_one_back() {
    let mut link = Link::new(true);
    let large = message(5 * MOST_OF_PIECE, 1);
    link.push(&large);
    for _ in 0..4 {
        link.push(b"small");
        assert_eq!(link.pass(), [b"small".to_vec()]);
    }
    link.push(b"small");
    assert!(link.pass() == [b"small".to_vec(), large]);
}

#[test]
fn what_waits_is_counted() {
    let mut link = Link::new(true);
    assert!(link.queue.is_empty());
    link.push(b"small");
    link.push(&message(LARGE + 1, 0));
    assert_eq!(link.queue.len(), HEADER + 5 + HEADER + LARGE + 1);
    link.pass();
    assert_eq!(link.queue.len(), HEADER + LARGE + 1 - MOST_OF_PIECE, "without a piece");
    link.pass_all();
    assert_eq!(link.queue.len(), 0);
}

#[test]
fn a_peer_of_before_gets_large_messages_whole() {
    let mut link = Link::new(false);
    let large = message(2 * LARGE, 9);
    link.push(&large);
    link.push(b"small");
    assert!(link.pass() == [large, b"small".to_vec()]);
}

#[test]
fn a_message_that_is_too_long_leaves_nothing_behind() {
    let mut link = Link::new(true);
    link.push(b"before");
    let refused = link.queue.push(|out| out.resize(out.len() + MAX_FRAME + 1, 0));
    assert_eq!(refused, Err(FrameError::TooLong { len: MAX_FRAME + 1 }));
    assert_eq!(link.pass_all(), [b"before".to_vec()]);
}

#[test]
fn an_empty_buffer_gives_back_what_only_a_burst_needed() {
    let mut link = Link::new(false);
    link.push(&vec![0; 2 * KEPT_CAPACITY]);
    link.pass_all();
    assert!(link.queue.whole.capacity() <= KEPT_CAPACITY);
}
