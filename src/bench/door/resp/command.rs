//! Commands of the Redis protocol as bytes.

use std::io::Write;

/// Adds a command of these words.
pub(super) fn command(into: &mut Vec<u8>, words: &[&[u8]]) {
    const ROOM: &str = "a vector takes what is written";
    write!(into, "*{}\r\n", words.len()).expect(ROOM);
    for word in words {
        write!(into, "${}\r\n", word.len()).expect(ROOM);
        into.extend_from_slice(word);
        into.extend_from_slice(b"\r\n");
    }
}
