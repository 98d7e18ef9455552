//! Whole requests on three of production's shards (N=3, R=2, W=2, 1 KiB): every step of every
//! replica, every message encoded and decoded; no sockets, no encryption, disks in memory.

use std::cell::RefCell;

use divan::Bencher;
use stator_core::context::SealedContext;
use stator_core::object::ObjectKey;

use crate::cluster::{Cluster, LAST_WRITE_WINS, SIBLINGS, Watch, value};

const DOOR: u64 = 1;
const OBJECTS: usize = 1000;

/// Nobody looks on.
struct Unwatched;

impl Watch for Unwatched {}

/// Objects that were put once, asked for in turn.
struct Stored {
    cluster: Cluster<Unwatched>,
    objects: Vec<(ObjectKey, SealedContext)>,
    next: usize,
}

impl Stored {
    fn new(bucket: &[u8]) -> RefCell<Self> {
        let mut cluster = Cluster::new(3, Unwatched);
        let stored = |number| {
            let key = cluster.key(bucket, number, (DOOR, true));
            let context = cluster.put(DOOR, &key, value(number), None).context;
            (key, context)
        };
        let objects = (0..OBJECTS).map(stored).collect();
        RefCell::new(Self { cluster, objects, next: 0 })
    }

    fn next(&mut self) -> usize {
        self.next = (self.next + 1) % self.objects.len();
        self.next
    }

    fn put_over(&mut self) {
        let at = self.next();
        let (key, context) = &mut self.objects[at];
        let reply = self.cluster.put(DOOR, key, value(at), Some(context.clone()));
        *context = reply.context;
    }

    fn put_last(&mut self) {
        let at = self.next();
        self.cluster.put(DOOR, &self.objects[at].0, value(at), None);
    }

    fn get(&mut self) {
        let at = self.next();
        self.cluster.get(DOOR, &self.objects[at].0);
    }
}

#[divan::bench]
fn put(bencher: Bencher<'_, '_>) {
    let stored = Stored::new(SIBLINGS);
    bencher.bench_local(|| stored.borrow_mut().put_over());
}

#[divan::bench]
fn put_where_the_last_write_wins(bencher: Bencher<'_, '_>) {
    let stored = Stored::new(LAST_WRITE_WINS);
    bencher.bench_local(|| stored.borrow_mut().put_last());
}

#[divan::bench]
fn get(bencher: Bencher<'_, '_>) {
    let stored = Stored::new(SIBLINGS);
    bencher.bench_local(|| stored.borrow_mut().get());
}
