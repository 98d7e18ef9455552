//! Sealing and opening contexts.
//!
//! ```text
//! sealed  = format (1 byte, 1) key id (1 byte) payload mac (16 bytes)
//! payload = stamp: 8 bytes, version vector (as in an object's encoding),
//!           count, count × (actor: 8 bytes, counter)
//! mac     = BLAKE3 keyed, cut to 16 bytes, over bucket length, bucket, key length, key,
//!           format, key id and payload
//! ```

use bytes::{BufMut, Bytes, BytesMut};

use super::{Context, ContextError, SealedContext};
use crate::identity::{ActorId, ClusterId};
use crate::object::ObjectKey;
use crate::object::codec::{Reader, put_number, put_vector};
use crate::time::Stamp;
use crate::version::Dot;

const FORMAT: u8 = 1;
const HEADER: usize = 2;
const MAC: usize = 16;

/// A key that seals contexts, derived from the cluster's secret and its id.
#[derive(Clone)]
pub struct ContextKey {
    id: u8,
    key: [u8; 32],
}

impl std::fmt::Debug for ContextKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ContextKey({:02x})", self.id)
    }
}

impl ContextKey {
    /// The key of a cluster and one of its secrets. Nodes of one cluster derive the same; two
    /// clusters never do, even where both have no secret.
    pub fn derive(secret: &[u8], cluster: ClusterId) -> Self {
        let mut material = Vec::with_capacity(secret.len() + 16);
        material.extend_from_slice(&cluster.get().to_be_bytes());
        material.extend_from_slice(secret);
        let key = blake3::derive_key("stator 2026-11-24 sealed context", &material);
        let id = blake3::derive_key("stator 2026-11-24 sealed context key id", &key)[0];
        Self { id, key }
    }
}

/// Seals with its first key and opens with any: a secret is rotated by putting the new one first
/// and dropping the old one when no client can hold its contexts any more.
#[derive(Clone, Debug)]
pub struct Sealer {
    current: ContextKey,
    older: Vec<ContextKey>,
}

impl Sealer {
    /// A sealer with one current key and any number of older ones.
    pub fn new(current: ContextKey, older: Vec<ContextKey>) -> Self {
        Self { current, older }
    }

    /// Seals a context for one object.
    pub fn seal(&self, key: &ObjectKey, context: &Context) -> SealedContext {
        let mut out = BytesMut::with_capacity(HEADER + 16 + context.vector.len() * 12 + MAC);
        out.put_u8(FORMAT);
        out.put_u8(self.current.id);
        out.put_u64(context.stamp.to_bits());
        put_vector(&mut out, &context.vector);
        put_number(&mut out, context.dots.len() as u64);
        for dot in &context.dots {
            out.put_u64(dot.actor.get());
            put_number(&mut out, dot.counter);
        }
        let mac = mac(&self.current, key, &out);
        out.put_slice(mac.as_bytes().split_at(MAC).0);
        SealedContext(out.freeze())
    }

    /// Opens a context that was sealed for this object.
    pub fn open(&self, key: &ObjectKey, sealed: &SealedContext) -> Result<Context, ContextError> {
        let SealedContext(bytes) = sealed;
        if bytes.len() < HEADER + MAC {
            return Err(ContextError::Malformed);
        }
        if bytes[0] != FORMAT {
            return Err(ContextError::UnknownFormat);
        }
        let (signed, theirs) = bytes.split_at(bytes.len() - MAC);
        let mut candidates = std::iter::once(&self.current)
            .chain(&self.older)
            .filter(|candidate| candidate.id == bytes[1])
            .peekable();
        if candidates.peek().is_none() {
            return Err(ContextError::UnknownKey);
        }
        if !candidates.any(|candidate| same(theirs, &mac(candidate, key, signed).as_bytes()[..MAC]))
        {
            return Err(ContextError::Forged);
        }
        let payload = bytes.slice(HEADER..bytes.len() - MAC);
        parse(payload).ok_or(ContextError::Malformed)
    }
}

fn parse(payload: Bytes) -> Option<Context> {
    let mut reader = Reader::new(payload);
    let stamp = Stamp::from_bits(reader.fixed().ok()?);
    let vector = reader.vector().ok()?;
    let count = reader.number().ok()?;
    let mut dots = Vec::new();
    for _ in 0..count.min(Context::MAX_DOTS as u64 + 1) {
        let actor = ActorId::new(reader.fixed().ok()?);
        dots.push(Dot { actor, counter: reader.number().ok()? });
    }
    reader.end().ok()?;
    Some(Context { vector, dots, stamp })
}

fn mac(with: &ContextKey, key: &ObjectKey, signed: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_keyed(&with.key);
    for part in [key.bucket().as_bytes(), key.key().as_bytes()] {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.update(signed);
    hasher.finalize()
}

/// Compares in a time that does not depend on where two MACs differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differ, (x, y)| differ | (x ^ y)) == 0
}
