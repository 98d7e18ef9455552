//! A put that is minted into a hint, since none of its primaries can be reached (rules 1 and 2).

use super::{Desk, Hint, HintKey, Hints};
use crate::effect::Effect;
use crate::identity::{ActorId, NodeId};
use crate::message::EncodedState;
use crate::object::ObjectState;
use crate::observe::Observation;
use crate::replica::{MintError, Minted, Stamps, Waiter, Write};
use crate::store::ReadStore;
use crate::version::Dot;

impl Hints {
    /// Mints a put into the hint for `owner`, after reading everything that is kept of the object
    /// here. `waiter` is told when it is on disk.
    pub fn mint<S: ReadStore>(
        &mut self,
        owner: NodeId,
        write: Write<'_>,
        waiter: Waiter,
        stamps: &mut Stamps,
        desk: &mut Desk<'_, S>,
    ) -> Result<Minted, MintError> {
        let at = HintKey::of(owner, write.key);
        let known = self.read(write.key, desk.store).map_err(MintError::Unreadable)?;
        let current = match known {
            None => ObjectState::default(),
            Some(encoded) => {
                let decoded = encoded.decode();
                let unreadable = |error: crate::object::DecodeError| {
                    MintError::Unreadable(crate::replica::Unreadable(error.to_string()))
                };
                decoded.map_err(unreadable)?
            }
        };
        let held = self.shelf.get(&at, desk.store).map_err(MintError::Unreadable)?;
        write.check_siblings(&current)?;
        if held.is_none() && self.is_full(&EncodedState::of(&current)) {
            return Err(MintError::HintsFull);
        }
        let dot = self.next_dot(&at);
        let (key, partition) = (write.key.clone(), write.partition);
        let (state, context) = write.apply(current, dot, desk.wall, stamps);
        let siblings = state.siblings().len() as u32;
        let minted = Observation::Minted { key: key.clone(), dot, siblings };
        desk.out.push(Effect::Observe(minted));
        let encoded = EncodedState::of(&state);
        let stored = held.as_ref().map_or(desk.wall, |held| held.stored);
        let hint = Hint { owner, key, state: encoded.clone(), stored };
        let ticket = self.put(at, partition, hint, held.as_ref(), desk);
        desk.journal.wait(ticket, waiter);
        Ok(Minted { dot, encoded, context })
    }

    fn next_dot(&mut self, at: &HintKey) -> Dot {
        let random = &mut self.random;
        let last = self
            .minted
            .entry(at.clone())
            .or_insert_with(|| Dot { actor: ActorId::new(random.bits()), counter: 0 });
        last.counter += 1;
        *last
    }
}
