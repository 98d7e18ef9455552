use super::*;

fn sealed() -> Sealed {
    seal(Keyspace::Objects, b"key", b"a value")
}

#[test]
fn a_sealed_record_opens_to_its_value() {
    let Sealed { key, record } = sealed();
    assert_eq!(&key[..], b"key");
    assert_eq!(record.len(), CHECKSUM_LEN + 7);
    assert_eq!(&open(Keyspace::Objects, b"key", record).expect("intact")[..], b"a value");
}

#[test]
fn opening_does_not_copy() {
    let record = sealed().record;
    let value = open(Keyspace::Objects, b"key", record.clone()).expect("intact");
    assert_eq!(value.as_ptr(), record[CHECKSUM_LEN..].as_ptr());
}

#[test]
fn every_flipped_bit_is_caught() {
    let record = sealed().record;
    for bit in 0..record.len() * 8 {
        let mut damaged = record.to_vec();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let error = open(Keyspace::Objects, b"key", damaged.into()).expect_err("damaged");
        assert_eq!(
            error,
            StoreError::Corrupt { keyspace: Keyspace::Objects, key: "6b6579".into() }
        );
    }
}

#[test]
fn a_record_cut_short_is_caught() {
    let record = sealed().record;
    for length in 0..record.len() {
        assert!(open(Keyspace::Objects, b"key", record.slice(..length)).is_err(), "{length}");
    }
}

#[test]
fn a_record_under_another_key_or_keyspace_is_caught() {
    let record = sealed().record;
    assert!(open(Keyspace::Objects, b"kex", record.clone()).is_err());
    assert!(open(Keyspace::Hints, b"key", record).is_err());
}

#[test]
fn no_byte_moves_between_key_and_value() {
    let record = seal(Keyspace::Meta, b"ab", b"c").record;
    let moved = [&record[..CHECKSUM_LEN], b"bc"].concat();
    assert!(open(Keyspace::Meta, b"a", moved.into()).is_err());
}
