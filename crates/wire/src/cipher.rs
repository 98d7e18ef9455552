//! Which cipher seals the records of a connection: what both sides do fast.
//!
//! ChaCha20-Poly1305, the handshake's own, is as fast as it can be on any processor. AES-256-GCM is
//! several times faster where the processor has instructions for it, and several times slower where
//! it has not. So each side says in its hello what is fastest with it.
//!
//! The rule: both sides come to the same cipher from the two hellos, which nobody without the secret
//! can change, so that nobody can talk a connection into another one.

/// The ciphers for records, in the order of their numbers in hellos. Who offers one offers those
/// before it, so that an older node can connect to a newer one that knows more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cipher {
    /// ChaCha20-Poly1305, which all speak.
    ChaChaPoly,
    /// AES-256-GCM, for processors with instructions for it.
    AesGcm,
}

impl Cipher {
    /// What is fastest on this machine.
    pub fn fastest() -> Self {
        if has_instructions() { Self::AesGcm } else { Self::ChaChaPoly }
    }

    /// What the two sides of a connection use.
    pub fn agree(self, theirs: Self) -> Self {
        self.min(theirs)
    }

    pub(crate) const fn number(self) -> u32 {
        match self {
            Self::ChaChaPoly => 0,
            Self::AesGcm => 1,
        }
    }

    /// A hello of before there was a choice says 0. What a later version adds has a higher number,
    /// and offers the rest as well.
    pub(crate) const fn of_number(number: u32) -> Self {
        match number {
            0 => Self::ChaChaPoly,
            _ => Self::AesGcm,
        }
    }
}

/// Whether the processor has instructions for AES and for GCM's multiplication, which the library
/// looks for in the same way.
fn has_instructions() -> bool {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    return std::is_x86_feature_detected!("aes") && std::is_x86_feature_detected!("pclmulqdq");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
    return false;
}

#[cfg(test)]
mod tests {
    use super::Cipher::{self, AesGcm, ChaChaPoly};

    #[test]
    fn both_sides_come_to_the_same_and_only_two_that_are_fast_at_it_use_aes() {
        for (mine, theirs) in [(ChaChaPoly, ChaChaPoly), (ChaChaPoly, AesGcm), (AesGcm, AesGcm)] {
            assert_eq!(mine.agree(theirs), theirs.agree(mine));
            assert_eq!(mine.agree(theirs), mine);
        }
    }

    #[test]
    fn a_number_comes_back_and_a_later_one_means_the_best_that_is_known() {
        for cipher in [ChaChaPoly, AesGcm] {
            assert_eq!(Cipher::of_number(cipher.number()), cipher);
        }
        assert_eq!(Cipher::of_number(7), AesGcm);
    }
}
