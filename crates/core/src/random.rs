//! Randomness as a value: the core draws from a generator that the shell seeded, and gives each of
//! its parts a named child, so that what one part draws never shifts what another sees.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use crate::identity::ActorId;

/// A deterministic generator (ChaCha8), seeded by the shell: from the operating system in
/// production, from the run's one seed in the simulator.
#[derive(Clone, Debug)]
pub struct Random(ChaCha8Rng);

impl Random {
    /// The generator of this seed.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(ChaCha8Rng::from_seed(seed))
    }

    /// A generator of its own for the part called `name`, the same for the same seed and name.
    pub fn child(&self, name: &str) -> Self {
        Self::from_seed(blake3::derive_key(name, &self.0.get_seed()))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound`, evenly spread but for a bias below 2⁻³²; 0 if the bound is 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(bound)) >> 32) as u32
    }

    /// A fresh actor id (rule 1).
    pub fn actor(&mut self) -> ActorId {
        ActorId::new(self.bits())
    }
}
