//! A client of the Redis protocol: sends commands, reads replies, knows nothing else.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use crate::harness::PATIENCE;

/// A connection.
pub(crate) struct Redis {
    stream: BufReader<TcpStream>,
}

impl Redis {
    pub(crate) fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the Redis protocol is served");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout above zero");
        Self { stream: BufReader::new(stream) }
    }

    /// Sends a command without waiting for its reply.
    pub(crate) fn send(&mut self, words: &[&str]) {
        let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            write!(bytes, "${}\r\n{word}\r\n", word.len()).expect("memory can be written to");
        }
        self.stream.get_mut().write_all(&bytes).expect("the node reads");
    }

    /// The next reply: an error or a number with its first character, a string as it is, `nil`,
    /// and several as `[one, other]`.
    pub(crate) fn reply(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("the node answers");
        let line = line.strip_suffix("\r\n").expect("a line").to_owned();
        match (line.as_bytes()[0], line[1..].parse::<i64>()) {
            (b'$', Ok(-1)) => "nil".to_owned(),
            (b'$', Ok(length)) => {
                let mut bytes = vec![0; usize::try_from(length).expect("a length") + 2];
                self.stream.read_exact(&mut bytes).expect("the string");
                String::from_utf8_lossy(&bytes[..bytes.len() - 2]).into_owned()
            }
            (b'*', Ok(count)) => {
                let replies: Vec<String> = (0..count).map(|_| self.reply()).collect();
                format!("[{}]", replies.join(", "))
            }
            _ => line,
        }
    }

    /// Sends a command and reads its reply.
    pub(crate) fn ask(&mut self, words: &[&str]) -> String {
        self.send(words);
        self.reply()
    }

    /// The same for words without spaces.
    pub(crate) fn say(&mut self, line: &str) -> String {
        self.ask(&line.split(' ').collect::<Vec<_>>())
    }
}
