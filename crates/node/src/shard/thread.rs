//! A shard's thread: a current-thread runtime whose one long task takes turns.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use stator_core::collection::COLLECT_EVERY;
use stator_core::context::Sealer;
use stator_core::node::LOOK_AT_MOST;
use stator_core::node::ShardConfig;
use stator_core::random::Random;
use stator_core::store::Store;
use tokio::runtime::Handle;

use super::core_loop::CoreLoop;
use super::{Mail, ShardMailbox, ShardParts};
use crate::disk::DiskGauge;
use crate::failure::Failure;
use crate::me::Me;
use crate::membership::MembershipMailbox;
use crate::shutdown::Shutdown;
use crate::stats::Counters;
use crate::store_writer::{ShardIndex, WriteQueue};

/// All that one shard needs.
pub(super) struct Setup {
    pub(super) me: Arc<Me>,
    pub(super) index: ShardIndex,
    pub(super) config: ShardConfig,
    pub(super) random: Random,
    pub(super) store: Arc<dyn Store>,
    pub(super) writes: WriteQueue,
    /// None for an engine that keeps nothing on disk.
    pub(super) disk: Option<DiskGauge>,
    pub(super) membership: MembershipMailbox,
    pub(super) counters: Arc<Counters>,
    pub(super) failure: Failure,
    pub(super) shutdown: Shutdown,
    pub(super) shards: Arc<[ShardMailbox]>,
}

impl Setup {
    pub(super) fn new(
        parts: &ShardParts,
        index: ShardIndex,
        sealer: Sealer,
        shards: Arc<[ShardMailbox]>,
    ) -> Self {
        let config = ShardConfig {
            me: parts.me.node,
            shard: index.0,
            shards: parts.me.shards,
            sealer,
            boot: parts.me.boot,
            store: parts.standing,
            hint_limits: parts.limits.hints,
            cache_bytes: parts.limits.cache_bytes,
            scrub_interval: parts.limits.scrub_interval,
            look_at_most: LOOK_AT_MOST,
            collect_every: COLLECT_EVERY,
            background: parts.limits.background,
            max_requests: parts.limits.max_requests,
        };
        Self {
            me: Arc::clone(&parts.me),
            index,
            config,
            random: parts.random.child(&format!("shard {}", index.0)),
            store: Arc::clone(&parts.store),
            writes: parts.writes.clone(),
            disk: parts.disk.clone().map(|(path, reserve)| DiskGauge::new(path, reserve)),
            membership: parts.membership.clone(),
            counters: Arc::clone(&parts.counters[usize::from(index.0)]),
            failure: parts.failure.clone(),
            shutdown: parts.shutdown.clone(),
            shards,
        }
    }
}

/// Starts the thread, and tells how to have tasks run on it beside the shard's own. It ends when the
/// node stops or fails, and they with it.
pub(super) fn spawn(setup: Setup, mail: Mail) -> io::Result<(JoinHandle<()>, Handle)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let named = std::thread::Builder::new().name(format!("stator-shard-{}", setup.index.0));
    let thread = named.spawn(move || {
        // A task like those of its sockets: whoever wakes it puts it behind those that are ready, and
        // what they bring is in its next turn. The future that a runtime blocks on is woken by a
        // system call each time.
        let core = runtime.spawn(async move { CoreLoop::new(setup, mail).run().await });
        if let Err(error) = runtime.block_on(core) {
            std::panic::resume_unwind(error.into_panic());
        }
    })?;
    Ok((thread, handle))
}
