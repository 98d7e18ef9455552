//! One connection to one node: many calls under way, answered in any order.
//!
//! The rule: whoever waits for an answer learns, when the connection ends, whether the call had been
//! sent. It is called sent before its first byte is.

mod talk;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use stator_core::identity::NodeId;
use stator_wire::cipher::Cipher;
use stator_wire::client::{Ask, CLIENT_PROTOCOLS, ClientHello, MAX_CALLS, NodeAnswer, Welcome};
use stator_wire::handshake::client::{Admitted, ClientInitiator};
use stator_wire::handshake::{HandshakeError, take_message};
use stator_wire::secret::ClientKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;

use self::talk::Outgoing;

/// Why no connection was made. Nothing was sent.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum DialError {
    /// Nobody is there.
    #[error("{0}")]
    Unreachable(String),
    /// Somebody is, and does not take this client.
    #[error("{0}")]
    Refused(String),
    /// It is another node than the one that was meant.
    #[error("{found} answers there, and {meant} was meant")]
    Another {
        /// Who was meant.
        meant: NodeId,
        /// Who answered.
        found: NodeId,
    },
}

/// Why a call got no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// It was not sent.
    NotSent(String),
    /// The connection broke after it was sent, at least in part.
    Broken(String),
    /// It was sent, and none came in time.
    TimedOut,
}

/// A connection. Cheap to clone; it ends when the last clone is gone.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    calls: mpsc::Sender<Outgoing>,
    room: Semaphore,
}

/// Connects to whoever is at an address.
pub(crate) async fn dial(
    address: &str,
    meant: Option<NodeId>,
    key: &ClientKey,
    within: Duration,
) -> Result<(Link, Welcome), DialError> {
    let greeted = timeout(within, greet(address, key)).await.unwrap_or_else(|_| {
        Err(DialError::Unreachable(format!("no answer within {} ms", within.as_millis())))
    });
    let (stream, admitted, raw) = greeted?;
    let Admitted { transport, welcome } = admitted;
    if let Some(meant) = meant.filter(|meant| *meant != welcome.node) {
        return Err(DialError::Another { meant, found: welcome.node });
    }
    let (calls, outgoing) = mpsc::channel(MAX_CALLS);
    tokio::spawn(talk::talk(stream, transport, raw, outgoing));
    let shared = Shared { calls, room: Semaphore::new(MAX_CALLS) };
    Ok((Link { shared: Arc::new(shared) }, welcome))
}

async fn greet(
    address: &str,
    key: &ClientKey,
) -> Result<(TcpStream, Admitted, BytesMut), DialError> {
    let unreachable = |error: std::io::Error| DialError::Unreachable(error.to_string());
    let mut stream = TcpStream::connect(address).await.map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    let name = concat!("stator-client ", env!("CARGO_PKG_VERSION")).to_owned();
    let hello = ClientHello { protocols: CLIENT_PROTOCOLS, name, cipher: Cipher::fastest() };
    let (initiator, first) = ClientInitiator::new(key, &hello).map_err(refused)?;
    stream.write_all(&first).await.map_err(unreachable)?;
    let mut raw = BytesMut::new();
    let answer = loop {
        if let Some(answer) = take_message(&mut raw).map_err(refused)? {
            break answer;
        }
        match stream.read_buf(&mut raw).await {
            Ok(0) => return Err(refused(HandshakeError::NoAnswer)),
            Ok(_) => {}
            // A node that does not know the key hangs up, be it with what was sent unread.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                return Err(refused(HandshakeError::NoAnswer));
            }
            Err(error) => return Err(unreachable(error)),
        }
    };
    let mut admitted = initiator.finish(&answer).map_err(refused)?;
    // The node hands us to its door once a record has proved that we are no recording.
    let mut proof = BytesMut::new();
    let sealed = admitted.transport.sealer.seal(&[], &mut proof);
    sealed.map_err(|error| DialError::Refused(error.to_string()))?;
    stream.write_all(&proof).await.map_err(unreachable)?;
    Ok((stream, admitted, raw))
}

fn refused(error: HandshakeError) -> DialError {
    DialError::Refused(match error {
        HandshakeError::NoAnswer | HandshakeError::WrongSecret => {
            "the node does not take this client key: it is of another cluster or of a secret that \
             is no longer accepted, or the node is of a version without native clients"
                .to_owned()
        }
        HandshakeError::Refused { text, .. } => text,
        other => other.to_string(),
    })
}

impl Link {
    /// Whether calls can still be made on it.
    pub(crate) fn is_open(&self) -> bool {
        !self.shared.calls.is_closed()
    }

    /// Makes a call and waits for its answer: as long as the node may take, and `grace` more.
    pub(crate) async fn call(
        &self,
        ask: Ask,
        until: Instant,
        grace: Duration,
    ) -> Result<NodeAnswer, NoAnswer> {
        let sent = Arc::new(AtomicBool::new(false));
        let asked = async {
            // Neither is ever closed while somebody holds the link, but by the connection's end.
            let gone = || NoAnswer::NotSent("the connection has ended".to_owned());
            let _place = self.shared.room.acquire().await.map_err(|_| gone())?;
            let (reply, answer) = oneshot::channel();
            let outgoing = Outgoing { ask, until, reply, sent: Arc::clone(&sent) };
            self.shared.calls.send(outgoing).await.map_err(|_| gone())?;
            answer.await.map_err(|_| NoAnswer::Broken("the connection has ended".to_owned()))?
        };
        let left = until.saturating_duration_since(Instant::now()) + grace;
        let outcome = timeout(left, asked).await.unwrap_or(Err(NoAnswer::TimedOut));
        match outcome {
            // What was never taken up was never sent, however the waiting ended.
            Err(NoAnswer::Broken(why)) if !sent.load(Ordering::SeqCst) => {
                Err(NoAnswer::NotSent(why))
            }
            Err(NoAnswer::TimedOut) if !sent.load(Ordering::SeqCst) => Err(NoAnswer::NotSent(
                "the connection had no room for another call in time".to_owned(),
            )),
            outcome => outcome,
        }
    }
}

/// An address as errors show it.
pub(crate) fn shown(address: &str) -> String {
    format!("{address} (native)")
}

/// Bytes that were read beyond the handshake.
type Rest = BytesMut;
/// One frame.
type Frame = Bytes;

#[cfg(test)]
mod tests;
