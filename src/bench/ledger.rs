//! The contexts of what was put, by key, for doors whose puts say what they take the place of.
//!
//! The rule: a key is put by one connection at a time, with the context of the put before. So the
//! measured puts replace values and pile up no siblings, however popular a key is.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use stator_client::Context;

const SHELVES: usize = 64;

/// What is known of each key.
#[derive(Debug)]
pub(super) struct Ledger {
    keys: u32,
    shelves: Vec<Mutex<HashMap<u32, Held>>>,
}

#[derive(Debug)]
enum Held {
    /// Nobody puts it now.
    Free(Context),
    /// Somebody does.
    Claimed,
}

impl Ledger {
    /// Nothing is known of so many keys.
    pub(super) fn new(keys: u32) -> Self {
        Self { keys, shelves: (0..SHELVES).map(|_| Mutex::default()).collect() }
    }

    /// Claims a key, or the next one that nobody has claimed, with the context of its last put.
    /// There are more keys than can be claimed at a time.
    pub(super) fn claim(&self, key: u32) -> Claim<'_> {
        let others = (key..self.keys).chain(0..key);
        for key in others {
            let mut shelf = self.shelf(key);
            if matches!(shelf.get(&key), Some(Held::Claimed)) {
                continue;
            }
            let context = match shelf.insert(key, Held::Claimed) {
                Some(Held::Free(context)) => Some(context),
                _ => None,
            };
            return Claim { ledger: self, key, context };
        }
        unreachable!("a load has fewer connections than keys")
    }

    /// Keeps what a look at a key told.
    pub(super) fn learn(&self, key: u32, context: Context) {
        self.shelf(key).insert(key, Held::Free(context));
    }

    fn shelf(&self, key: u32) -> MutexGuard<'_, HashMap<u32, Held>> {
        self.shelves[key as usize % SHELVES].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A key that nobody else puts.
#[derive(Debug)]
pub(super) struct Claim<'a> {
    ledger: &'a Ledger,
    /// Which.
    pub(super) key: u32,
    /// What its next put is to send back, and after it, what it got.
    pub(super) context: Option<Context>,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let mut shelf = self.ledger.shelf(self.key);
        match self.context.take() {
            Some(context) => shelf.insert(self.key, Held::Free(context)),
            None => shelf.remove(&self.key),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(text: &str) -> Context {
        Context(text.to_owned())
    }

    #[test]
    fn a_claimed_key_is_nobody_elses_and_the_next_one_is_taken() {
        let ledger = Ledger::new(4);
        let claims = [3, 3, 0].map(|key| ledger.claim(key));
        assert_eq!(claims.each_ref().map(|claim| claim.key), [3, 0, 1]);
        drop(claims);
        assert_eq!(ledger.claim(3).key, 3);
    }

    #[test]
    fn a_put_sends_back_what_the_one_before_got() {
        let ledger = Ledger::new(4);
        let mut claim = ledger.claim(2);
        assert_eq!(claim.context, None);
        claim.context = Some(context("first"));
        drop(claim);
        assert_eq!(ledger.claim(2).context, Some(context("first")));
        // It went back unchanged, as after a put that failed.
        assert_eq!(ledger.claim(2).context, Some(context("first")));
        ledger.learn(2, context("read"));
        assert_eq!(ledger.claim(2).context, Some(context("read")));
        assert_eq!(ledger.claim(1).context, None);
    }
}
