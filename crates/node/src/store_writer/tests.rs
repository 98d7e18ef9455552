mod cost;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use bytes::Bytes;
use stator_core::store::{KeyRange, Keyspace, ReadStore, ScanItem, StoreError, StoreStats};

use super::*;

/// A store whose syncs wait for a word and can be told to fail; it records what happened in order.
struct ScriptedStore {
    events: Mutex<Vec<String>>,
    go: Mutex<mpsc::Receiver<()>>,
    fail: AtomicBool,
}

impl ScriptedStore {
    fn new() -> (Arc<Self>, mpsc::Sender<()>) {
        let (go, wait) = mpsc::channel();
        let store =
            Self { events: Mutex::default(), go: Mutex::new(wait), fail: AtomicBool::new(false) };
        (Arc::new(store), go)
    }

    fn events(&self) -> Vec<String> {
        self.events.lock().expect("no panic").clone()
    }
}

impl ReadStore for ScriptedStore {
    fn get(&self, _: Keyspace, _: &[u8]) -> Result<Option<Bytes>, StoreError> {
        Ok(None)
    }

    fn scan(&self, _: Keyspace, _: &KeyRange, _: usize) -> Result<Vec<ScanItem>, StoreError> {
        Ok(Vec::new())
    }
}

impl Store for ScriptedStore {
    fn write(&self, batches: Vec<Batch>) -> Result<(), StoreError> {
        self.events.lock().expect("no panic").push(format!("write {}", batches.len()));
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        let _ = self.go.lock().expect("no panic").recv();
        if self.fail.load(Ordering::SeqCst) {
            return Err(StoreError::Engine("scripted".to_owned()));
        }
        self.events.lock().expect("no panic").push("sync".to_owned());
        Ok(())
    }

    fn drop_range(&self, _: Keyspace, _: &KeyRange) -> Result<(), StoreError> {
        Ok(())
    }

    fn health(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn stats(&self) -> StoreStats {
        StoreStats::default()
    }
}

fn job(shard: u8, ticket: u64) -> Job {
    Job { waits: Some((ShardIndex(shard), Ticket(ticket))), batches: vec![Batch::new()] }
}

const LONG: Duration = Duration::from_secs(10);

#[test]
fn jobs_that_gather_share_one_sync_and_nothing_is_said_before_it() {
    let (store, go) = ScriptedStore::new();
    let (said, synced) = mpsc::channel();
    let queue = WriteQueue::default();
    let on_synced: OnSynced =
        Box::new(move |shard, ticket| said.send((shard.0, ticket.0)).expect("open"));
    queue.push(job(0, 1));
    let thread = spawn(queue.clone(), store.clone(), Failure::none(), Arc::default(), on_synced)
        .expect("a thread");
    // The first round may hold any of what is pushed before it starts: wait until it is in its sync.
    while store.events().is_empty() {
        std::thread::yield_now();
    }
    queue.push(job(0, 2));
    queue.push(job(1, 1));
    queue.push(job(0, 3));
    assert!(synced.try_recv().is_err(), "nothing is synced yet");
    go.send(()).expect("open");
    assert_eq!(synced.recv_timeout(LONG), Ok((0, 1)));
    go.send(()).expect("open");
    assert_eq!(synced.recv_timeout(LONG), Ok((0, 3)));
    assert_eq!(synced.recv_timeout(LONG), Ok((1, 1)));
    queue.close();
    thread.join().expect("ended");
    assert_eq!(store.events(), ["write 1", "sync", "write 3", "sync"]);
}

#[test]
fn a_failed_sync_fails_the_node_and_nothing_is_said_any_more() {
    let (store, go) = ScriptedStore::new();
    store.fail.store(true, Ordering::SeqCst);
    let (said, synced) = mpsc::channel();
    let queue = WriteQueue::default();
    let failure = Failure::none();
    let on_synced: OnSynced =
        Box::new(move |shard, ticket| said.send((shard.0, ticket.0)).expect("open"));
    queue.push(job(0, 1));
    let thread = spawn(queue.clone(), store.clone(), failure.clone(), Arc::default(), on_synced)
        .expect("a thread");
    go.send(()).expect("open");
    thread.join().expect("ended");
    assert!(failure.happened());
    store.fail.store(false, Ordering::SeqCst);
    queue.push(job(0, 2));
    assert!(synced.recv_timeout(LONG).is_err(), "the sender is gone without a word");
}

#[test]
fn what_was_handed_over_before_the_close_is_written() {
    let (store, go) = ScriptedStore::new();
    go.send(()).expect("open");
    let queue = WriteQueue::default();
    queue.push(job(0, 1));
    queue.close();
    queue.push(job(0, 2));
    let thread = spawn(queue, store.clone(), Failure::none(), Arc::default(), Box::new(|_, _| ()))
        .expect("a thread");
    thread.join().expect("ended");
    assert_eq!(store.events(), ["write 1", "sync"]);
}
