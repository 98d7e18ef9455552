//! A length of time, exactly: facts are compared by digest, so that nothing may be rounded.

use std::time::Duration;

use prost::Message;

use super::field::{Field, within};
use crate::error::WireError;

const NANOS_MAX: u32 = 999_999_999;

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Span {
    #[prost(uint64, tag = "1")]
    seconds: u64,
    #[prost(uint32, tag = "2")]
    nanos: u32,
}

impl From<Duration> for Span {
    fn from(duration: Duration) -> Self {
        Self { seconds: duration.as_secs(), nanos: duration.subsec_nanos() }
    }
}

impl Span {
    pub(super) fn duration(self, field: Field) -> Result<Duration, WireError> {
        Ok(Duration::new(self.seconds, within(field, self.nanos, 0, NANOS_MAX)?))
    }
}
