use md5::{Digest, Md5};
use proptest::prelude::*;

use super::*;
use crate::object::{BucketName, Key};

/// RFC 1321, appendix A.5.
#[test]
fn md5_agrees_with_the_test_suite_of_rfc_1321() {
    let suite: [(&str, &str); 7] = [
        ("", "d41d8cd98f00b204e9800998ecf8427e"),
        ("a", "0cc175b9c0f1b6a831c399e269772661"),
        ("abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
        ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
        (
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            "d174ab98d277d9f5a5611c2c9f419d9f",
        ),
        (
            "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
            "57edf4a22be3c955ac49da2e2107b67a",
        ),
    ];
    for (text, hex) in suite {
        let token = Token(u128::from_be_bytes(Md5::digest(text).into()));
        assert_eq!(token.to_string(), hex);
    }
}

#[test]
fn the_token_is_the_md5_of_bucket_slash_key() {
    let key = ObjectKey::new(
        BucketName::new("carts".into()).expect("a valid bucket"),
        Key::new("alice".into()).expect("a valid key"),
    );
    // printf carts/alice | md5sum
    let expected = u128::from_be_bytes(Md5::digest("carts/alice").into());
    assert_eq!(Token::of(&key).get(), expected);
}

proptest! {
    #[test]
    fn every_token_falls_into_the_partition_whose_range_holds_it(bits in any::<u128>(), power in 0_u32..=20) {
        let count = PartitionCount::new(1 << power).expect("a power of two");
        let partition = count.partition_of(Token(bits));
        let (first, last) = count.range_of(partition);
        prop_assert!(first.get() <= bits && bits <= last.get());
        prop_assert!(partition.get() < count.get());
    }

    #[test]
    fn only_powers_of_two_are_partition_counts(count in any::<u32>()) {
        let valid = count.is_power_of_two() && count <= PartitionCount::MAX;
        prop_assert_eq!(PartitionCount::new(count).is_ok(), valid);
    }
}
