use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::hash_of;
use super::*;

/// Keys as they are stored: sixteen bytes of a token, and a name.
fn key(number: u16) -> Vec<u8> {
    let token = u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    [&token.to_be_bytes()[..], &number.to_be_bytes()[..], &vec![7; usize::from(number % 40)]]
        .concat()
}

fn header(number: u8) -> Header {
    Header { digest: ObjectDigest::new([number; 16]), len: u32::from(number) * 3 }
}

#[derive(Clone, Debug)]
enum Act {
    Insert { number: u16, bytes: usize },
    Get { number: u16 },
    Remove { number: u16 },
}

fn act() -> impl Strategy<Value = Act> {
    let number = || 0..60_u16;
    let bytes = prop_oneof![8 => 0..200_usize, 1 => 200..3_000_usize];
    prop_oneof![
        5 => (number(), bytes).prop_map(|(number, bytes)| Act::Insert { number, bytes }),
        5 => number().prop_map(|number| Act::Get { number }),
        1 => number().prop_map(|number| Act::Remove { number }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// What is found is what was last laid down, whatever went round in between; and it is never more
    /// than the memory given.
    #[test]
    fn what_is_found_is_what_was_laid_down_last(
        bytes in prop_oneof![Just(0_u64), 300..2_000_u64, 4_000..20_000_u64],
        acts in prop::collection::vec(act(), 0..800),
    ) {
        let mut log = CircularLog::within(bytes);
        let mut laid_down: BTreeMap<u16, (Header, Vec<u8>)> = BTreeMap::new();
        for (turn, act) in acts.into_iter().enumerate() {
            let mark = turn as u8;
            match act {
                Act::Insert { number, bytes } => {
                    let (key, kept) = (key(number), vec![mark; bytes]);
                    log.insert(hash_of(&key), &key, header(mark), &kept);
                    laid_down.insert(number, (header(mark), kept));
                }
                Act::Get { number } => {
                    let key = key(number);
                    if let Some((header, kept)) = log.get(hash_of(&key), &key) {
                        let (laid_down, bytes) = &laid_down[&number];
                        prop_assert_eq!((&header, kept), (laid_down, &bytes[..]));
                    }
                }
                Act::Remove { number } => {
                    let key = key(number);
                    log.remove(hash_of(&key), &key);
                    laid_down.remove(&number);
                }
            }
            prop_assert!(log.bytes.len() <= log.capacity && log.capacity as u64 <= bytes);
            prop_assert!(log.head <= log.oldest && log.oldest <= log.capacity);
        }
        for number in 0..60 {
            let key = key(number);
            let found = log.get(hash_of(&key), &key).map(|(header, kept)| (header, kept.to_vec()));
            prop_assert!(found.is_none() || found.as_ref() == laid_down.get(&number));
        }
    }
}

fn insert(log: &mut CircularLog, number: u16) {
    let key = key(number);
    log.insert(hash_of(&key), &key, header(1), &[7; 100]);
}

fn holds(log: &mut CircularLog, number: u16) -> bool {
    let key = key(number);
    log.get(hash_of(&key), &key).is_some()
}

#[test]
fn the_newest_rows_are_there_and_the_oldest_go() {
    let mut log = CircularLog::within(20_000);
    for number in 0..1_000 {
        insert(&mut log, number);
    }
    let there: Vec<u16> = (0..1_000).filter(|&number| holds(&mut log, number)).collect();
    assert_eq!(there, (1_000 - there.len() as u16..1_000).collect::<Vec<u16>>());
    assert!(there.len() > 90, "{} rows of some 190 bytes", there.len());
}

#[test]
fn a_row_that_is_asked_for_stays() {
    let mut log = CircularLog::within(20_000);
    for number in 0..1_000 {
        insert(&mut log, number);
        assert!(holds(&mut log, 0), "after {number} others");
    }
}

/// A row that grows and shrinks again takes room for itself alone.
#[test]
fn a_row_keeps_its_place_while_it_fits_there() {
    let mut log = CircularLog::within(20_000);
    let key = key(1);
    for bytes in [100, 90, 60, 100] {
        log.insert(hash_of(&key), &key, header(1), &vec![7; bytes]);
    }
    let one = log.head;
    log.insert(hash_of(&key), &key, header(1), &[7; 150]);
    assert!(log.head > one, "it does not fit");
    let two = log.head;
    log.insert(hash_of(&key), &key, header(1), &[7; 10]);
    assert!(log.head > two, "it would waste its place");
    assert_eq!(log.index.len(), 1);
}
