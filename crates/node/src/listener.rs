//! The port for peers: greets whoever connects and hands the connection to the lane it is for.
//! Clients that have the client key come to the same port and are handed to their door.
//!
//! The rule: strangers cost a bounded amount and nothing else. A bounded number is greeted at a
//! time, each for a bounded time; what is no peer is closed and, at most once a minute for each
//! address, logged.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use stator_wire::handshake::HandshakeError;
use stator_wire::hello::{Hello, Lane};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::links::{Accepted, Incoming, MeetError, accept};
use crate::me::Me;
use crate::shard::AcceptedStream;

/// Connections that are greeted at a time.
const GREETINGS: usize = 256;
/// Connections of peers at a time, over all lanes.
const CONNECTIONS: usize = 8192;
/// How long to wait when the system has no room for another connection.
const PAUSE: Duration = Duration::from_millis(50);
/// The same address is complained about again only after so long.
const REPEAT_LOG: Duration = Duration::from_mins(1);
/// Addresses that are remembered for that.
const REMEMBERED: usize = 1024;

/// The listening socket.
pub(crate) struct Listener {
    me: Arc<Me>,
    socket: TcpListener,
}

/// A peer that has connected.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// What it said of itself.
    pub(crate) hello: Hello,
    accepted: (TcpStream, crate::links::Decoder),
    permit: OwnedSemaphorePermit,
}

/// A connection, made ready for its lane.
#[derive(Debug)]
pub(crate) enum Lanes {
    /// Read on this thread.
    Membership {
        /// The connection.
        incoming: Incoming,
        /// Counts it.
        permit: OwnedSemaphorePermit,
    },
    /// Read by a shard.
    Shard(AcceptedStream),
}

impl Arrival {
    /// Takes the connection to where its lane is read.
    pub(crate) fn into_lane(self) -> io::Result<Lanes> {
        let Self { hello, accepted: (stream, decoder), permit } = self;
        match hello.lane {
            Lane::Membership => {
                Ok(Lanes::Membership { incoming: Incoming::new(stream, decoder), permit })
            }
            Lane::Shard(lane) => {
                let (from, stream) = (hello.node, stream.into_std()?);
                Ok(Lanes::Shard(AcceptedStream { from, lane, stream, decoder, permit }))
            }
            Lane::Bulk => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "this version has no lane for transfers",
            )),
        }
    }
}

impl Listener {
    /// A listener that does not accept yet.
    pub(crate) fn new(me: Arc<Me>, socket: TcpListener) -> Self {
        Self { me, socket }
    }

    /// Accepts from now on, on a task of its own; peers come out of the receiver.
    pub(crate) fn run(self) -> mpsc::Receiver<Arrival> {
        let (arrivals, receiver) = mpsc::channel(GREETINGS);
        tokio::task::spawn_local(self.accept_all(arrivals));
        receiver
    }

    async fn accept_all(self, arrivals: mpsc::Sender<Arrival>) {
        let greetings = Arc::new(Semaphore::new(GREETINGS));
        let connections = Arc::new(Semaphore::new(CONNECTIONS));
        let complaints = Rc::new(RefCell::new(Complaints::default()));
        loop {
            let Ok(greeting) = Arc::clone(&greetings).acquire_owned().await else { return };
            let (stream, address) = match self.socket.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a peer's connection could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            let Ok(permit) = Arc::clone(&connections).try_acquire_owned() else {
                complaints
                    .borrow_mut()
                    .complain(address, "there are too many connections of peers");
                continue;
            };
            let (me, arrivals) = (Arc::clone(&self.me), arrivals.clone());
            let complaints = Rc::clone(&complaints);
            tokio::task::spawn_local(async move {
                let met = accept(stream, &me).await;
                drop(greeting);
                match met {
                    // A client: its door counts it from now on.
                    Ok(None) => {}
                    // A node that dials its own address learns so on the other end.
                    Ok(Some(Accepted { hello, .. })) if me.is_me(&hello) => {}
                    Ok(Some(Accepted { stream, decoder, hello })) => {
                        let accepted = (stream, decoder);
                        let _ = arrivals.send(Arrival { hello, accepted, permit }).await;
                    }
                    Err(error) => complaints.borrow_mut().failed(address, &error),
                }
            });
        }
    }
}

/// Who was complained about lately.
#[derive(Debug, Default)]
struct Complaints {
    last: BTreeMap<IpAddr, Instant>,
}

impl Complaints {
    fn failed(&mut self, address: SocketAddr, error: &MeetError) {
        match error {
            // Peers come and go, and port scanners too.
            MeetError::Io(_)
            | MeetError::Read(_)
            | MeetError::Timeout
            | MeetError::Handshake(HandshakeError::NoAnswer) => {
                tracing::debug!(%address, %error, "a connection to the peer port is closed");
            }
            _ => self.complain(address, error),
        }
    }

    fn complain(&mut self, address: SocketAddr, cause: impl std::fmt::Display) {
        let now = Instant::now();
        let lately = self.last.get(&address.ip());
        if lately.is_some_and(|at| now.duration_since(*at) < REPEAT_LOG) {
            tracing::debug!(%address, error = %cause, "a connection to the peer port is closed");
            return;
        }
        if self.last.len() >= REMEMBERED {
            self.last.clear();
        }
        self.last.insert(address.ip(), now);
        tracing::warn!(%address, error = %cause, "a connection to the peer port is closed");
    }
}
