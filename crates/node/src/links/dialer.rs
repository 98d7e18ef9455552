//! Keeping one connection to one peer: dial, send, notice that it is gone, wait, dial again.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use stator_core::identity::NodeId;
use stator_core::membership::effect::Introduction;
use stator_wire::hello::{Hello, Lane};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::backoff::Backoff;
use super::handshake::{Dialled, MeetError, dial};
use super::outbound::Outbound;
use crate::lock::lock;
use crate::me::Me;

/// A failure that goes on is logged again only after so long.
const REPEAT_LOG: Duration = Duration::from_mins(1);

/// What a link tells its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkEvent {
    /// Connected, to this node.
    Up(Introduction),
    /// The connection is gone.
    Down(NodeId),
    /// Dialled in vain.
    Unreachable(NodeId),
}

/// Where a link's events go; called on the link's own thread.
pub(crate) type OnEvent = Arc<dyn Fn(LinkEvent) + Send + Sync>;

/// One link.
pub(super) struct Dialer {
    pub(super) me: Arc<Me>,
    pub(super) lane: Lane,
    pub(super) peer: NodeId,
    /// Where it is; may change under way, and counts from the next dialling on.
    pub(super) address: Arc<Mutex<String>>,
    pub(super) outbound: Arc<Outbound>,
    pub(super) on_event: OnEvent,
    /// The peer has dialled this node: it is there.
    pub(super) sign_of_life: Arc<Notify>,
}

/// A connection that messages can be queued on.
pub(super) struct Connected {
    stream: Arc<TcpStream>,
    hello: Hello,
}

impl Connected {
    /// Opens the way out over a connection that was just made.
    pub(super) fn new(dialled: Dialled, outbound: &Outbound) -> Self {
        let Dialled { stream, sealer, hello, protocol } = dialled;
        let stream = Arc::new(stream);
        outbound.connect(Arc::clone(&stream), sealer, protocol);
        Self { stream, hello }
    }
}

impl Dialer {
    /// Keeps the connection until the task is aborted; begins with `first` if there is one.
    pub(super) async fn run(self, mut first: Option<Connected>) {
        let mut backoff = Backoff::new();
        let mut log = FailureLog::default();
        loop {
            let connected = match first.take() {
                Some(connected) => Ok(connected),
                None => self.dial().await,
            };
            match connected {
                Ok(connected) => {
                    let since = Instant::now();
                    self.serve(connected).await;
                    backoff.connection_lived(since.elapsed());
                    log = FailureLog::default();
                }
                Err(error) => {
                    log.failed(&self, &error);
                    (self.on_event)(LinkEvent::Unreachable(self.peer));
                }
            }
            self.rest(&mut backoff).await;
        }
    }

    /// Waits before the peer is dialled again. A peer that was restarted dials at once, so that who
    /// waited for it need not wait on.
    async fn rest(&self, backoff: &mut Backoff) {
        let wait = tokio::time::sleep(backoff.wait());
        tokio::pin!(wait);
        loop {
            tokio::select! {
                biased;
                () = &mut wait => return,
                () = self.sign_of_life.notified() => {}
            }
            if backoff.cut() {
                return;
            }
        }
    }

    /// Addresses are only labels: whoever answers must be the node that is meant.
    async fn dial(&self) -> Result<Connected, MeetError> {
        let address = lock(&self.address).clone();
        let dialled = dial(&address, self.lane, &self.me).await?;
        if dialled.hello.node == self.peer {
            return Ok(Connected::new(dialled, &self.outbound));
        }
        Err(MeetError::SentAway(format!(
            "{} ({}) answers there now: its address was given to another node",
            dialled.hello.name, dialled.hello.node
        )))
    }

    async fn serve(&self, connected: Connected) {
        let Connected { stream, hello } = connected;
        tracing::debug!(peer = %self.peer, name = %hello.name, lane = ?self.lane, "connected");
        (self.on_event)(LinkEvent::Up(hello.introduction()));
        let reason = tokio::select! {
            biased;
            reason = closed(&stream) => reason,
            error = self.outbound.drive(&stream) => error.to_string(),
        };
        self.outbound.disconnect();
        tracing::debug!(peer = %self.peer, lane = ?self.lane, %reason, "connection lost");
        (self.on_event)(LinkEvent::Down(self.peer));
    }
}

/// Waits until the peer closes a connection on which it should never send anything.
async fn closed(stream: &TcpStream) -> String {
    loop {
        if let Err(error) = stream.readable().await {
            return error.to_string();
        }
        let mut byte = [0];
        match stream.try_read(&mut byte) {
            Ok(0) => return "closed by the peer".to_owned(),
            Ok(_) => return "the peer sent on a connection that is not its own".to_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return error.to_string(),
        }
    }
}

/// Says a failure once, and again when it changes or a minute has passed.
#[derive(Debug, Default)]
struct FailureLog {
    last: Option<(String, Instant)>,
}

impl FailureLog {
    fn failed(&mut self, link: &Dialer, error: &MeetError) {
        let text = error.to_string();
        if let Some((last, at)) = &self.last
            && *last == text
            && at.elapsed() < REPEAT_LOG
        {
            return;
        }
        // A peer that is down is everyday life, and membership reports it; all else wants a person.
        if matches!(error, MeetError::Io(_) | MeetError::Timeout) {
            tracing::debug!(peer = %link.peer, address = %lock(&link.address), error = %text, "peer not reached");
        } else {
            tracing::warn!(peer = %link.peer, address = %lock(&link.address), error = %text, "no connection to a peer");
        }
        self.last = Some((text, Instant::now()));
    }
}
