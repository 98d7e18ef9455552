//! What a get has asked each of its replicas, and what they have said: a handful, in order of their
//! ids.

use crate::collection::Round;
use crate::identity::NodeId;
use crate::message::{EncodedState, ReadWish};
use crate::object::ObjectDigest;
use crate::time::Instant;

/// What a replica has said so far.
#[derive(Clone, Debug)]
pub(super) enum Heard {
    /// Its whole state, and that state's digest.
    State(Option<(ObjectDigest, EncodedState)>),
    /// Only the digest.
    Digest(Option<ObjectDigest>),
}

impl Heard {
    pub(super) fn digest(&self) -> Option<ObjectDigest> {
        match self {
            Self::State(state) => state.as_ref().map(|(digest, _)| *digest),
            Self::Digest(digest) => *digest,
        }
    }

    pub(super) const fn is_state(&self) -> bool {
        matches!(self, Self::State(_))
    }
}

/// One replica.
#[derive(Clone, Debug)]
struct Reply {
    node: NodeId,
    /// When it was asked for its state, if it has not sent it.
    asked_state: Option<Instant>,
    asked_digest: Option<Instant>,
    /// What it has said, and the collection round at which that was read.
    heard: Option<(Round, Heard)>,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Replies(Vec<Reply>);

impl Replies {
    fn of(&self, node: NodeId) -> Option<&Reply> {
        self.0.iter().find(|reply| reply.node == node)
    }

    fn of_mut(&mut self, node: NodeId) -> &mut Reply {
        let at = match self.0.binary_search_by_key(&node, |reply| reply.node) {
            Ok(at) => at,
            Err(at) => {
                let fresh = Reply { node, asked_state: None, asked_digest: None, heard: None };
                self.0.insert(at, fresh);
                at
            }
        };
        &mut self.0[at]
    }

    /// A replica is asked.
    pub(super) fn ask(&mut self, node: NodeId, wish: ReadWish, now: Instant) {
        let reply = self.of_mut(node);
        match wish {
            ReadWish::State => reply.asked_state = Some(now),
            ReadWish::Digest => reply.asked_digest = Some(now),
        }
    }

    /// When a replica was asked for this, if it was.
    pub(super) fn asked(&self, node: NodeId, wish: ReadWish) -> Option<Instant> {
        let reply = self.of(node)?;
        match wish {
            ReadWish::State => reply.asked_state,
            ReadWish::Digest => reply.asked_digest,
        }
    }

    /// Whether any state is on its way.
    pub(super) fn awaits_state(&self) -> bool {
        self.0.iter().any(|reply| reply.asked_state.is_some())
    }

    /// Whether any state is in hand.
    pub(super) fn has_state(&self) -> bool {
        self.heard().any(|(_, _, heard)| heard.is_state())
    }

    /// A replica has said something. A state is never replaced by a digest that comes after it.
    pub(super) fn hear(&mut self, node: NodeId, round: Round, heard: Heard) {
        let reply = self.of_mut(node);
        if heard.is_state() {
            reply.asked_state = None;
        }
        if !reply.has_state() {
            reply.heard = Some((round, heard));
        }
    }

    /// A replica says no more. A state that it has sent stays.
    pub(super) fn fail(&mut self, node: NodeId) {
        let reply = self.of_mut(node);
        (reply.asked_state, reply.asked_digest) = (None, None);
        if !reply.has_state() {
            reply.heard = None;
        }
    }

    /// What was heard, of whom, and at which round it was read.
    pub(super) fn heard(&self) -> impl Iterator<Item = (NodeId, Round, &Heard)> {
        self.0.iter().filter_map(|reply| {
            let (round, heard) = reply.heard.as_ref()?;
            Some((reply.node, *round, heard))
        })
    }

    /// Those who were asked for something and have said nothing, and since when.
    pub(super) fn silent(&self) -> impl Iterator<Item = (NodeId, Instant)> {
        let silent = self.0.iter().filter(|reply| reply.heard.is_none());
        silent.flat_map(|reply| {
            let asked = [reply.asked_state, reply.asked_digest];
            asked.into_iter().flatten().map(|at| (reply.node, at))
        })
    }
}

impl Reply {
    fn has_state(&self) -> bool {
        self.heard.as_ref().is_some_and(|(_, heard)| heard.is_state())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::ObjectState;

    const NODE: NodeId = NodeId::new(1);
    const OTHER: NodeId = NodeId::new(2);
    const EARLY: Instant = Instant::from_micros(1);
    const LATE: Instant = Instant::from_micros(2);

    fn state() -> Heard {
        let encoded = EncodedState::of(&ObjectState::default());
        Heard::State(Some((encoded.digest(), encoded)))
    }

    #[test]
    fn a_state_in_hand_stays_whatever_comes_after_it() {
        let mut replies = Replies::default();
        replies.ask(NODE, ReadWish::State, EARLY);
        assert!(replies.awaits_state() && !replies.has_state());
        replies.hear(NODE, Round::default(), state());
        assert!(!replies.awaits_state() && replies.has_state());
        replies.hear(NODE, Round::default(), Heard::Digest(None));
        assert!(replies.has_state(), "a digest that comes after it says less");
        replies.fail(NODE);
        assert!(replies.has_state(), "what was said was said");
    }

    #[test]
    fn a_digest_is_superseded_and_goes_with_who_fails() {
        let mut replies = Replies::default();
        replies.hear(NODE, Round::default(), Heard::Digest(None));
        replies.hear(OTHER, Round::default(), Heard::Digest(None));
        replies.hear(OTHER, Round::default(), state());
        replies.fail(NODE);
        let left: Vec<NodeId> = replies.heard().map(|(node, ..)| node).collect();
        assert!(left == [OTHER] && replies.has_state());
    }

    #[test]
    fn who_was_asked_and_said_nothing_is_silent() {
        let mut replies = Replies::default();
        replies.ask(OTHER, ReadWish::Digest, LATE);
        replies.ask(NODE, ReadWish::State, EARLY);
        assert_eq!(replies.silent().collect::<Vec<_>>(), [(NODE, EARLY), (OTHER, LATE)]);
        assert_eq!(replies.asked(OTHER, ReadWish::State), None);
        replies.hear(NODE, Round::default(), Heard::Digest(None));
        assert_eq!(replies.silent().collect::<Vec<_>>(), [(OTHER, LATE)]);
        replies.fail(OTHER);
        assert_eq!(replies.silent().count(), 0);
    }
}
