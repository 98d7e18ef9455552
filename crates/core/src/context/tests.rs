use proptest::prelude::*;

use super::*;
use crate::identity::{ActorId, ClusterId};
use crate::object::{BucketName, Key, ObjectKey};

const CLUSTER: ClusterId = ClusterId::new(7);

fn sealer(secret: &str) -> Sealer {
    Sealer::new(ContextKey::derive(secret.as_bytes(), CLUSTER), Vec::new())
}

fn object(bucket: &'static str, key: &'static str) -> ObjectKey {
    ObjectKey::new(
        BucketName::new(bucket.into()).expect("a bucket"),
        Key::new(key.into()).expect("a key"),
    )
}

fn context() -> impl Strategy<Value = Context> {
    let entries = prop::collection::vec((any::<u64>(), 1..u64::MAX), 0..10);
    let dots = prop::collection::btree_set((any::<u64>(), 1..u64::MAX), 0..=Context::MAX_DOTS);
    (entries, dots, any::<u64>()).prop_map(|(entries, dots, stamp)| Context {
        vector: VersionVector::from_entries(
            entries.into_iter().map(|(actor, counter)| (ActorId::new(actor), counter)),
        ),
        dots: dots
            .into_iter()
            .map(|(actor, counter)| Dot { actor: ActorId::new(actor), counter })
            .collect(),
        stamp: Stamp::from_bits(stamp),
    })
}

proptest! {
    #[test]
    fn what_is_sealed_opens_for_its_object_alone(context in context()) {
        let sealer = sealer("s");
        let sealed = sealer.seal(&object("carts", "alice"), &context);
        prop_assert_eq!(sealer.open(&object("carts", "alice"), &sealed), Ok(context));
        for other in [object("carts", "bob"), object("cart", "salice"), object("carts", "alic")] {
            prop_assert_eq!(sealer.open(&other, &sealed), Err(ContextError::Forged));
        }
    }

    /// The trap "forged or replayed context": not one bit of it can be changed.
    #[test]
    fn a_changed_context_is_refused(
        context in context(), at in any::<prop::sample::Index>(), bits in 1_u8..,
    ) {
        let sealer = sealer("s");
        let key = object("carts", "alice");
        let SealedContext(sealed) = sealer.seal(&key, &context);
        let mut forged = sealed.to_vec();
        let at = at.index(forged.len());
        forged[at] ^= bits;
        prop_assert!(sealer.open(&key, &SealedContext(forged.into())).is_err());
        let cut = SealedContext(sealed.slice(..at));
        prop_assert!(sealer.open(&key, &cut).is_err());
    }

    #[test]
    fn arbitrary_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let sealed = SealedContext(bytes.into());
        prop_assert!(sealer("s").open(&object("b", "k"), &sealed).is_err());
    }
}

#[test]
fn another_cluster_or_secret_is_told_apart_from_a_forgery() {
    let key = object("carts", "alice");
    let sealed = sealer("s").seal(&key, &Context::default());
    let other_cluster = ContextKey::derive(b"s", ClusterId::new(8));
    let opened = Sealer::new(other_cluster, Vec::new()).open(&key, &sealed);
    assert_eq!(opened, Err(ContextError::UnknownKey));
    assert_eq!(sealer("other").open(&key, &sealed), Err(ContextError::UnknownKey));
}

/// Key rotation without downtime: the new key seals, the old one still opens.
#[test]
fn a_rotated_secret_still_opens_what_it_sealed() {
    let key = object("carts", "alice");
    let before = sealer("old").seal(&key, &Context::default());
    let rotated =
        Sealer::new(ContextKey::derive(b"new", CLUSTER), vec![ContextKey::derive(b"old", CLUSTER)]);
    assert_eq!(rotated.open(&key, &before), Ok(Context::default()));
    let after = rotated.seal(&key, &Context::default());
    assert_eq!(sealer("new").open(&key, &after), Ok(Context::default()));
    assert!(sealer("old").open(&key, &after).is_err());
}

#[test]
fn a_format_of_the_future_says_so() {
    let key = object("carts", "alice");
    let SealedContext(sealed) = sealer("s").seal(&key, &Context::default());
    let mut future = sealed.to_vec();
    future[0] = 9;
    let opened = sealer("s").open(&key, &SealedContext(future.into()));
    assert_eq!(opened, Err(ContextError::UnknownFormat));
}

#[test]
fn who_has_seen_less_is_told_from_who_has_seen_as_much() {
    let dot = |counter| Dot { actor: ActorId::new(1), counter };
    let seen = |counter, dots: &[u64]| Context {
        vector: VersionVector::from_entries((counter > 0).then_some((ActorId::new(1), counter))),
        dots: dots.iter().map(|&counter| dot(counter)).collect(),
        stamp: Stamp::default(),
    };
    let nothing = Context::default();
    for other in [&nothing, &seen(3, &[]), &seen(5, &[]), &seen(2, &[4, 5])] {
        assert!(seen(5, &[]).includes(other), "{other:?}");
    }
    for other in [&seen(6, &[]), &seen(3, &[7])] {
        assert!(!seen(5, &[]).includes(other), "{other:?}");
    }
    assert!(!nothing.includes(&seen(1, &[])));
    // The dot 5 alone does not say that 1 to 4 were seen.
    assert!(!seen(0, &[5]).includes(&seen(5, &[])));
    assert!(seen(0, &[5]).includes(&seen(0, &[5])));
    let other_actor = Context {
        vector: VersionVector::from_entries([(ActorId::new(2), 1)]),
        ..Context::default()
    };
    assert!(!seen(5, &[]).includes(&other_actor));
}

proptest! {
    #[test]
    fn whoever_joins_two_contexts_has_seen_both(one in context(), other in context()) {
        let mut both = one.clone();
        both.vector.join(&other.vector);
        both.dots = one.dots.iter().chain(&other.dots).copied().collect();
        both.dots.sort_unstable();
        both.dots.dedup();
        prop_assert!(both.includes(&one) && both.includes(&other) && both.includes(&both));
        prop_assert_eq!(one.includes(&both), both.vector == one.vector
            && other.dots.iter().all(|dot| one.covers(*dot)));
    }
}

#[test]
fn single_dots_are_bounded_and_the_newest_stays() {
    let key = ActorId::new(1);
    let beside = ObjectState::default();
    let mut context = Context::default();
    for counter in 1..=40 {
        context = context.after_put(Dot { actor: key, counter }, &beside);
        assert!(context.dots.len() <= Context::MAX_DOTS);
        assert!(context.covers(Dot { actor: key, counter }));
        assert!(context.dots.is_sorted());
    }
}
