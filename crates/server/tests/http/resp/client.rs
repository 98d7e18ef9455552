//! A client that sends just the bytes it is told, and reads replies with a parser that others wrote.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use redis_protocol::resp2::decode::decode_bytes_mut as decode2;
use redis_protocol::resp2::types::BytesFrame as Frame2;
use redis_protocol::resp3::decode::complete::decode_bytes_mut as decode3;
use redis_protocol::resp3::types::BytesFrame as Frame3;
use stator_server::{Backend, ConnectionLimits, RespConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// How long anything in these tests may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A served door.
pub(super) struct Door {
    pub(super) address: SocketAddr,
    pub(super) stop: Option<oneshot::Sender<()>>,
    pub(super) served: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Door {
    pub(super) async fn open(backend: Arc<impl Backend>) -> Self {
        Self::with(backend, RespConfig::default(), ConnectionLimits::default()).await
    }

    pub(super) async fn with(
        backend: Arc<impl Backend>,
        config: RespConfig,
        limits: ConnectionLimits,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move {
            let _ = stopped.await;
        };
        let serving =
            stator_server::resp::serve_within(limits, listener, backend, config, shutdown);
        Self { address, stop: Some(stop), served: tokio::spawn(serving) }
    }

    pub(super) async fn connect(&self) -> Talk {
        let stream = TcpStream::connect(self.address).await.expect("the door listens");
        Talk { stream, read: BytesMut::new() }
    }
}

/// A connection.
pub(super) struct Talk {
    pub(super) stream: TcpStream,
    read: BytesMut,
}

impl Talk {
    pub(super) async fn send(&mut self, bytes: &[u8]) {
        let sent = tokio::time::timeout(PATIENCE, self.stream.write_all(bytes)).await;
        sent.expect("the door reads").expect("the door is open");
    }

    /// The next reply, in short: see [`decoded`]. None if the door has closed.
    pub(super) async fn reply(&mut self) -> Option<String> {
        let reply = async {
            loop {
                if let Some(told) = decoded(&mut self.read) {
                    return Some(told);
                }
                if self.stream.read_buf(&mut self.read).await.ok()? == 0 {
                    return None;
                }
            }
        };
        tokio::time::timeout(PATIENCE, reply).await.expect("an answer in time")
    }

    /// Sends a command of these words, and reads its reply.
    pub(super) async fn ask(&mut self, words: &[&str]) -> String {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        self.send(&written(&words)).await;
        self.reply().await.expect("the door answers")
    }

    /// The same for words without spaces.
    pub(super) async fn say(&mut self, line: &str) -> String {
        self.ask(&line.split(' ').collect::<Vec<_>>()).await
    }

    /// Each line's reply, checked.
    pub(super) async fn play(&mut self, lines: &[(&str, &str)]) {
        for (line, expected) in lines {
            assert_eq!(&self.say(line).await, expected, "{line}");
        }
    }

    /// Waits until the door has closed; what came before that.
    pub(super) async fn rest(mut self) -> Vec<String> {
        let mut replies = Vec::new();
        while let Some(reply) = self.reply().await {
            replies.push(reply);
        }
        replies
    }
}

/// A request's bytes.
pub(super) fn written(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// The first reply in these bytes, if it is whole, in short: `+word`, `-error`, `:number`, the bytes
/// of a string as text, `nil`, `[several, of, them]`, `{key: value}`.
fn decoded(read: &mut BytesMut) -> Option<String> {
    if let Ok(frame) = decode2(read) {
        return frame.map(|(frame, _, _)| told2(&frame));
    }
    // What RESP2 does not have is RESP3.
    let frame = decode3(read).expect("it is a reply");
    frame.map(|(frame, _, _)| told3(&frame))
}

fn told2(frame: &Frame2) -> String {
    match frame {
        Frame2::SimpleString(data) => format!("+{}", String::from_utf8_lossy(data)),
        Frame2::Error(data) => format!("-{data}"),
        Frame2::Integer(data) => format!(":{data}"),
        Frame2::BulkString(data) => data.escape_ascii().to_string(),
        Frame2::Null => "nil".to_owned(),
        Frame2::Array(data) => {
            format!("[{}]", data.iter().map(told2).collect::<Vec<_>>().join(", "))
        }
    }
}

fn told3(frame: &Frame3) -> String {
    match frame {
        Frame3::SimpleString { data, .. } => format!("+{}", String::from_utf8_lossy(data)),
        Frame3::SimpleError { data, .. } => format!("-{data}"),
        Frame3::Number { data, .. } => format!(":{data}"),
        Frame3::BlobString { data, .. } => data.escape_ascii().to_string(),
        Frame3::Null => "null".to_owned(),
        Frame3::Array { data, .. } => {
            format!("[{}]", data.iter().map(told3).collect::<Vec<_>>().join(", "))
        }
        Frame3::Map { data, .. } => {
            let mut pairs: Vec<String> = data
                .iter()
                .map(|(key, value)| format!("{}: {}", told3(key), told3(value)))
                .collect();
            pairs.sort();
            format!("{{{}}}", pairs.join(", "))
        }
        other => panic!("a reply that the door does not give: {other:?}"),
    }
}
