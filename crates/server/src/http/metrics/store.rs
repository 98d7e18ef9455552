//! The store, its writer, and what waits for whom.

use std::fmt;

use stator_node::QueueStats;

use super::page::{Labels, MICROS_IN_A_SECOND, Page, flag};
use super::reading::Reading;

pub(super) fn write(reading: &Reading, page: &mut Page<'_>) -> fmt::Result {
    store(reading, page)?;
    queues(reading, page)
}

fn store(reading: &Reading, page: &mut Page<'_>) -> fmt::Result {
    let (store, writer) = (&reading.stats.store, &reading.stats.writer);
    page.gauge(
        "stator_store_disk_bytes",
        "Bytes of the store on disk (in memory, for the memory engine).",
        store.disk_bytes as f64,
    )?;
    page.gauge(
        "stator_store_objects",
        "Roughly how many objects are stored.",
        store.approximate_objects as f64,
    )?;
    let cache = &reading.condition.whole.cache;
    page.gauge(
        "stator_object_cache_bytes",
        "Bytes of cached objects; cache_bytes, less a part for the engine, bounds them.",
        cache.bytes as f64,
    )?;
    page.counter(
        "stator_object_cache_hits",
        "How often a read, a write or a digest found its object cached.",
        cache.hits,
    )?;
    page.counter(
        "stator_object_cache_misses",
        "How often it had to look into the store.",
        cache.misses,
    )?;
    page.counter("stator_store_syncs", "Syncs since the store was opened.", store.syncs)?;
    page.counter(
        "stator_store_batches",
        "Batches written and synced; divided by the syncs, how many share one.",
        writer.batches,
    )?;
    page.histograms(
        "stator_store_sync_duration_seconds",
        "How long each sync of the store's log took.",
        MICROS_IN_A_SECOND,
        [(Labels::new(), &writer.sync_micros)],
    )?;
    page.histograms(
        "stator_store_write_duration_seconds",
        "How long the engine took to take what gathered before each sync.",
        MICROS_IN_A_SECOND,
        [(Labels::new(), &writer.write_micros)],
    )?;
    page.gauge(
        "stator_disk_reserve_reached",
        "1 while new values are refused because the disk is nearly full.",
        flag(reading.condition.whole.disk_reserved),
    )
}

fn queues(reading: &Reading, page: &mut Page<'_>) -> fmt::Result {
    let stats = &reading.stats;
    let each = |queue: &'static str, of: fn(&QueueStats) -> u64| {
        stats.queues.iter().enumerate().map(move |(shard, queues)| {
            let labels = vec![("queue", queue.to_owned()), ("shard", shard.to_string())];
            (labels, of(queues) as f64)
        })
    };
    page.gauges(
        "stator_shard_queue_length",
        "What waits for a shard: requests of front doors (calls), news from other threads (events), \
         messages of peers (messages).",
        each("calls", |queues| queues.calls)
            .chain(each("events", |queues| queues.events))
            .chain(each("messages", |queues| queues.messages)),
    )?;
    page.gauges(
        "stator_shard_unsynced_bytes",
        "Bytes that a shard has handed to the store writer and that are not on disk.",
        stats.queues.iter().enumerate().map(|(shard, queues)| {
            (vec![("shard", shard.to_string())], queues.unsynced_bytes as f64)
        }),
    )?;
    page.gauge(
        "stator_store_queue_length",
        "Jobs of shards that wait for the store writer.",
        stats.writes_queued as f64,
    )
}
