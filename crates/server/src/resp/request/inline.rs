//! Inline commands: words on a line, as somebody types them into a terminal. Quoting is that of
//! Redis: `"…"` with escapes (`\n \r \t \b \a \\ \" \xHH`), `'…'` with `\'` alone.

use bytes::Bytes;

/// The words of a line; none if its quotes don't match.
pub(super) fn split(line: &[u8]) -> Option<Vec<Bytes>> {
    let mut words = Vec::new();
    let mut rest = line.trim_ascii_start();
    while !rest.is_empty() {
        let mut word = Vec::new();
        rest = take_word(rest, &mut word)?.trim_ascii_start();
        words.push(word.into());
    }
    Some(words)
}

/// Takes a word off the front; what is behind it.
fn take_word<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    while let Some((&byte, after)) = rest.split_first() {
        match byte {
            b'"' | b'\'' => {
                let behind = take_quoted(byte, after, word)?;
                // A closing quote ends the word.
                let ends = behind.first().is_none_or(u8::is_ascii_whitespace);
                return ends.then_some(behind);
            }
            byte if byte.is_ascii_whitespace() => break,
            byte => word.push(byte),
        }
        rest = after;
    }
    Some(rest)
}

/// Takes what stands between quotes; none if the closing one is missing.
fn take_quoted<'a>(quote: u8, mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        rest = match rest {
            [b'\\', b'\'', after @ ..] if quote == b'\'' => {
                word.push(b'\'');
                after
            }
            [b'\\', b'x', high, low, after @ ..]
                if quote == b'"' && high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                word.push(digit(*high) << 4 | digit(*low));
                after
            }
            [b'\\', escaped, after @ ..] if quote == b'"' => {
                word.push(unescaped(*escaped));
                after
            }
            [byte, after @ ..] if *byte == quote => return Some(after),
            [byte, after @ ..] => {
                word.push(*byte);
                after
            }
            [] => return None,
        }
    }
}

fn digit(hex: u8) -> u8 {
    char::from(hex).to_digit(16).map_or(0, |digit| digit as u8)
}

const fn unescaped(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

#[cfg(test)]
mod tests;
