//! What a bench's load is made of, parsed.

use std::str::FromStr;
use std::time::Duration;

/// A kind of operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Store a value
    Put,
    /// Read one
    Get,
    /// Read one, then store another with the context that was read
    Modify,
}

/// Of which operations a load consists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mix {
    /// Each key is put once.
    Load,
    /// So many of a hundred are puts and so many read-modify-writes; the others are gets.
    Of {
        /// Puts
        puts: u8,
        /// Read-modify-writes
        modifies: u8,
    },
}

impl Mix {
    const fn puts(puts: u8) -> Self {
        Self::Of { puts, modifies: 0 }
    }

    /// Whether keys must be there before.
    pub(crate) const fn reads(self) -> bool {
        match self {
            Self::Load => false,
            Self::Of { puts, .. } => puts < 100,
        }
    }

    /// Whether values are put by who has not just read what they take the place of.
    pub(crate) const fn puts_unread(self) -> bool {
        matches!(self, Self::Of { puts: 1.., .. })
    }

    /// Whether anything is written.
    pub(crate) const fn writes(self) -> bool {
        !matches!(self, Self::Of { puts: 0, modifies: 0 })
    }

    /// The operation for a number below a hundred.
    pub(crate) const fn part(self, of_hundred: u8) -> Part {
        match self {
            Self::Of { puts, modifies } if of_hundred >= puts + modifies => Part::Get,
            Self::Of { puts, .. } if of_hundred >= puts => Part::Modify,
            _ => Part::Put,
        }
    }
}

impl std::fmt::Display for Mix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Load => f.write_str("load"),
            Self::Of { modifies: 1.., .. } => f.write_str("f"),
            Self::Of { puts: 100, .. } => f.write_str("put"),
            Self::Of { puts: 0, .. } => f.write_str("get"),
            Self::Of { puts, .. } => write!(f, "{puts}/{}", 100 - puts),
        }
    }
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("{text:?} is no mix: put, get, load, a, b, c, f, or PUTS/GETS such as 50/50")
        };
        let (puts, gets) = match text {
            "load" => return Ok(Self::Load),
            "put" => return Ok(Self::puts(100)),
            "get" | "c" => return Ok(Self::puts(0)),
            "a" => return Ok(Self::puts(50)),
            "b" => return Ok(Self::puts(5)),
            "f" => return Ok(Self::Of { puts: 0, modifies: 50 }),
            "d" | "e" => {
                return Err(format!(
                    "YCSB's {text} inserts or scans, which is not measured here: a, b, c or f"
                ));
            }
            _ => text.split_once('/').ok_or_else(wrong)?,
        };
        let puts: u8 = puts.parse().map_err(|_| wrong())?;
        let gets: u8 = gets.parse().map_err(|_| wrong())?;
        if puts.checked_add(gets) != Some(100) {
            return Err(format!("{text:?} is no mix: the two parts make up 100"));
        }
        Ok(Self::puts(puts))
    }
}

/// How large values are: drawn evenly from this range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ValueSize {
    /// At least
    pub(crate) min: usize,
    /// At most
    pub(crate) max: usize,
}

impl ValueSize {
    /// All of this size.
    pub(crate) const fn of(size: usize) -> Self {
        Self { min: size, max: size }
    }
}

impl FromStr for ValueSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |_| format!("{text:?} is no size: a number of bytes, or two such as 100-4000");
        let Some((min, max)) = text.split_once('-') else {
            return text.parse().map(Self::of).map_err(wrong);
        };
        let (min, max) = (min.parse().map_err(wrong)?, max.parse().map_err(wrong)?);
        if min > max {
            return Err(format!("{text:?} is no size: {min} is more than {max}"));
        }
        Ok(Self { min, max })
    }
}

impl std::fmt::Display for ValueSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.min == self.max {
            return write!(f, "{}", self.min);
        }
        write!(f, "{}-{}", self.min, self.max)
    }
}

/// Parses the exponent of Zipf's law.
pub(super) fn exponent(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    if (0.0..=10.0).contains(&number) {
        return Ok(number);
    }
    Err("it lies between 0, which is uniform, and 10".to_owned())
}

/// Parses the length of a slot.
pub(super) fn slot(text: &str) -> Result<Duration, String> {
    let slot = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if slot < Duration::from_millis(10) {
        return Err("shorter than 10ms a slot says little".to_owned());
    }
    Ok(slot)
}

#[cfg(test)]
mod tests;
