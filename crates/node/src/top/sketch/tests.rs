use std::collections::BTreeMap;

use bytes::Bytes;
use stator_core::object::{BucketName, Key, ObjectKey};

use super::*;

fn key(number: u64) -> ObjectKey {
    let bucket = BucketName::new(Bytes::from_static(b"b")).expect("a name");
    ObjectKey::new(bucket, Key::new(number.to_string().into()).expect("a name"))
}

fn add(sketch: &mut Sketch, number: u64, weight: u64) {
    sketch.add(&mut Seen { key: &key(number), name: None }, weight);
}

fn see(largest: &mut Largest, number: u64, figure: u64) {
    largest.see(&mut Seen { key: &key(number), name: None }, figure);
}

/// Numbers from 0, small ones far more often: a few keys are busy and very many are not.
fn skewed(seed: u64, count: u64) -> Vec<u64> {
    let mut state = seed;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    (0..count).map(|_| (1 << (next() % 14)) + next() % (1 << (next() % 14))).collect()
}

fn told(counted: Vec<Counted>) -> BTreeMap<Bytes, (u64, u64)> {
    counted.into_iter().map(|it| (it.name.key.clone(), (it.count, it.error))).collect()
}

fn check(counted: Vec<Counted>, truth: &BTreeMap<u64, u64>) {
    let total: u64 = truth.values().sum();
    let told = told(counted);
    for (number, &count) in truth {
        let name = Bytes::from(number.to_string());
        let Some(&(told, error)) = told.get(&name) else {
            assert!(
                count <= total / PLACES as u64,
                "{number} was counted {count} times of {total}"
            );
            continue;
        };
        assert!(told >= count && told - error <= count, "{number}: {told} - {error}, not {count}");
    }
}

#[test]
fn a_count_is_never_too_low_and_too_high_by_its_error_at_most() {
    for seed in 0..20 {
        let mut sketch = Sketch::default();
        let mut truth: BTreeMap<u64, u64> = BTreeMap::new();
        for (place, number) in skewed(seed, 20_000).into_iter().enumerate() {
            let weight = place as u64 % 3 + 1;
            add(&mut sketch, number, weight);
            *truth.entry(number).or_default() += weight;
        }
        assert!(truth.len() > 10 * PLACES, "the list is far too short for all of them");
        assert_eq!(sketch.keys.len(), PLACES);
        assert_eq!(sketch.places.len(), PLACES);
        check(sketch.and(&Sketch::default()), &truth);
    }
}

#[test]
fn two_lists_together_keep_the_same_promise() {
    for seed in 0..20 {
        let (mut first, mut second) = (Sketch::default(), Sketch::default());
        let mut truth: BTreeMap<u64, u64> = BTreeMap::new();
        for number in skewed(seed, 10_000) {
            add(&mut first, number, 1);
            *truth.entry(number).or_default() += 1;
        }
        for number in skewed(seed + 100, 10_000) {
            add(&mut second, number + 7, 1);
            *truth.entry(number + 7).or_default() += 1;
        }
        let told = told(first.and(&second));
        for (number, &count) in &truth {
            let Some(&(told, error)) = told.get(&Bytes::from(number.to_string())) else { continue };
            assert!(told >= count && told - error <= count, "{number}: {told} - {error}");
        }
        assert!(told.len() > PLACES);
    }
}

#[test]
fn the_largest_figures_stay_and_what_was_resolved_goes() {
    let mut largest = Largest::default();
    for number in 0..1000 {
        see(&mut largest, number, 2 + number % 500);
    }
    assert_eq!(largest.seen.len(), PLACES);
    let told = told(largest.and(&Largest::default()));
    for number in [499_u64, 999, 450, 950] {
        assert_eq!(told.get(&Bytes::from(number.to_string())), Some(&(2 + number % 500, 0)));
    }
    see(&mut largest, 999, 1);
    see(&mut largest, 499, 3);
    let told = self::told(largest.and(&Largest::default()));
    assert_eq!(told.get(&b"999"[..]), None);
    assert_eq!(told.get(&b"499"[..]), Some(&(3, 0)));
}

#[test]
fn what_was_seen_last_holds() {
    let (mut now, mut before) = (Largest::default(), Largest::default());
    see(&mut before, 1, 9);
    see(&mut before, 2, 5);
    see(&mut now, 1, 3);
    let told = told(now.and(&before));
    assert_eq!(told.get(&b"1"[..]), Some(&(3, 0)));
    assert_eq!(told.get(&b"2"[..]), Some(&(5, 0)));
}
