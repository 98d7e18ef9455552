//! What is done with one object of 1 KiB: encoding, merging, hashing, sealing its context.

use bytes::Bytes;
use divan::{Bencher, black_box};
use stator_core::context::{Context, ContextKey, SealedContext, Sealer};
use stator_core::identity::{ActorId, ClusterId};
use stator_core::message::EncodedState;
use stator_core::object::{
    ConflictRule, Content, DecodeError, Metadata, ObjectDigest, ObjectState, Sibling, Value,
};
use stator_core::time::{Stamp, WallTime};
use stator_core::version::Dot;

use crate::cluster::value;
use crate::placement::key;

/// A state that as many replicas have minted as there are, one value left.
pub(crate) fn state() -> ObjectState {
    let mut state = ObjectState::default();
    for actor in 1..=3 {
        write(&mut state, actor);
    }
    state
}

/// A write that has seen everything.
fn write(state: &mut ObjectState, actor: u64) {
    let actor = ActorId::new(actor);
    let content = Content::Value(Value { bytes: value(7), metadata: Metadata::default() });
    let sibling = Sibling {
        dot: Dot { actor, counter: state.vector().get(actor) + 1 },
        stamp: Stamp::at(WallTime::from_millis(1_790_000_000_000)),
        content,
    };
    state.write(ConflictRule::Siblings, &Context::of(state), sibling);
}

fn sealer() -> Sealer {
    Sealer::new(ContextKey::derive(b"secret", ClusterId::new(1)), Vec::new())
}

#[divan::bench]
fn encode(bencher: Bencher<'_, '_>) {
    let state = state();
    bencher.bench(|| EncodedState::of(black_box(&state)));
}

#[divan::bench]
fn decode(bencher: Bencher<'_, '_>) {
    let encoded = EncodedState::of(&state());
    bencher.bench(|| -> Result<ObjectState, DecodeError> { black_box(&encoded).decode() });
}

#[divan::bench]
fn digest(bencher: Bencher<'_, '_>) {
    let encoded = EncodedState::of(&state());
    bencher.bench(|| -> ObjectDigest { black_box(&encoded).digest() });
}

/// A replica has the state that the new one supersedes.
#[divan::bench]
fn merge_what_supersedes(bencher: Bencher<'_, '_>) {
    let before = state();
    let mut after = before.clone();
    write(&mut after, 1);
    bencher
        .with_inputs(|| (before.clone(), after.clone()))
        .bench_values(|(before, after)| before.merge(after));
}

/// Two replicas have minted at the same time.
#[divan::bench]
fn merge_siblings(bencher: Bencher<'_, '_>) {
    let (mut one, mut other) = (state(), state());
    write(&mut one, 1);
    write(&mut other, 2);
    bencher
        .with_inputs(|| (one.clone(), other.clone()))
        .bench_values(|(one, other)| one.merge(other));
}

#[divan::bench]
fn seal_context(bencher: Bencher<'_, '_>) {
    let (sealer, key, context) = (sealer(), key(1), Context::of(&state()));
    bencher.bench(|| -> SealedContext { sealer.seal(black_box(&key), black_box(&context)) });
}

#[divan::bench]
fn open_context(bencher: Bencher<'_, '_>) {
    let (sealer, key) = (sealer(), key(1));
    let sealed = sealer.seal(&key, &Context::of(&state()));
    bencher.bench(|| sealer.open(black_box(&key), black_box(&sealed)).expect("sealed here"));
}

/// What copying the value once would take.
#[divan::bench]
fn copy_value(bencher: Bencher<'_, '_>) {
    let value = value(7);
    bencher.bench(|| Bytes::copy_from_slice(black_box(&value)));
}
