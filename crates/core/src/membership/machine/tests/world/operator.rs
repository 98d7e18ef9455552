//! Operators: what they ask, and what they are answered.

use std::time::Duration;

use super::World;
use crate::identity::NodeId;
use crate::membership::admin::{
    AdminDone, AdminError, AdminId, AdminReply, AdminRequest, ClusterStatus,
};
use crate::membership::effect::MembershipInput;
use crate::ring::RingVersion;
use crate::time::Deadline;

impl World {
    pub(in super::super) fn ask(&mut self, node: NodeId, request: AdminRequest) -> AdminId {
        self.ask_within(node, request, Duration::from_secs(10))
    }

    pub(in super::super) fn ask_within(
        &mut self,
        node: NodeId,
        request: AdminRequest,
        timeout: Duration,
    ) -> AdminId {
        self.asked += 1;
        let id = AdminId(self.asked);
        let deadline = Deadline::after(self.now, timeout);
        self.step(node, MembershipInput::Admin { id, request, deadline });
        id
    }

    pub(in super::super) fn reply(&self, id: AdminId) -> Option<&AdminReply> {
        self.replies.get(&id)
    }

    /// Asks and waits for the answer.
    pub(in super::super) fn get(&mut self, node: NodeId, request: AdminRequest) -> AdminReply {
        let id = self.ask(node, request);
        self.run_until("an answer", |world| world.reply(id).is_some());
        self.replies[&id].clone()
    }

    pub(in super::super) fn commit(&mut self, node: NodeId, version: u64) -> AdminReply {
        self.get(node, AdminRequest::Commit { version: RingVersion(version) })
    }

    pub(in super::super) fn status(&mut self, node: NodeId) -> ClusterStatus {
        match self.get(node, AdminRequest::Status) {
            Ok(AdminDone::Status(status)) => status,
            other => panic!("{other:?}"),
        }
    }
}

pub(in super::super) fn assert_committed(reply: &AdminReply) {
    assert!(matches!(reply, Ok(AdminDone::Committed(_))), "{reply:?}");
}

pub(in super::super) fn assert_refused(reply: &AdminReply, expected: impl Fn(&AdminError) -> bool) {
    assert!(reply.as_ref().is_err_and(&expected), "{reply:?}");
}

/// The reply is a plan that changes nothing.
pub(in super::super) fn assert_nothing_planned(reply: &AdminReply) {
    let Ok(AdminDone::Plan(plan)) = reply else { panic!("no plan: {reply:?}") };
    assert!(plan.changes.is_empty() && plan.moves.is_empty(), "{plan:?}");
}
