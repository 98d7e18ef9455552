//! The thread itself: a current-thread runtime for the actor, the listener and their sockets.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use stator_core::membership::{Membership, MembershipConfig, Restored};
use stator_core::random::Random;
use tokio::sync::mpsc;

use super::MembershipMail;
use super::actor::Actor;
use super::gate::Gate;
use crate::failure::Failure;
use crate::identity::Saver;
use crate::me::Me;
use crate::shard::Shards;
use crate::shutdown::Shutdown;
use crate::stats::Counters;
use crate::store_writer::WriteQueue;

/// All that membership needs.
pub(crate) struct Setup {
    /// The node.
    pub(crate) me: Arc<Me>,
    /// The machine's settings.
    pub(crate) config: MembershipConfig,
    /// What `identity/` held.
    pub(crate) restored: Restored,
    /// Its randomness.
    pub(crate) random: Random,
    /// What other threads tell it.
    pub(crate) mail: mpsc::Receiver<MembershipMail>,
    /// Makes its promises durable.
    pub(crate) saver: Saver,
    /// Shown its views.
    pub(crate) shards: Arc<Shards>,
    /// For the store's owner record.
    pub(crate) writes: WriteQueue,
    /// Whether every member was tried once.
    pub(crate) gate: Gate,
    /// Counts what is observed.
    pub(crate) counters: Arc<Counters>,
    /// How it fails.
    pub(crate) failure: Failure,
    /// How it ends.
    pub(crate) shutdown: Shutdown,
    /// Where peers connect.
    pub(crate) listener: std::net::TcpListener,
}

/// Starts the thread. It ends when the node stops or fails.
pub(crate) fn spawn(setup: Setup) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("stator-members".to_owned()).spawn(move || {
        let tasks = tokio::task::LocalSet::new();
        let mut shutdown = setup.shutdown.watch();
        let failure = setup.failure.clone();
        runtime.block_on(tasks.run_until(async move {
            let machine =
                Membership::new(setup.config.clone(), setup.restored.clone(), setup.random.clone());
            tokio::select! {
                biased;
                () = shutdown.begun() => {}
                _ = failure.wait() => {}
                () = Actor::new(setup, machine).run() => {}
            }
        }));
    })
}
