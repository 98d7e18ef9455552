//! The id by which a client and an operator speak of the same request: in the client's answer, in
//! problem documents, and in the node's log.
//!
//! A front door runs what it does for a request within [`RequestTag::scope`], and whoever logs there
//! finds the tag without having been handed it. It is a name for people, and decides nothing.

use std::fmt;

/// The longest tag that is taken from a client, in bytes.
const LONGEST: usize = 64;

tokio::task_local! {
    static CURRENT: RequestTag;
}

/// A request's id: 1 to 64 letters, digits, dots, dashes and underscores. Takes no memory of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestTag {
    bytes: [u8; LONGEST],
    len: u8,
    /// The client's span that the request is below.
    #[cfg(feature = "otlp")]
    parent: Option<crate::TraceParent>,
}

impl RequestTag {
    /// The tag that a client chose; none if it is too long, empty, or has something else in it.
    pub fn parse(given: &[u8]) -> Option<Self> {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        if given.is_empty() || given.len() > LONGEST || !given.iter().all(plain) {
            return None;
        }
        let mut bytes = [0; LONGEST];
        bytes[..given.len()].copy_from_slice(given);
        Some(Self::of(bytes, given.len() as u8))
    }

    /// A tag that is a number, in 16 hex digits.
    pub fn numbered(number: u64) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut bytes = [0; LONGEST];
        for (at, byte) in bytes[..16].iter_mut().enumerate() {
            *byte = DIGITS[(number >> (60 - 4 * at)) as usize & 15];
        }
        Self::of(bytes, 16)
    }

    const fn of(bytes: [u8; LONGEST], len: u8) -> Self {
        Self {
            bytes,
            len,
            #[cfg(feature = "otlp")]
            parent: None,
        }
    }

    /// The same tag, of a request that is below this span of its client.
    #[cfg(feature = "otlp")]
    pub const fn below(self, parent: Option<crate::TraceParent>) -> Self {
        Self { parent, ..self }
    }

    /// The client's span that the request is below, if the client named one.
    #[cfg(feature = "otlp")]
    pub const fn parent(&self) -> Option<crate::TraceParent> {
        self.parent
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        let text = std::str::from_utf8(&self.bytes[..usize::from(self.len)]);
        text.expect("a tag is made of ASCII characters")
    }

    /// Runs what is done for the request.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    /// The tag of the request that the present task works for, if it has one.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|tag| *tag).ok()
    }
}

impl fmt::Debug for RequestTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestTag({})", self.as_str())
    }
}

impl fmt::Display for RequestTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_tag_is_taken_if_it_is_short_and_plain() {
        for good in ["a", "0af7651916cd43dd8448eb211c80319c", "req-1_2.3", &"x".repeat(64)] {
            assert_eq!(RequestTag::parse(good.as_bytes()).expect(good).as_str(), good);
        }
        for bad in ["", "two words", "a\nb", "\"quoted\"", "é", &"x".repeat(65)] {
            assert_eq!(RequestTag::parse(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn a_number_is_told_in_sixteen_digits() {
        assert_eq!(RequestTag::numbered(0x1f).as_str(), "000000000000001f");
        assert_eq!(RequestTag::numbered(0xfedc_ba98_7654_3210).as_str(), "fedcba9876543210");
    }

    #[tokio::test]
    async fn work_within_a_scope_finds_its_own_tag() {
        assert_eq!(RequestTag::current(), None);
        let find = |number| RequestTag::numbered(number).scope(async { RequestTag::current() });
        let found = tokio::join!(find(1), find(2));
        assert_eq!(found, (Some(RequestTag::numbered(1)), Some(RequestTag::numbered(2))));
    }
}
