//! The states that an exchange moves: pulled and merged, then pushed where the peer still lacks
//! something.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::compare::{Differences, Pull};
use crate::collection::Round;
use crate::coordinator::Turn;
use crate::delivery::Reason;
use crate::identity::NodeId;
use crate::merkle::TreeSum;
use crate::message::{EncodedState, RequestId};
use crate::object::ObjectKey;
use crate::replica::{Durability, Waiter};
use crate::store::ReadStore;
use crate::token::{Partition, Token};

/// Tokens whose states one ask names: requests wait while all of them are merged.
const PULL_AT_ONCE: usize = 16;
/// With more tokens than this to push, no further leaves are looked into.
const PUSH_BACKLOG: usize = 4096;

/// What an exchange has to move, and what is under way.
#[derive(Clone, Debug)]
pub(super) struct Moving {
    id: RequestId,
    partition: Partition,
    peer: NodeId,
    /// Tokens to be pulled.
    pull: BTreeMap<Token, Pull>,
    /// Tokens to be pushed.
    push: VecDeque<Token>,
    /// The objects of the token that is being pushed.
    outbox: VecDeque<(ObjectKey, EncodedState)>,
    /// States that were merged here and are not on disk.
    unsynced: usize,
    /// States that were sent and are not acknowledged.
    sent: usize,
    healed: u64,
    /// States that could not be merged here.
    not_pulled: u64,
    /// States that the peer did not take.
    not_pushed: u64,
}

/// An answer that no honest peer gives.
#[derive(Debug)]
pub(super) struct Nonsense;

impl Moving {
    pub(super) fn new(id: RequestId, partition: Partition, peer: NodeId) -> Self {
        Self {
            id,
            partition,
            peer,
            pull: BTreeMap::new(),
            push: VecDeque::new(),
            outbox: VecDeque::new(),
            unsynced: 0,
            sent: 0,
            healed: 0,
            not_pulled: 0,
            not_pushed: 0,
        }
    }

    /// More was found to differ.
    pub(super) fn add(&mut self, found: Differences) {
        self.pull.extend(found.pull);
        self.push.extend(found.push);
    }

    /// Whether more leaves may be looked into before what is known is moved.
    pub(super) fn wants_more(&self) -> bool {
        self.pull.len() < PULL_AT_ONCE && self.push.len() < PUSH_BACKLOG
    }

    /// The tokens to ask for next.
    pub(super) fn next_to_pull(&self) -> Option<Vec<Token>> {
        let tokens: Vec<Token> = self.pull.keys().copied().take(PULL_AT_ONCE).collect();
        (!tokens.is_empty()).then_some(tokens)
    }

    /// Merges what the peer has sent for the first `answered` of the tokens that were asked for.
    /// Limits of the client's edge do not apply here.
    pub(super) fn take<S: ReadStore>(
        &mut self,
        asked: Vec<Token>,
        answered: u32,
        states: Vec<(ObjectKey, EncodedState)>,
        round: Round,
        turn: &mut Turn<'_, S>,
    ) -> Result<(), Nonsense> {
        let answered = answered as usize;
        if answered == 0 || answered > asked.len() {
            return Err(Nonsense);
        }
        let tokens: BTreeSet<Token> = asked[..answered].iter().copied().collect();
        if states.iter().any(|(key, _)| !tokens.contains(&key.token())) {
            return Err(Nonsense);
        }
        // A state from before a collection must not bring back what was collected (rule 13).
        if round < turn.replica.round(self.partition) {
            self.not_pulled += states.len() as u64;
        } else {
            for (key, state) in &states {
                self.merge(key, state, turn);
            }
        }
        for token in tokens {
            let Some(pull) = self.pull.remove(&token) else { continue };
            let ours = here_of(token, pull, &states, turn);
            if !ours.is_empty() && sum(&ours) != pull.theirs {
                self.push.push_back(token);
            }
        }
        Ok(())
    }

