//! Who is who: nodes, clusters, starts of a node, and the actors that mint versions.
//!
//! All of them are random, so that two never meet by mistake; names and addresses are only labels
//! (rule 19).

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $int:ty, $width:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($int);

        impl $name {
            /// The id with these bits.
            pub const fn new(bits: $int) -> Self {
                Self(bits)
            }

            /// Its bits, as stored and sent.
            pub const fn get(self) -> $int {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("{:0", $width, "x}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:0", $width, "x})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseIntError;

            fn from_str(text: &str) -> Result<Self, ParseIntError> {
                <$int>::from_str_radix(text, 16).map(Self)
            }
        }
    };
}

hex_id!(
    /// A node for as long as its `identity/` lives; random, drawn when the directory is made.
    NodeId, u64, "16"
);
hex_id!(
    /// Under which dots are minted: drawn afresh for each partition's replica at every start, and
    /// retired for good as soon as anything minted under it is dropped or lost (rule 1).
    ActorId, u64, "16"
);
hex_id!(
    /// A cluster, drawn once when it is founded; members of another are refused.
    ClusterId, u128, "32"
);

/// How often a node has started, counted durably in `identity/`; a lower one than peers remember
/// is the tripwire for a restored identity (rule 19).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootNumber(pub u64);

/// A random mark of one start of a node: two processes that run on copies of one identity have the
/// same boot number and different nonces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootNonce(pub u64);
