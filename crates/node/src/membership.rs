//! Membership's thread: gossip, failure detection and the choice of rings (the paper, 4.8), driven
//! by [`stator_core::membership`]'s machine, and the listener for peers, which both need little
//! time and must not wait for a shard's work.

mod actor;
mod gate;
mod peers;
mod thread;

use std::time::Duration;

use stator_core::identity::NodeId;
use stator_core::membership::admin::{AdminReply, AdminRequest};
use stator_core::membership::effect::{MembershipInput, SaveId};
use stator_core::object::BucketName;
use stator_core::ring::RingVersion;
use stator_core::transfer::Progress;
use tokio::sync::{mpsc, oneshot};

pub(crate) use gate::Gate;
pub(crate) use thread::{Setup, spawn};

/// Mail that may wait for membership.
const MAIL: usize = 4096;

/// What other threads tell membership.
#[derive(Debug)]
pub(crate) enum MembershipMail {
    /// For the machine.
    Input(MembershipInput),
    /// A save is on disk.
    Saved(SaveId),
    /// An operator's request.
    Admin(AdminCall),
}

/// An operator's request on its way.
#[derive(Debug)]
pub(crate) struct AdminCall {
    /// What is asked.
    pub(crate) request: AdminRequest,
    /// How long somebody waits.
    pub(crate) timeout: Duration,
    /// Where the answer goes.
    pub(crate) reply: oneshot::Sender<AdminReply>,
}

/// The way in from other threads. Bounded.
#[derive(Clone, Debug)]
pub(crate) struct MembershipMailbox {
    mail: mpsc::Sender<MembershipMail>,
}

impl MembershipMailbox {
    /// A mailbox, and what is taken out of it.
    pub(crate) fn new() -> (Self, mpsc::Receiver<MembershipMail>) {
        let (mail, inbox) = mpsc::channel(MAIL);
        (Self { mail }, inbox)
    }

    /// A peer did not answer a shard in time. Dropped if membership is busy: it is said again.
    pub(crate) fn suspect(&self, peer: NodeId) {
        let _ = self.mail.try_send(MembershipMail::Input(MembershipInput::Suspect(peer)));
    }

    /// A peer knows a newer ring. Dropped if membership is busy: it is said again.
    pub(crate) fn newer_ring(&self, at: NodeId, version: RingVersion) {
        let input = MembershipInput::NewerRing { at, version };
        let _ = self.mail.try_send(MembershipMail::Input(input));
    }

    /// A bucket was made by its first write.
    pub(crate) fn bucket_made(&self, bucket: BucketName) {
        self.deliver(MembershipInput::BucketMade(bucket));
    }

    /// A shard says how far it is with a change of the ring; it says so again until that is over.
    pub(crate) fn shard_moved(&self, shard: u8, progress: Progress) {
        self.deliver(MembershipInput::ShardMoved { shard, progress });
    }

    /// A save is on disk. Waits for room.
    pub(crate) fn saved(&self, id: SaveId) {
        let _ = self.mail.blocking_send(MembershipMail::Saved(id));
    }

    /// An operator's request; false if membership is gone. Waits for room.
    pub(crate) async fn admin(&self, call: AdminCall) -> bool {
        self.mail.send(MembershipMail::Admin(call)).await.is_ok()
    }

    /// For what is said once: if there is no room now, a task waits for it. Called on a shard's
    /// thread.
    fn deliver(&self, input: MembershipInput) {
        if let Err(mpsc::error::TrySendError::Full(mail)) =
            self.mail.try_send(MembershipMail::Input(input))
        {
            let queue = self.mail.clone();
            tokio::task::spawn_local(async move {
                let _ = queue.send(mail).await;
            });
        }
    }
}
