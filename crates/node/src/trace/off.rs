//! What stands for spans in a build without them: nothing, of no size and no cost.

use std::sync::Arc;

use stator_core::effect::{Input, Ticket, Timer};
use stator_core::identity::NodeId;
use stator_core::message::ShardMessage;
use stator_core::object::ObjectKey;
use stator_core::request::{ClientReply, ClientRequestId};

use crate::me::Me;
use crate::slow::Finished;

/// How a node's requests are traced: in this build, not at all.
#[derive(Clone, Debug, Default)]
pub struct Traces(());

/// Where a request's spans belong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traced;

/// What a shard does for spans.
#[derive(Debug)]
pub(crate) struct ShardTracer;

#[expect(clippy::unused_self, reason = "the same calls as in a build with spans")]
impl Traces {
    pub(crate) fn finished(&self, _: &Me, _: &Finished, _: Option<&ObjectKey>) {}
}

#[expect(clippy::unused_self, reason = "the same calls as in a build with spans")]
impl ShardTracer {
    pub(crate) fn new(_: &Arc<Me>) -> Self {
        Self
    }

    pub(crate) fn takes(&mut self, _: &Input) {}

    pub(crate) fn sends(&mut self, _: NodeId, _: &ShardMessage) {}

    pub(crate) fn writes(&mut self, _: Ticket) {}

    pub(crate) fn sets(&mut self, _: Timer) {}

    pub(crate) fn replies(&mut self, _: ClientRequestId, _: &ClientReply) -> Option<Traced> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_the_feature_nothing_is_carried_along() {
        assert_eq!((size_of::<Traces>(), size_of::<ShardTracer>()), (0, 0));
    }
}
