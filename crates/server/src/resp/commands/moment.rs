//! When a value expires, as commands say it: in seconds or milliseconds, from now or absolute.

use bytes::Bytes;
use stator_core::time::WallTime;

use super::super::failure::Failure;
use super::super::request::integer;
use crate::clock;

/// How a number names a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    SecondsFromNow,
    MillisFromNow,
    SecondsAbsolute,
    MillisAbsolute,
}

impl Form {
    /// By the name of its option.
    pub(super) fn of_option(option: &[u8]) -> Option<Self> {
        let named: [(&[u8], Self); 4] = [
            (b"EX", Self::SecondsFromNow),
            (b"PX", Self::MillisFromNow),
            (b"EXAT", Self::SecondsAbsolute),
            (b"PXAT", Self::MillisAbsolute),
        ];
        let mut named = named.into_iter();
        named.find(|(name, _)| option.eq_ignore_ascii_case(name)).map(|(_, form)| form)
    }

    /// The moment in milliseconds since the epoch, if it is one that Redis could name.
    fn millis(self, number: i64, now: WallTime) -> Option<i64> {
        let now = i64::try_from(now.as_millis()).ok()?;
        match self {
            Self::SecondsFromNow => number.checked_mul(1000)?.checked_add(now),
            Self::MillisFromNow => number.checked_add(now),
            Self::SecondsAbsolute => number.checked_mul(1000),
            Self::MillisAbsolute => Some(number),
        }
    }
}

/// The moment that an option of `command` names, which must be a number above 0.
pub(super) fn positive(form: Form, text: &Bytes, command: &str) -> Result<WallTime, Failure> {
    let number = integer(text).ok_or_else(Failure::not_an_integer)?;
    let millis = form.millis(number, clock::now()).filter(|_| number > 0);
    let millis = millis.and_then(|millis| u64::try_from(millis).ok());
    millis.map(WallTime::from_millis).ok_or_else(|| invalid(command))
}

/// The moment that `command` names, which may have passed; none if it has.
pub(super) fn any(form: Form, text: &Bytes, command: &str) -> Result<Option<WallTime>, Failure> {
    let number = integer(text).ok_or_else(Failure::not_an_integer)?;
    let now = clock::now();
    let millis = form.millis(number, now).ok_or_else(|| invalid(command))?;
    let at = u64::try_from(millis).ok().map(WallTime::from_millis);
    Ok(at.filter(|&at| at > now))
}

fn invalid(command: &str) -> Failure {
    Failure::err(format!("invalid expire time in '{command}' command"))
}

#[cfg(test)]
mod tests;
