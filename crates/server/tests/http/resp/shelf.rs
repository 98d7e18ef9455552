//! A node that keeps what it is given, one replica of everything, so that commands can be played
//! against each other.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use stator_core::context::Context;
use stator_core::identity::ActorId;
use stator_core::object::{ConflictRule, Content, ObjectDigest, ObjectKey, ObjectState, Sibling};
use stator_core::request::{
    Answered, ClientReply, Done, GetReply, ListEntry, ListOrder, ListPage, ListPosition, Operation,
    PutReply,
};
use stator_core::time::Stamp;
use stator_core::token::PartitionCount;
use stator_core::version::Dot;

use crate::fake::{Fake, WRITTEN, sealed};

/// Such a node.
pub(super) fn shelf() -> Arc<Fake> {
    let mut shelf = Shelf::default();
    Fake::answering(move |operation| Ok(shelf.answer(operation)))
}

/// A node with these objects, whose writes fail.
pub(super) fn read_only(
    objects: impl IntoIterator<Item = (ObjectKey, ObjectState)>,
    write: impl Fn() -> ClientReply + Send + 'static,
) -> Arc<Fake> {
    let mut shelf = Shelf { objects: objects.into_iter().collect(), writes: 0 };
    Fake::answering(move |operation| match operation {
        Operation::Get { .. } | Operation::List(_) => Ok(shelf.answer(operation)),
        _ => write(),
    })
}

#[derive(Default)]
struct Shelf {
    objects: BTreeMap<ObjectKey, ObjectState>,
    writes: u64,
}

impl Shelf {
    fn answer(&mut self, operation: &Operation) -> Done {
        match operation {
            Operation::Get { key, .. } => {
                let state = self.objects.get(key).cloned().unwrap_or_default();
                Done::Got(GetReply {
                    context: (!state.is_unwritten()).then(sealed),
                    state,
                    digest: ObjectDigest::new([0; 16]),
                    answered: Answered::default(),
                })
            }
            Operation::Put(order) => self.write(&order.key, order.value.clone()),
            Operation::Delete { key, .. } => self.write(key, Content::Tombstone),
            Operation::List(order) => Done::Listed(self.list(order)),
        }
    }

    fn write(&mut self, key: &ObjectKey, content: Content) -> Done {
        self.writes += 1;
        let dot = Dot { actor: ActorId::new(1), counter: self.writes };
        let stamp = Stamp::from_bits(Stamp::at(WRITTEN).to_bits() + self.writes);
        let rule = if key.bucket().is_redis_database() {
            ConflictRule::LastWriteWins
        } else {
            ConflictRule::Siblings
        };
        let state = self.objects.entry(key.clone()).or_default();
        state.write(rule, &Context::default(), Sibling { dot, stamp, content });
        Done::Written(PutReply { context: sealed(), answered: Answered::default() })
    }

    fn list(&self, order: &ListOrder) -> ListPage {
        let partitions = PartitionCount::new(4).expect("a power of two");
        let mut entries: Vec<ListEntry> = self
            .objects
            .iter()
            .filter(|(key, _)| *key.bucket() == order.bucket)
            .filter(|(key, _)| partitions.partition_of(key.token()) == order.partition)
            .map(|(key, state)| ListEntry {
                position: position(key),
                key: key.clone(),
                outline: state.clone().outline(),
            })
            .filter(|entry| order.after.as_ref().is_none_or(|after| entry.position > *after))
            .collect();
        entries.sort_by(|a, b| a.position.cmp(&b.position));
        let limit = order.limit as usize;
        let next = (entries.len() > limit).then(|| entries[limit - 1].position.clone());
        entries.truncate(limit);
        ListPage { entries, next }
    }
}

fn position(key: &ObjectKey) -> ListPosition {
    ListPosition(Bytes::from([&key.token().to_be_bytes()[..], &key.key().as_bytes()[..]].concat()))
}
