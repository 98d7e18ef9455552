use super::*;

/// A bucket that was made and changed at these times.
fn fact(made: u64, n: u8, changed: u64, max_siblings: u32) -> BucketFact {
    let at = |bits| (Stamp::from_bits(bits), NodeId::new(1));
    BucketFact {
        fixed: FixedProperties { n, conflicts: ConflictRule::Siblings },
        made: at(made),
        mutable: MutableProperties { max_siblings, ..MutableProperties::default() },
        changed: at(changed),
    }
}

#[test]
fn the_earliest_making_and_the_latest_change_hold_in_whatever_order_they_come() {
    let (first, second) = (fact(1, 3, 1, 100), fact(2, 5, 7, 9));
    let both = fact(1, 3, 7, 9);
    for (mut known, told) in [(first, second), (second, first)] {
        assert!(known.merge(&told), "it is news");
        assert_eq!(known, both);
        assert!(!known.merge(&told), "it is none any more");
    }
}
