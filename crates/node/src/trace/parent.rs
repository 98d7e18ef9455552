//! What a client says of the trace that its request is a part of: the header `traceparent` of W3C
//! Trace Context.

use super::{SpanId, SpanName, TraceId};

/// A client's span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// The span of the client's that the request is below.
    pub name: SpanName,
    /// Whether the client keeps its trace.
    pub sampled: bool,
}

impl TraceParent {
    /// Reads `version-trace-span-flags`; none if it is anything else. Of later versions the first
    /// four fields are taken, as the standard asks.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?;
        let mut fields = text.split('-');
        let version = hex(fields.next()?, 2)?;
        let trace = TraceId::new(hex(fields.next()?, 32)?)?;
        let span = SpanId::new(hex(fields.next()?, 16)? as u64)?;
        let flags = hex(fields.next()?, 2)?;
        let known = version == 0 && fields.next().is_none() || (1..0xff).contains(&version);
        known.then_some(Self { name: SpanName { trace, span }, sampled: flags & 1 == 1 })
    }
}

/// So many lower-case hex digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (text.len() == digits && is_hex).then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_read_and_nonsense_is_not() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let parent = TraceParent::parse(text.as_bytes()).expect(text);
        assert_eq!(parent.name.trace.get(), 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c);
        assert_eq!(parent.name.span.get(), 0xb7ad_6b71_6920_3331);
        assert!(parent.sampled);
        let unsampled = text.replace("-01", "-02");
        assert!(!TraceParent::parse(unsampled.as_bytes()).expect("well formed").sampled);
        let later = format!("01{}-more", &text[2..]);
        assert_eq!(TraceParent::parse(later.as_bytes()), Some(parent));
        let no_span = text.replace("b7ad6b7169203331", "0000000000000000");
        let (forbidden, long) = (format!("ff{}", &text[2..]), format!("{text}-more"));
        let upper = text.to_uppercase();
        for bad in ["", "00", &text[..54], &no_span, &forbidden, &long, &upper, "é-é-é-é"] {
            assert_eq!(TraceParent::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
