//! A get: R replicas are asked, one for its state and the others for a digest; states that differ
//! are fetched and merged.
//!
//! The paper, 4.5 and 5; rule 10. An answer counts towards R only once what it stands for is in
//! hand: a state, or a digest that equals the digest of a state that is. A replica that can't tell
//! never counts. One that is slower than its own usual is not waited for: another is asked too. What
//! was read before a collection round is not merged with what was read after it (rule 13).

mod crossed;
mod ending;
mod moved;
mod replies;

use std::sync::Arc;

use crate::collection::Round;
use crate::effect::{Effect, Timer};
use crate::identity::NodeId;
use crate::message::{ReadAnswer, ReadWish, ShardMessage};
use crate::object::ObjectKey;
use crate::observe::Observation;
use crate::quorum::{QuorumMode, QuorumOptions};
use crate::request::{GetReply, RequestError};
use crate::ring::Ring;
use crate::store::ReadStore;
use crate::transfer::Footing;

use super::peers::{Lot, RequestKind};
use super::readers::Readers;
use super::tally::{Needs, Role, Tally, Verdict};
use super::{CantTell, Frame, Turn};
use replies::{Heard, Replies};

/// A get that is under way.
#[derive(Clone, Debug)]
pub struct Get {
    frame: Frame,
    key: ObjectKey,
    tally: Tally,
    replies: Replies,
    /// Replicas that may still be asked, best first.
    spare: Vec<NodeId>,
    wanted: u8,
    existing: u8,
    /// The earliest collection round at which any of what was heard was read.
    round: Option<Round>,
    /// Replicas rise to this round before they read.
    at_least: Round,
    quorum: QuorumOptions,
    /// The ring and the level that it goes by.
    footing: Footing,
    /// The ring whose replicas are asked, while it is not the newest (rule 17).
    old: Option<Arc<Ring>>,
    /// A replica insists on this: it is asked again once that ring is known here.
    told: Option<Footing>,
}

/// How a step of a get went.
#[derive(Debug)]
pub enum GetProgress {
    /// It waits for answers.
    Waiting,
    /// The partition moves, and a replica is further with that; or a round of collection has come
    /// between the answers. All is asked again, at that footing and that round.
    AskAgain,
    /// It has ended; what becomes of it is up to whoever asked for it.
    Finished(Result<GetReply, RequestError>),
}

impl Get {
    /// Asks the first R replicas.
    pub fn start<S: ReadStore>(
        frame: Frame,
        key: ObjectKey,
        asked: &QuorumOptions,
        ring: &Ring,
        turn: &mut Turn<'_, S>,
    ) -> Result<(Self, GetProgress), RequestError> {
        Self::start_at((None, Round::default()), frame, (key, asked), ring, turn)
    }

    /// As [`Self::start`], at the footing that a replica has told, if this node is not as far, and at
    /// a collection round or a later one.
    fn start_at<S: ReadStore>(
        (told, at_least): (Option<Footing>, Round),
        frame: Frame,
        (key, asked): (ObjectKey, &QuorumOptions),
        newest: &Ring,
        turn: &mut Turn<'_, S>,
    ) -> Result<(Self, GetProgress), RequestError> {
        let partition = newest.partition_of(key.token());
        let properties = turn.view.bucket(key.bucket());
        let place = turn.view.placement(newest, partition, told);
        let (footing, ring) = (place.footing, place.reads);
        let old = turn.view.old_ring(ring.version);
        let primaries = ring.primaries(partition, properties.fixed.n);
        let existing = primaries.len() as u8;
        let quorum = properties.read_quorum(existing, asked)?;
        let needs = Needs::from(quorum);
        let fallbacks = match quorum.mode() {
            QuorumMode::Sloppy => ring.fallbacks(partition, properties.fixed.n),
            QuorumMode::Strict => &[],
        };
        let Readers { first, spare } =
            Readers::choose((primaries, Lot::from(&key)), fallbacks, needs, turn)?;
        let mut get = Self {
            frame,
            key,
            tally: Tally::new(needs),
            replies: Replies::default(),
            spare,
            wanted: properties.fixed.n,
            existing,
            round: None,
            at_least,
            quorum: *asked,
            footing,
            old,
            told: None,
        };
        for node in first {
            get.ask_another(node, newest, turn);
        }
        turn.set_timer(frame.deadline.at(), Timer::Deadline(frame.id));
        get.set_hedge(turn);
        let progress = get.settle(newest, turn);
        Ok((get, progress))
    }

