use super::*;
use crate::object::{BucketName, Key};
use bytes::Bytes;
use proptest::prelude::*;

fn object(name: u16) -> ObjectKey {
    let bucket = BucketName::new(Bytes::from_static(b"carts")).expect("a name");
    ObjectKey::new(bucket, Key::new(Bytes::from(name.to_string())).expect("a name"))
}

fn sum(name: u16, version: u8) -> TreeSum {
    TreeSum::of(&object(name), ObjectDigest::new([version; 16]))
}

fn partitions() -> impl Strategy<Value = PartitionCount> {
    (0_u32..=20).prop_map(|bits| PartitionCount::new(1 << bits).expect("a power of two"))
}

proptest! {
    #[test]
    fn a_tree_says_what_is_there_in_whatever_order_it_came(
        mut objects in proptest::collection::vec((0_u16..500, 0_u8..4), 0..40),
        swaps in proptest::collection::vec((0_usize..40, 0_usize..40), 0..40),
        gone in 500_u16..600,
    ) {
        let q = PartitionCount::new(1).expect("a power of two");
        let add = |tree: &mut Tree, name: u16, version: u8| {
            let leaf = LeafIndex::of(q, object(name).token());
            tree.replace(leaf, TreeSum::default(), sum(name, version));
        };
        let mut tree = Tree::empty();
        for &(name, version) in &objects {
            add(&mut tree, name, version);
        }
        for (a, b) in swaps {
            if a < objects.len() && b < objects.len() {
                objects.swap(a, b);
            }
        }
        let mut other = Tree::empty();
        add(&mut other, gone, 9);
        for &(name, version) in &objects {
            add(&mut other, name, version);
        }
        prop_assert_ne!(tree.root(), other.root());
        other.replace(LeafIndex::of(q, object(gone).token()), sum(gone, 9), TreeSum::default());
        prop_assert_eq!(tree.root(), other.root());
        prop_assert_eq!(tree.branches(), other.branches());
        let of_branches = other.branches().into_iter().fold(TreeSum::default(), TreeSum::plus);
        prop_assert_eq!(of_branches, other.root());
    }

    #[test]
    fn a_leaf_holds_exactly_the_tokens_of_its_range(q in partitions(), token: u128) {
        let token = Token::new(token);
        let leaf = LeafIndex::of(q, token);
        let (first, last) = q.range_of(q.partition_of(token));
        let (from, to) = leaf.range(q, first);
        prop_assert!(from <= token && token <= to);
        prop_assert_eq!(LeafIndex::of(q, from), leaf);
        prop_assert_eq!(LeafIndex::of(q, to), leaf);
        if to < last {
            let next = LeafIndex::of(q, Token::new(to.get() + 1));
            prop_assert_eq!(next.get(), leaf.get() + 1);
        } else {
            prop_assert_eq!(usize::from(leaf.get()), LEAVES - 1);
        }
    }
}

#[test]
fn a_branch_set_keeps_what_was_put_in() {
    let mut set = BranchSet::default();
    assert!(set.is_empty());
    set.insert(63);
    set.insert(0);
    set.insert(17);
    assert_eq!(set.iter().collect::<Vec<_>>(), [0, 17, 63]);
    assert!(!set.is_empty());
}

#[test]
fn the_same_state_under_another_key_adds_something_else() {
    assert_ne!(sum(1, 0), sum(2, 0));
    assert_ne!(sum(1, 0), sum(1, 1));
    assert_eq!(sum(1, 0), sum(1, 0));
}
