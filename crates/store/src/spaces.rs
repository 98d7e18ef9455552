//! One value for each keyspace.

use stator_core::store::Keyspace;

/// One `T` for each keyspace, reached without a look-up.
#[derive(Clone, Debug, Default)]
pub(crate) struct PerKeyspace<T>([T; Keyspace::ALL.len()]);

impl<T> PerKeyspace<T> {
    /// Makes each of them, or stops at the first error.
    pub(crate) fn try_make<E>(mut make: impl FnMut(Keyspace) -> Result<T, E>) -> Result<Self, E> {
        let [first, second, third] = Keyspace::ALL;
        Ok(Self([make(first)?, make(second)?, make(third)?]))
    }

    pub(crate) fn get(&self, keyspace: Keyspace) -> &T {
        &self.0[slot(keyspace)]
    }

    pub(crate) fn get_mut(&mut self, keyspace: Keyspace) -> &mut T {
        &mut self.0[slot(keyspace)]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }
}

/// Its place in [`Keyspace::ALL`].
const fn slot(keyspace: Keyspace) -> usize {
    match keyspace {
        Keyspace::Objects => 0,
        Keyspace::Hints => 1,
        Keyspace::Meta => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyspace_has_the_slot_of_its_place() {
        for (place, keyspace) in Keyspace::ALL.into_iter().enumerate() {
            assert_eq!(slot(keyspace), place);
        }
    }
}