    fn merge<S: ReadStore>(
        &mut self,
        key: &ObjectKey,
        state: &EncodedState,
        turn: &mut Turn<'_, S>,
    ) {
        let waiter = Waiter::Coordinator(self.id);
        match turn.replica.merge(key, state, waiter, turn.store, turn.out) {
            Ok(Durability::OnDisk) => {}
            Ok(Durability::Pending) => {
                self.unsynced += 1;
                self.moved(state.as_bytes().len(), turn);
            }
            Err(_) => self.not_pulled += 1,
        }
    }

    /// Sends what the peer lacks, as long as there is room on the way to it. Returns how many
    /// states were sent.
    pub(super) fn push<S: ReadStore>(&mut self, turn: &mut Turn<'_, S>) -> usize {
        let before = self.sent;
        while let Some((key, state)) = self.next_to_push(turn) {
            let reason = Reason::Task(self.id);
            if !turn.deliver(self.peer, &key, &state, self.partition, reason) {
                self.outbox.push_front((key, state));
                break;
            }
            turn.counts.exchanged_bytes += state.as_bytes().len() as u64;
            self.sent += 1;
        }
        self.sent - before
    }

    fn next_to_push<S: ReadStore>(
        &mut self,
        turn: &Turn<'_, S>,
    ) -> Option<(ObjectKey, EncodedState)> {
        while self.outbox.is_empty() {
            let token = self.push.pop_front()?;
            self.outbox = turn.replica.states_at(token, turn.store).into();
        }
        self.outbox.pop_front()
    }

    /// One more of the states that were merged is on disk.
    pub(super) fn synced(&mut self) {
        self.unsynced = self.unsynced.saturating_sub(1);
    }

    /// The peer has one more of the states that were sent on its disk.
    pub(super) fn delivered<S: ReadStore>(&mut self, turn: &mut Turn<'_, S>) {
        self.sent = self.sent.saturating_sub(1);
        self.moved(0, turn);
    }

    /// One of the states that were sent did not arrive.
    pub(super) fn not_delivered(&mut self) {
        self.sent = self.sent.saturating_sub(1);
        self.not_pushed += 1;
    }

    fn moved<S: ReadStore>(&mut self, bytes: usize, turn: &mut Turn<'_, S>) {
        self.healed += 1;
        turn.counts.exchanged_objects += 1;
        turn.counts.exchanged_bytes += bytes as u64;
    }

    pub(super) fn waits_for_disk(&self) -> bool {
        self.unsynced > 0
    }

    /// States on their way to the peer.
    pub(super) fn under_way(&self) -> usize {
        self.sent
    }

    /// Whether nothing is left to move.
    pub(super) fn is_over(&self) -> bool {
        self.pull.is_empty()
            && self.push.is_empty()
            && self.outbox.is_empty()
            && self.sent == 0
            && self.unsynced == 0
    }

    /// Whether everything that was asked for is here.
    pub(super) fn pulled_all(&self) -> bool {
        self.not_pulled == 0 && self.pull.is_empty() && self.unsynced == 0
    }

    /// Whether everything that was sent is there.
    pub(super) fn pushed_all(&self) -> bool {
        self.not_pushed == 0
    }

    pub(super) fn healed(&self) -> u64 {
        self.healed
    }
}

/// What is here of a token after the merge. Where nothing was, it is the objects that came, which
/// are looked up by their names: that spares a search in the store for each object of a refill.
fn here_of<S: ReadStore>(
    token: Token,
    pull: Pull,
    came: &[(ObjectKey, EncodedState)],
    turn: &mut Turn<'_, S>,
) -> Vec<(ObjectKey, EncodedState)> {
    if pull.is_here {
        return turn.replica.states_at(token, turn.store);
    }
    let of_token = came.iter().map(|(key, _)| key).filter(|key| key.token() == token);
    let here = of_token.filter_map(|key| {
        let (state, _) = turn.state_kept_here(key).ok()?;
        Some((key.clone(), state?))
    });
    here.collect()
}

/// The sum that a leaf's item gives for these objects of one token.
fn sum(objects: &[(ObjectKey, EncodedState)]) -> u64 {
    objects
        .iter()
        .fold(TreeSum::default(), |sum, (key, state)| sum.plus(TreeSum::of(key, state.digest())))
        .short()
}
