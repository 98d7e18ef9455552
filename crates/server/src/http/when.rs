//! The ways in which HTTP and JSON write a time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stator_core::time::WallTime;

/// The last second that HTTP dates and RFC 3339 can write: the end of the year 9999. A stamp may
/// name a later one, since a stamp is only 48 bits that somebody sent.
const LAST_SECOND: u64 = 253_402_300_799;

fn system_time(at: WallTime) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(at.as_millis().min(LAST_SECOND * 1000))
}

/// As in `Last-Modified`.
pub(super) fn http_date(at: WallTime) -> String {
    httpdate::fmt_http_date(system_time(at))
}

/// As in JSON: RFC 3339, in UTC, to the millisecond.
pub(super) fn rfc3339(at: WallTime) -> String {
    humantime::format_rfc3339_millis(system_time(at)).to_string()
}

#[cfg(test)]
mod tests;
