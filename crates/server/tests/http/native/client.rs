//! A native client that says exactly what the test wants, and a door for it.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use stator_core::identity::NodeId;
use stator_core::ring::RingVersion;
use stator_node::ClientConnection;
use stator_server::{Backend, ConnectionLimits, NativeConfig};
use stator_wire::cipher::Cipher;
use stator_wire::client::{Ask, CLIENT_PROTOCOLS, ClientCall, ClientHello, NodeAnswer, Welcome};
use stator_wire::frame::{FrameReader, append_frame};
use stator_wire::handshake::client::ClientInitiator;
use stator_wire::handshake::{Met, meet, take_message};
use stator_wire::proto;
use stator_wire::secret::{ClientKey, Keyring, Secret};
use stator_wire::transport::Transport;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Nothing takes longer.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// A door, open until it is closed or dropped.
pub(super) struct Door {
    clients: mpsc::Sender<ClientConnection>,
    close: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Door {
    pub(super) fn open(backend: Arc<impl Backend>) -> Self {
        Self::within(ConnectionLimits::default(), NativeConfig::default(), backend)
    }

    pub(super) fn within(
        limits: ConnectionLimits,
        config: NativeConfig,
        backend: Arc<impl Backend>,
    ) -> Self {
        let (clients, arrivals) = mpsc::channel(16);
        let (close, closed) = oneshot::channel::<()>();
        let until = async move { drop(closed.await) };
        let served = tokio::spawn(stator_server::native::serve_within(
            limits, arrivals, backend, config, until,
        ));
        Self { clients, close, served }
    }

    /// A client that has been greeted.
    pub(super) async fn client(&self) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
        let address = listener.local_addr().expect("it is bound");
        let stream = TcpStream::connect(address).await.expect("it listens");
        let (served, from) = listener.accept().await.expect("somebody has connected");
        let (ours, theirs) = greeted();
        let connection = ClientConnection {
            stream: served.into_std().expect("a socket"),
            transport: theirs,
            raw: BytesMut::new(),
            heard: BytesMut::new(),
            name: "a test".to_owned(),
            from,
        };
        self.clients.send(connection).await.expect("the door is open");
        Client { stream, transport: ours, raw: BytesMut::new(), frames: FrameReader::new() }
    }

    /// Closes it and waits until it is closed.
    pub(super) async fn close(self) {
        drop(self.close);
        let served = tokio::time::timeout(PATIENCE, self.served).await.expect("it closes");
        served.expect("it did not panic").expect("it ended well");
    }
}

/// Both ends of a connection's encryption.
fn greeted() -> (Transport, Transport) {
    let secret = Secret::new(*b"a secret of tests");
    let hello = ClientHello {
        protocols: CLIENT_PROTOCOLS,
        name: "a test".to_owned(),
        cipher: Cipher::fastest(),
    };
    let message = |bytes: Bytes| {
        take_message(&mut BytesMut::from(&bytes[..])).expect("a message").expect("a whole one")
    };
    let (initiator, first) =
        ClientInitiator::new(&ClientKey::derive(&secret), &hello).expect("keys");
    let met = meet(&Keyring::new(&secret, &[]), &message(first)).expect("the same secret");
    let Met::Client(responder) = met else { panic!("a client was taken for a node") };
    let welcome = Welcome {
        protocols: CLIENT_PROTOCOLS,
        node: NodeId::new(1),
        name: "n1".to_owned(),
        cluster: None,
        ring: RingVersion(1),
        cipher: Cipher::fastest(),
    };
    let reply = responder.reply(&welcome).expect("keys");
    let admitted = initiator.finish(&message(reply.message)).expect("it is let in");
    (admitted.transport, reply.outcome.expect("it is let in").0)
}

/// The client's end of a connection.
pub(super) struct Client {
    pub(super) stream: TcpStream,
    transport: Transport,
    raw: BytesMut,
    frames: FrameReader,
}

impl Client {
    /// Sends one frame, whatever is in it.
    pub(super) async fn send_frame(&mut self, write: impl FnOnce(&mut BytesMut)) {
        let (mut plain, mut sealed) = (BytesMut::new(), BytesMut::new());
        append_frame(&mut plain, write).expect("it is short");
        self.transport.sealer.seal(&plain, &mut sealed).expect("a young connection");
        self.stream.write_all(&sealed).await.expect("the node reads");
    }

    pub(super) async fn send(&mut self, id: u64, ask: Ask) {
        let call = ClientCall { id, timeout: Duration::from_secs(5), ask };
        self.send_frame(|out| proto::encode_call(&call, out)).await;
    }

    /// The next answer; none once the node has closed the connection.
    pub(super) async fn hear(&mut self) -> Option<NodeAnswer> {
        tokio::time::timeout(PATIENCE, self.next()).await.expect("the node answers or hangs up")
    }

    async fn next(&mut self) -> Option<NodeAnswer> {
        loop {
            if let Some(frame) = self.frames.next_frame().expect("frames") {
                return Some(proto::decode_answer(frame).expect("an answer"));
            }
            match self.stream.read_buf(&mut self.raw).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
            self.transport.opener.feed(&mut self.raw, self.frames.input()).expect("records");
        }
    }

    /// One call and its answer.
    pub(super) async fn ask(&mut self, id: u64, ask: Ask) -> NodeAnswer {
        self.send(id, ask).await;
        let answer = self.hear().await.expect("the node answers");
        assert_eq!(answer.id, id);
        answer
    }
}
