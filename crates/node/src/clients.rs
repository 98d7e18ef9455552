//! Clients that connect natively, on their way from the listener to the door that serves them.
//!
//! They come to the port of peers and are told apart there by the key that they have
//! ([`stator_wire::handshake::meet`]). The rule: none is handed on before it proved that it has the
//! client key, and none ever comes to where peers' messages are read.

use std::net::{SocketAddr, TcpStream};
use std::sync::OnceLock;

use bytes::BytesMut;
use stator_wire::hello::{Refusal, RefusalCode};
use stator_wire::transport::Transport;
use tokio::sync::mpsc;

/// Connections that may wait for the door.
const WAITING: usize = 256;

/// A native client's connection: greeted, and its client has proved that it has the key.
#[derive(Debug)]
pub struct ClientConnection {
    /// The socket, known to no runtime.
    pub stream: TcpStream,
    /// Both directions of the encryption.
    pub transport: Transport,
    /// Received and not opened yet.
    pub raw: BytesMut,
    /// Opened and not read yet.
    pub heard: BytesMut,
    /// What the client calls itself.
    pub name: String,
    /// Where it comes from.
    pub from: SocketAddr,
}

/// Where the listener leaves clients; nobody is let in before there is a door.
#[derive(Debug, Default)]
pub(crate) struct ClientDoor(OnceLock<mpsc::Sender<ClientConnection>>);

impl ClientDoor {
    /// Opens it: clients come out of the receiver. None if it was opened before.
    pub(crate) fn open(&self) -> Option<mpsc::Receiver<ClientConnection>> {
        let (sender, receiver) = mpsc::channel(WAITING);
        self.0.set(sender).ok().map(|()| receiver)
    }

    /// Why a client is sent away at once; none if it may go on to prove itself.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        let is_open = self.0.get().is_some_and(|sender| !sender.is_closed());
        let text = "the node serves no native clients now: ask another, or speak HTTP".to_owned();
        (!is_open).then_some(Refusal { code: RefusalCode::NoClients, text })
    }

    /// Hands on a client that has proved itself; false if too many wait.
    pub(crate) fn hand_on(&self, connection: ClientConnection) -> bool {
        self.0.get().is_some_and(|sender| sender.try_send(connection).is_ok())
    }
}
