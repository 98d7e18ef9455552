use proptest::prelude::*;

use super::*;

fn vector() -> impl Strategy<Value = VersionVector> {
    prop::collection::vec((0_u64..6, 0_u64..5), 0..8).prop_map(|entries| {
        VersionVector::from_entries(entries.into_iter().map(|(a, c)| (ActorId::new(a), c)))
    })
}

fn joined(a: &VersionVector, b: &VersionVector) -> VersionVector {
    let mut joined = a.clone();
    joined.join(b);
    joined
}

proptest! {
    #[test]
    fn join_is_commutative_associative_and_idempotent(a in vector(), b in vector(), c in vector()) {
        prop_assert_eq!(joined(&a, &b), joined(&b, &a));
        prop_assert_eq!(joined(&joined(&a, &b), &c), joined(&a, &joined(&b, &c)));
        prop_assert_eq!(joined(&a, &a), a);
    }

    #[test]
    fn a_join_covers_exactly_what_either_side_covers(
        a in vector(), b in vector(), actor in 0_u64..6, counter in 1_u64..6,
    ) {
        let dot = Dot { actor: ActorId::new(actor), counter };
        prop_assert_eq!(joined(&a, &b).covers(dot), a.covers(dot) || b.covers(dot));
    }

    #[test]
    fn entries_are_sorted_and_never_zero(a in vector()) {
        prop_assert!(a.entries().is_sorted_by(|x, y| x.0 < y.0));
        prop_assert!(a.entries().iter().all(|entry| entry.1 > 0));
        prop_assert_eq!(VersionVector::from_sorted(a.entries().to_vec()), a);
    }
}

#[test]
fn a_vector_from_entries_has_them_all_and_of_two_the_higher() {
    let [one, two] = [1, 2].map(ActorId::new);
    let vector = VersionVector::from_entries([(two, 5), (one, 3), (two, 4), (one, 7)]);
    assert_eq!(vector.entries(), [(one, 7), (two, 5)]);
    assert!(!vector.is_empty());
    assert!(VersionVector::from_entries([(one, 0)]).is_empty());
}
