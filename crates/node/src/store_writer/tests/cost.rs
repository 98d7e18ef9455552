//! What a round of the writer costs, counted.

use super::*;

const SHARDS: u8 = 4;
const JOBS: u64 = 100;

/// Whatever has come while a sync ran is one write and one sync, and each shard that waits is told
/// once, of its last ticket. A sync is by far the dearest part of a put and a word to a shard wakes
/// its thread: there may be no more of either, however many shards and jobs there are.
#[test]
fn a_round_is_one_write_one_sync_and_one_word_to_each_shard() {
    let (store, go) = ScriptedStore::new();
    let (said, synced) = mpsc::channel();
    let queue = WriteQueue::default();
    let on_synced: OnSynced =
        Box::new(move |shard, ticket| said.send((shard.0, ticket.0)).expect("open"));
    queue.push(job(0, 0));
    let thread = spawn(queue.clone(), store.clone(), Failure::none(), Arc::default(), on_synced)
        .expect("a thread");
    while store.events().is_empty() {
        std::thread::yield_now();
    }
    for ticket in 1..=JOBS {
        for shard in 0..SHARDS {
            queue.push(job(shard, ticket));
        }
    }
    // From here on every sync goes through at once.
    drop(go);
    queue.close();
    thread.join().expect("ended");
    let batches = u64::from(SHARDS) * JOBS;
    let round = format!("write {batches}");
    assert_eq!(store.events(), ["write 1", "sync", round.as_str(), "sync"]);
    let mut told: Vec<(u8, u64)> = synced.iter().collect();
    told.sort_unstable();
    assert_eq!(told, [(0, 0), (0, JOBS), (1, JOBS), (2, JOBS), (3, JOBS)]);
}
