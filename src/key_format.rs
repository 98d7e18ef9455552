//! Keys on a command line and in its output: raw, percent-encoded or hex.

use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;

use bytes::Bytes;
use clap::ValueEnum;

use crate::failure::Failure;

/// How a key is written on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyFormat {
    /// The argument's own bytes.
    #[default]
    Raw,
    /// Percent-encoded, as in URLs and as `stator keys` prints them.
    Percent,
    /// Two hexadecimal digits a byte.
    Hex,
}

impl KeyFormat {
    /// The bytes that an argument stands for.
    pub(crate) fn read(self, argument: &OsStr) -> Result<Bytes, Failure> {
        let given = argument.as_bytes();
        match self {
            Self::Raw => Ok(Bytes::copy_from_slice(given)),
            Self::Percent => decode(given, Decoder::Percent),
            Self::Hex => decode(given, Decoder::Hex),
        }
        .map_err(|what| {
            Failure::usage(format!("\"{}\" is no key in this format: {what}", show(given)))
                .try_next("check --key-format: raw, percent or hex")
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Decoder {
    Percent,
    Hex,
}

fn decode(given: &[u8], decoder: Decoder) -> Result<Bytes, String> {
    let mut bytes = Vec::with_capacity(given.len());
    let mut rest = given;
    while let Some((&first, after)) = rest.split_first() {
        if decoder == Decoder::Percent && first != b'%' {
            bytes.push(first);
            rest = after;
            continue;
        }
        let digits = if decoder == Decoder::Percent { after } else { rest };
        let Some((pair, after)) = digits.split_at_checked(2) else {
            return Err("it ends in half a byte".to_owned());
        };
        let (Some(high), Some(low)) = (digit(pair[0]), digit(pair[1])) else {
            return Err(format!("\"{}\" are not two hexadecimal digits", pair.escape_ascii()));
        };
        bytes.push(high << 4 | low);
        rest = after;
    }
    Ok(bytes.into())
}

fn digit(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|digit| digit as u8)
}

/// Shows a key for people: printable ASCII as it is, everything else (and `%`) percent-encoded,
/// so that what is shown can be given back with `--key-format percent`.
pub(crate) fn show(key: &[u8]) -> String {
    let mut text = String::with_capacity(key.len());
    for &byte in key {
        match byte {
            b'%' => text.push_str("%25"),
            0x20..=0x7e => text.push(byte as char),
            _ => write!(text, "%{byte:02X}").expect("writing to a string can't fail"),
        }
    }
    text
}

#[cfg(test)]
mod tests;
