//! How numbers, times, states and stored values are written for people.

use std::time::Duration;

use maud::{Markup, html};
use stator_core::membership::admin::{MemberState, MemberStatus};
use stator_core::time::WallTime;

use super::super::when;

/// Of a value at most so many bytes are shown as text.
const TEXT_BYTES: usize = 2048;
/// Of a value that is no text, at most so many in hex.
const HEX_BYTES: usize = 256;

/// Colours that nodes are told apart by; past them they are used again.
const COLOURS: usize = 12;

/// The class that gives a node its colour: by its place among all nodes by name.
pub(super) fn colour(members: &[MemberStatus], id: stator_core::identity::NodeId) -> String {
    let place = members.iter().position(|member| member.id == id);
    place.map_or_else(|| "c-none".to_owned(), |place| format!("c{}", place % COLOURS))
}

/// What a state is called.
pub(super) const fn state(state: MemberState) -> &'static str {
    match state {
        MemberState::Up => "up",
        MemberState::Down => "down",
        MemberState::Joining => "joining",
        MemberState::Leaving => "leaving",
        MemberState::Removed => "removed",
    }
}

/// A state as a badge.
pub(super) fn badge(name: &str) -> Markup {
    html! { span class={ "badge " (name) } { (name) } }
}

/// Bytes.
pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let power = (bytes.ilog2() / 10).min(UNITS.len() as u32);
    let scaled = bytes as f64 / (1_u64 << (10 * power)) as f64;
    format!("{scaled:.1} {}", UNITS[power as usize - 1])
}

/// A number with its thousands apart.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut text = digits[..first].to_owned();
    for group in digits.as_bytes()[first..].chunks(3) {
        if !text.is_empty() {
            text.push('\u{202f}');
        }
        text.extend(group.iter().map(|&byte| char::from(byte)));
    }
    text
}

/// A number of something per second, or the like: three digits that matter.
pub(super) fn figure(number: f64) -> String {
    match number {
        number if (number - number.round()).abs() < 1e-9 => count(number.round() as u64),
        number if number >= 100.0 => count(number.round() as u64),
        number if number >= 10.0 => format!("{number:.1}"),
        number => format!("{number:.2}"),
    }
}

/// A fraction in per cent.
pub(super) fn percent(fraction: f64) -> String {
    format!("{:.1} %", fraction * 100.0)
}

/// How long something took or has lasted, in its two largest units.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// The time of day, in UTC.
pub(super) fn time_of_day(at: WallTime) -> String {
    let whole = when::rfc3339(at);
    whole.get(11..19).unwrap_or(&whole).to_owned()
}

/// The first letters of a long name in hex.
pub(super) fn short(hex: &str) -> &str {
    hex.get(..8).unwrap_or(hex)
}

/// The first bytes of a value that has `whole` bytes: as text if it is readable text, else in hex.
pub(super) fn value(first: &[u8], whole: usize) -> Markup {
    let (text, shown) = match readable(first, whole) {
        Some(text) => (text.to_owned(), text.len()),
        None => dump(first),
    };
    html! {
        @if whole == 0 {
            span class="quiet" { "empty" }
        } @else {
            pre class="value" { (text) }
            @if shown < whole {
                p class="quiet" { "… " (count((whole - shown) as u64)) " bytes more" }
            }
        }
    }
}

/// The beginning of a value as text; none if it is not readable text.
fn readable(first: &[u8], whole: usize) -> Option<&str> {
    let first = &first[..first.len().min(TEXT_BYTES)];
    let text = match std::str::from_utf8(first) {
        Ok(text) => text,
        // The cut may have gone through a character.
        Err(error) if first.len() < whole && error.error_len().is_none() => {
            std::str::from_utf8(&first[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let is_control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    (!text.chars().any(is_control)).then_some(text)
}

/// The beginning of a value in hex, sixteen bytes a line, and how many bytes that are.
fn dump(first: &[u8]) -> (String, usize) {
    let first = &first[..first.len().min(HEX_BYTES)];
    let pair = |byte: &u8| hex(&[*byte]);
    let line = |bytes: &[u8]| bytes.iter().map(pair).collect::<Vec<_>>().join(" ");
    let lines: Vec<String> = first.chunks(16).map(line).collect();
    (lines.join("\n"), first.len())
}

/// Bytes in hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// A value as text that can be edited and put back unchanged; none if it is none, or too long.
pub(super) fn editable(value: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(value).ok().filter(|text| text.len() <= 64 * 1024)?;
    // Browsers send line ends as CR LF, so that a lone CR would not come back.
    let is_lost = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    (!text.chars().any(is_lost)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_as_text_or_hex_and_never_whole_if_they_are_long() {
        assert_eq!(value(b"a<b>\n", 5).0, "<pre class=\"value\">a&lt;b&gt;\n</pre>");
        assert_eq!(value(b"\x00\xff", 2).0, "<pre class=\"value\">00 ff</pre>");
        assert!(value(b"", 0).0.contains("empty"));
        let cut = "ä".as_bytes();
        assert_eq!(readable(&cut[..1], 2), Some(""), "cut within a character");
        assert_eq!(readable(&cut[..1], 1), None, "not cut: no text");
        let long = vec![b'x'; 5000];
        assert!(value(&long, 5000).0.contains("2\u{202f}952 bytes more"));
        assert!(value(&[0; 1024], 1024).0.contains("768 bytes more"));
    }

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(count(0), "0");
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(count(123), "123");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(u64::MAX), "16777216.0 TiB");
        assert_eq!(figure(0.0), "0");
        assert_eq!(figure(0.125), "0.12");
        assert_eq!(figure(1234.5), "1\u{202f}235");
        assert_eq!(duration(Duration::from_secs(61)), "1 min 1 s");
    }

    #[test]
    fn what_would_not_come_back_unchanged_is_not_edited() {
        assert_eq!(editable(b"a\nb\t"), Some("a\nb\t"));
        assert_eq!(editable(b"a\r\nb"), None);
        assert_eq!(editable(b"\xff"), None);
    }
}
