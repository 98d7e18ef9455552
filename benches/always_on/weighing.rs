//! What replicas of the stored objects weigh: names and encoded states.

use std::collections::BTreeMap;

use stator_core::context;
use stator_core::identity::ActorId;
use stator_core::object::{
    BucketName, ConflictRule, Content, Key, Metadata, ObjectKey, ObjectState, Sibling, Value,
};
use stator_core::time::Stamp;
use stator_core::token::{PartitionCount, Token};
use stator_core::version::Dot;

use crate::Failed;
use crate::filling::BUCKET;
use crate::values::Values;

/// Objects, and their bytes in one replica of each.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weight {
    pub(crate) objects: u64,
    pub(crate) bytes: u64,
}

/// The weight of a replica of each partition of a ring of so many, once each key was written once.
pub(crate) fn by_partition(
    partitions: u64,
    keys: impl Iterator<Item = String>,
    values: Values,
) -> Result<BTreeMap<u32, Weight>, Failed> {
    let partitions = PartitionCount::new(partitions as u32)?;
    let state = encoded_bytes(values);
    let mut weights = BTreeMap::<u32, Weight>::new();
    for key in keys {
        let name = ObjectKey::new(
            BucketName::new(BUCKET.to_vec().into())?,
            Key::new(key.clone().into_bytes().into())?,
        );
        let weight = weights.entry(partitions.partition_of(Token::of(&name)).get()).or_default();
        weight.objects += 1;
        weight.bytes += (BUCKET.len() + key.len()) as u64 + state;
    }
    Ok(weights)
}

/// The sum over replicas of these partitions.
pub(crate) fn sum(
    weights: &BTreeMap<u32, Weight>,
    partitions: impl IntoIterator<Item = u32>,
) -> Weight {
    partitions.into_iter().filter_map(|partition| weights.get(&partition)).fold(
        Weight::default(),
        |sum, one| Weight { objects: sum.objects + one.objects, bytes: sum.bytes + one.bytes },
    )
}

/// Bytes of an object's state that was written once.
fn encoded_bytes(values: Values) -> u64 {
    let mut state = ObjectState::default();
    let dot = Dot { actor: ActorId::new(1), counter: 1 << 10 };
    let value = Value { bytes: values.of(0), metadata: Metadata::default() };
    let new = Sibling { dot, stamp: Stamp::default(), content: Content::Value(value) };
    state.write(ConflictRule::Siblings, &context::Context::default(), new);
    state.encode().len() as u64
}

/// For people.
pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{bytes} ({:.1} MiB)", bytes as f64 / f64::from(1 << 20))
}
