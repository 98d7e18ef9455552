//! Minting a client's write (rules 2 and 4): after reading what is there, under a fresh dot.

use super::trees::Before;
use super::{MintError, Minted, Replica, StoreKey, Waiter, Write, decoded};
use crate::effect::{Effect, Effects};
use crate::message::EncodedState;
use crate::object::ObjectState;
use crate::observe::Observation;
use crate::store::ReadStore;
use crate::time::WallTime;

impl Replica {
    /// Mints a client's write after reading the current state (rules 2 and 4), and has it written.
    /// `waiter` is told when it is on disk.
    pub fn mint(
        &mut self,
        wall: WallTime,
        write: Write<'_>,
        waiter: Waiter,
        store: &impl ReadStore,
        out: &mut Effects,
    ) -> Result<Minted, MintError> {
        let at = StoreKey::of(write.key);
        let (before, current) = self.before_mint(&at, &write, store, out)?;
        write.check_siblings(&current)?;
        let dot = self.actors.mint(write.partition);
        let key = write.key;
        let (state, context) = write.apply(current, dot, wall, &mut self.stamps);
        let siblings = state.siblings().len() as u32;
        out.push(Effect::Observe(Observation::Minted { key: key.clone(), dot, siblings }));
        let encoded = EncodedState::of(&state);
        let ticket = self.record(at, key, &before, Some((&encoded, &state)), out);
        self.journal.wait(ticket, waiter);
        Ok(Minted { dot, encoded, context })
    }

    /// What a write finds: the whole state where some of that stays beside it, else perhaps its
    /// versions alone.
    fn before_mint(
        &mut self,
        at: &StoreKey,
        write: &Write<'_>,
        store: &impl ReadStore,
        out: &mut Effects,
    ) -> Result<(Before, ObjectState), MintError> {
        let mut before =
            self.before_write(at, write.key, store, out).map_err(MintError::Unreadable)?;
        if let Before::Cached(cached) = &before {
            if write.replaces_all(&cached.versions) {
                let versions = cached.versions.clone();
                return Ok((before, versions));
            }
            before = self
                .whole_before_write(at, write.key, store, out)
                .map_err(MintError::Unreadable)?;
        }
        let current = decoded(&before).map_err(MintError::Unreadable)?;
        Ok((before, current))
    }
}