    /// Asks a replica that was not asked before: for its state if none is in hand or on its way,
    /// else for its digest.
    fn ask_another<S: ReadStore>(&mut self, node: NodeId, ring: &Ring, turn: &mut Turn<'_, S>) {
        self.tally.ask(node, self.role_of(node, ring));
        if node == turn.view.me {
            self.read_here(turn);
        } else if self.replies.has_state() || self.replies.awaits_state() {
            self.ask(node, ReadWish::Digest, turn);
        } else {
            self.ask(node, ReadWish::State, turn);
        }
    }

    fn role_of(&self, node: NodeId, ring: &Ring) -> Role {
        let ring = self.old.as_deref().unwrap_or(ring);
        let partition = ring.partition_of(self.key.token());
        let primary = ring.primaries(partition, self.wanted).contains(&node);
        if primary { Role::Primary } else { Role::Fallback }
    }

    fn ask<S: ReadStore>(&mut self, node: NodeId, wish: ReadWish, turn: &mut Turn<'_, S>) {
        self.replies.ask(node, wish, turn.now.instant);
        let (request, key) = (self.frame.id, self.key.clone());
        let (footing, round) = (self.footing, self.at_least);
        turn.send(node, ShardMessage::Read { request, footing, round, key, wish });
    }

    fn read_here<S: ReadStore>(&mut self, turn: &mut Turn<'_, S>) {
        turn.rise(&self.key, self.at_least);
        match turn.state_here(&self.key) {
            Ok((state, round)) => {
                self.label(round);
                self.hear(turn.view.me, (round, ReadAnswer::State(state)));
            }
            Err(CantTell) => self.tally.failed(turn.view.me),
        }
    }

    /// Something of what is in hand was read at this round.
    fn label(&mut self, round: Round) {
        self.round = Some(self.round.map_or(round, |before| before.min(round)));
    }

    fn hear(&mut self, from: NodeId, (round, answer): (Round, ReadAnswer)) {
        let heard = match answer {
            ReadAnswer::State(state) => {
                Heard::State(state.map(|encoded| (encoded.digest(), encoded)))
            }
            ReadAnswer::Digest(digest) => Heard::Digest(digest),
            ReadAnswer::Unknown | ReadAnswer::Behind(_) => return self.fail(from),
        };
        self.replies.hear(from, round, heard);
    }

    fn fail(&mut self, node: NodeId) {
        self.replies.fail(node);
        self.tally.failed(node);
    }

    /// A replica has answered.
    pub fn on_answer<S: ReadStore>(
        &mut self,
        from: NodeId,
        (answer, round): (ReadAnswer, Round),
        ring: &Ring,
        turn: &mut Turn<'_, S>,
    ) -> GetProgress {
        if !self.tally.asked(from) {
            return GetProgress::Waiting;
        }
        if let ReadAnswer::Behind(told) = answer {
            return self.on_behind(from, told, ring, turn);
        }
        self.label(round);
        let wish = match &answer {
            ReadAnswer::State(_) => ReadWish::State,
            _ => ReadWish::Digest,
        };
        if let Some(asked) = self.replies.asked(from, wish) {
            let now = turn.now.instant;
            turn.peers.answered(now, (from, RequestKind::Read), now.since(asked));
        }
        self.hear(from, (round, answer));
        self.settle(ring, turn)
    }

