//! A connection's socket, with bounds on silence in either direction.

use std::io;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::listener::ConnectionLimits;

/// How much room there is for what comes at a time.
const PIECE: usize = 16 * 1024;
/// How long what a refused client still sends is read and thrown away, so that the reason is not
/// lost with the connection.
const REST: Duration = Duration::from_secs(2);
/// How much of it, in bytes.
const REST_BYTES: usize = 16 * 1024 * 1024;

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waits {
    /// The next command, if there is one: a closing door need not wait for it.
    ForACommand,
    /// The rest of a command that has begun.
    ForTheRest,
}

/// A client's socket.
pub(super) struct Stream {
    stream: TcpStream,
    limits: ConnectionLimits,
    closing: watch::Receiver<()>,
}

impl Stream {
    pub(super) fn new(
        stream: TcpStream,
        limits: ConnectionLimits,
        closing: watch::Receiver<()>,
    ) -> Self {
        // Whether small replies leave at once is a matter of speed alone.
        let _ = stream.set_nodelay(true);
        Self { stream, limits, closing }
    }

    /// Reads what has come, or what comes; 0 if there is nothing more, be it that the client has
    /// closed, that it is silent for too long, or that the door closes.
    pub(super) async fn read(&mut self, buffer: &mut BytesMut, waits: Waits) -> io::Result<usize> {
        buffer.reserve(PIECE);
        let patience = match waits {
            Waits::ForACommand => self.limits.idle,
            Waits::ForTheRest => self.limits.head,
        };
        tokio::select! {
            biased;
            _ = self.closing.changed() => Ok(0),
            read = timeout(patience, self.stream.read_buf(buffer)) => read.unwrap_or(Ok(0)),
        }
    }

    /// Sends all of it; an error if the client takes nothing for too long.
    pub(super) async fn write(&mut self, buffer: &mut impl Buf) -> io::Result<()> {
        while buffer.has_remaining() {
            let taken = timeout(self.limits.head, self.stream.write_buf(buffer)).await;
            if taken.map_err(|_| io::ErrorKind::TimedOut)?? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }

    /// Says that nothing more comes, then reads what the client still sends, within bounds.
    pub(super) async fn throw_away_the_rest(&mut self) {
        let rest = async {
            self.stream.shutdown().await?;
            let (mut piece, mut thrown) = (vec![0; PIECE], 0);
            while thrown < REST_BYTES {
                match self.stream.read(&mut piece).await? {
                    0 => break,
                    read => thrown += read,
                }
            }
            io::Result::Ok(())
        };
        // The connection ends here in any case.
        let _ = timeout(REST, rest).await;
    }
}
