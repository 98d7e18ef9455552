//! Frames between nodes that are under way.

use std::fmt;

use stator_core::message::ShardMessage;

use super::{Print, print_of};
use crate::event::{Process, show_message};
use crate::history::CallId;

/// A frame that has been sent and has not arrived.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    /// The hash of the rest.
    pub(super) print: Print,
    pub(super) from: Process,
    /// No later process of the node ever sees it.
    pub(super) to: Process,
    /// The call that it asks something for.
    pub(super) call: Option<CallId>,
    pub(super) message: ShardMessage,
}

impl Flight {
    pub(super) fn new(
        from: Process,
        to: Process,
        call: Option<CallId>,
        message: ShardMessage,
    ) -> Self {
        let print = print_of(&(from, to, call, &message));
        Self { print, from, to, call, message }
    }
}

impl fmt::Display for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{} to n{}: ", self.from.node + 1, self.to.node + 1)?;
        show_message(&self.message, f)
    }
}