    /// A replica can't be reached any more, or was not reached at all.
    pub fn on_unreachable<S: ReadStore>(
        &mut self,
        peer: NodeId,
        ring: &Ring,
        turn: &mut Turn<'_, S>,
    ) -> GetProgress {
        if self.tally.awaits(peer) {
            self.fail(peer);
        }
        self.settle(ring, turn)
    }

    /// Those who were asked are slower than usual: asks one more.
    pub fn on_hedge<S: ReadStore>(&mut self, ring: &Ring, turn: &mut Turn<'_, S>) -> GetProgress {
        if self.spare.is_empty() {
            return GetProgress::Waiting;
        }
        let to = self.spare.remove(0);
        let request = self.frame.id;
        turn.out.push(Effect::Observe(Observation::Hedged { request, to }));
        self.tally.ask(to, self.role_of(to, ring));
        if to == turn.view.me {
            self.read_here(turn);
        } else {
            // The one that was asked for a state may be the slow one.
            let wish = if self.replies.has_state() { ReadWish::Digest } else { ReadWish::State };
            self.ask(to, wish, turn);
        }
        self.set_hedge(turn);
        self.settle(ring, turn)
    }

    fn set_hedge<S: ReadStore>(&self, turn: &mut Turn<'_, S>) {
        if self.spare.is_empty() {
            return;
        }
        let at =
            turn.peers.all_slow_at((turn.now.instant, RequestKind::Read), self.tally.outstanding());
        turn.set_timer(at, Timer::Hedge(self.frame.id));
    }

    /// The deadline has passed: those who have not answered are avoided from now on.
    pub fn on_deadline<S: ReadStore>(&mut self, turn: &mut Turn<'_, S>) -> GetProgress {
        for (peer, asked) in self.replies.silent() {
            turn.suspect((peer, RequestKind::Read), turn.now.instant.since(asked));
        }
        self.finish(Err(self.shortfall()), turn)
    }

    /// Counts what is in hand, asks for what differs, and replaces who failed.
    fn settle<S: ReadStore>(&mut self, ring: &Ring, turn: &mut Turn<'_, S>) -> GetProgress {
        if let Some(round) = self.crossed_round() {
            self.at_least = round;
            return GetProgress::AskAgain;
        }
        loop {
            self.count_what_is_in_hand();
            self.fetch_what_differs(turn);
            match self.tally.verdict() {
                Verdict::Enough => {
                    let result = self.merged(turn);
                    return self.finish(result, turn);
                }
                Verdict::Waiting => return GetProgress::Waiting,
                Verdict::Impossible if self.spare.is_empty() => {
                    return self.finish(Err(self.shortfall()), turn);
                }
                Verdict::Impossible => {
                    let next = self.spare.remove(0);
                    self.ask_another(next, ring, turn);
                }
            }
        }
    }

    fn count_what_is_in_hand(&mut self) {
        let explains = |digest| {
            let mut others = self.replies.heard().map(|(_, _, other)| other);
            others.any(|other| other.is_state() && other.digest() == digest)
        };
        for (node, _, heard) in self.replies.heard() {
            if heard.is_state() || explains(heard.digest()) {
                self.tally.received(node);
            }
        }
    }

    /// Asks for the states behind digests that no state in hand explains, unless a state that may
    /// explain them is still on its way from the replica that was asked first.
    fn fetch_what_differs<S: ReadStore>(&mut self, turn: &mut Turn<'_, S>) {
        if !self.replies.has_state() && self.replies.awaits_state() {
            return;
        }
        let heard = self.replies.heard().map(|(node, ..)| node);
        let is_asked = |node| self.replies.asked(node, ReadWish::State).is_some();
        let unexplained: Vec<NodeId> =
            heard.filter(|&node| self.tally.awaits(node) && !is_asked(node)).collect();
        for node in unexplained {
            self.ask(node, ReadWish::State, turn);
        }
    }
}
