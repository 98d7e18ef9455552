//! Random operations on every engine at once, beside a plain ordered map.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, proptest};
use proptest::{prop_oneof, sample};
use stator_core::store::{Batch, KeyRange, Keyspace, Store, WriteOp};

use crate::engines::{on_each, pair};

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<Vec<WriteOp>>),
    Sync,
    Drop(Keyspace, KeyRange),
    Get(Keyspace, Bytes),
    Scan(Keyspace, KeyRange, usize),
    Reopen,
}

type Model = BTreeMap<(Keyspace, Bytes), Bytes>;

/// Few, short keys, so that operations meet.
fn key() -> impl Strategy<Value = Bytes> {
    let byte = sample::select(vec![0x00_u8, 0x01, 0x61, 0xfe, 0xff]);
    vec(byte, 1..4).prop_map(Bytes::from)
}

fn keyspace() -> impl Strategy<Value = Keyspace> {
    sample::select(Keyspace::ALL.to_vec())
}

/// Values on both sides of the size from which they go to the value log.
fn value() -> impl Strategy<Value = Bytes> {
    let length = prop_oneof![0..40_usize, 1000..1100_usize];
    (any::<u8>(), length).prop_map(|(byte, length)| Bytes::from(vec![byte; length]))
}

fn range() -> impl Strategy<Value = KeyRange> {
    let bound = || prop_oneof![Just(Bytes::new()), key()];
    (bound(), bound()).prop_map(|(from, to)| KeyRange { from, to })
}

fn op() -> impl Strategy<Value = WriteOp> {
    prop_oneof![
        3 => (keyspace(), key(), value())
            .prop_map(|(keyspace, key, value)| WriteOp::Put { keyspace, key, value }),
        1 => (keyspace(), key()).prop_map(|(keyspace, key)| WriteOp::Delete { keyspace, key }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => vec(vec(op(), 0..5), 0..4).prop_map(Step::Write),
        2 => Just(Step::Sync),
        1 => (keyspace(), range()).prop_map(|(keyspace, range)| Step::Drop(keyspace, range)),
        4 => (keyspace(), key()).prop_map(|(keyspace, key)| Step::Get(keyspace, key)),
        4 => (keyspace(), range(), 0..20_usize)
            .prop_map(|(keyspace, range, limit)| Step::Scan(keyspace, range, limit)),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn engines_behave_as_an_ordered_map(steps in vec(step(), 1..60)) {
        on_each(|engine| {
            let mut model = Model::new();
            let mut store = Some(engine.open());
            for step in &steps {
                if matches!(step, Step::Reopen) {
                    drop(store.take());
                    store = Some(engine.open());
                }
                let store = store.as_deref().expect("opened again");
                follow(step, store, &mut model);
            }
        });
    }
}

/// Does one step on the store and on the model and compares what they say.
fn follow(step: &Step, store: &dyn Store, model: &mut Model) {
    match step {
        Step::Write(batches) => {
            batches.iter().flatten().for_each(|op| apply(op, model));
            store.write(batches.iter().map(|ops| batch(ops)).collect()).expect("written");
        }
        Step::Sync => store.sync().expect("synced"),
        Step::Drop(keyspace, range) => {
            model.retain(|(space, key), _| space != keyspace || !range.contains(key));
            store.drop_range(*keyspace, range).expect("dropped");
        }
        Step::Get(keyspace, key) => {
            let found = store.get(*keyspace, key).expect("readable");
            assert_eq!(found.as_ref(), model.get(&(*keyspace, key.clone())));
        }
        Step::Scan(keyspace, range, limit) => check_scan(store, model, *keyspace, range, *limit),
        Step::Reopen => {
            let all = KeyRange { from: Bytes::new(), to: Bytes::new() };
            for keyspace in Keyspace::ALL {
                check_scan(store, model, keyspace, &all, usize::MAX);
            }
        }
    }
}

fn apply(op: &WriteOp, model: &mut Model) {
    match op.clone() {
        WriteOp::Put { keyspace, key, value } => model.insert((keyspace, key), value),
        WriteOp::Delete { keyspace, key } => model.remove(&(keyspace, key)),
    };
}

fn batch(ops: &[WriteOp]) -> Batch {
    let mut batch = Batch::new();
    for op in ops.iter().cloned() {
        match op {
            WriteOp::Put { keyspace, key, value } => batch.put(keyspace, key, value),
            WriteOp::Delete { keyspace, key } => batch.delete(keyspace, key),
        }
    }
    batch
}

fn check_scan(
    store: &dyn Store,
    model: &Model,
    keyspace: Keyspace,
    range: &KeyRange,
    limit: usize,
) {
    let found = store.scan(keyspace, range, limit).expect("scanned");
    let found: Vec<_> = found.into_iter().map(pair).collect();
    let held = model.iter().filter(|((space, key), _)| *space == keyspace && range.contains(key));
    let expected: Vec<_> =
        held.take(limit).map(|((_, key), value)| (key.clone(), value.clone())).collect();
    assert_eq!(found, expected);
}
