//! Meeting a peer: the wire's handshake over a socket, with a bound on how long it may take.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use stator_wire::handshake::client::ClientResponder;
use stator_wire::handshake::{
    Established, HandshakeError, Initiator, Met, Responder, meet, take_message,
};
use stator_wire::hello::{Hello, Lane, RefusalCode};
use stator_wire::transport::{Sealer, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::incoming::{Decoder, ReadError};
use crate::clients::ClientConnection;
use crate::me::Me;

/// How long a connection may take to be made and to have greeted.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);

/// Why two nodes did not meet.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MeetError {
    /// The socket failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// They did not get on.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The connection broke before the peer had proved itself.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It took too long.
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    Timeout,
    /// The peer was sent away.
    #[error("refused: {0}")]
    SentAway(String),
}

/// A connection that this node made, and on which it only sends.
#[derive(Debug)]
pub(crate) struct Dialled {
    /// The socket.
    pub(super) stream: TcpStream,
    /// Encrypts what is sent.
    pub(super) sealer: Sealer,
    /// What the peer said of itself.
    pub(crate) hello: Hello,
    /// The version of the protocol that both speak.
    pub(super) protocol: u32,
}

/// A connection that a peer made, and on which it only sends. It has proved that it has the secret.
#[derive(Debug)]
pub(crate) struct Accepted {
    /// The socket.
    pub(crate) stream: TcpStream,
    /// Decrypts what comes.
    pub(crate) decoder: Decoder,
    /// What the peer said of itself.
    pub(crate) hello: Hello,
}

/// Connects to an address and greets whoever is there.
pub(crate) async fn dial(address: &str, lane: Lane, me: &Me) -> Result<Dialled, MeetError> {
    timeout(TIMEOUT, greet(address, lane, me)).await.unwrap_or(Err(MeetError::Timeout))
}

async fn greet(address: &str, lane: Lane, me: &Me) -> Result<Dialled, MeetError> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (initiator, message) = Initiator::new(&me.keyring, me.hello(lane))?;
    stream.write_all(&message).await?;
    let mut raw = BytesMut::new();
    let answer = read_message(&mut stream, &mut raw).await?;
    let Established { transport, hello, protocol } =
        initiator.finish(&answer).inspect_err(|error| heed(error, me))?;
    me.judge(&hello).map_err(|refusal| MeetError::SentAway(refusal.text))?;
    me.remember(&hello);
    Ok(Dialled { stream, sealer: transport.sealer, hello, protocol })
}

/// Greets whoever has connected, or sends it away. None if it is a client, which was handed to its
/// door.
pub(crate) async fn accept(stream: TcpStream, me: &Me) -> Result<Option<Accepted>, MeetError> {
    timeout(TIMEOUT, answer(stream, me)).await.unwrap_or(Err(MeetError::Timeout))
}

async fn answer(mut stream: TcpStream, me: &Me) -> Result<Option<Accepted>, MeetError> {
    stream.set_nodelay(true)?;
    let mut raw = BytesMut::new();
    let message = read_message(&mut stream, &mut raw).await?;
    match meet(&me.keyring, &message)? {
        Met::Peer(responder) => answer_peer(stream, raw, responder, me).await.map(Some),
        Met::Client(responder) => {
            answer_client(stream, raw, responder, me).await?;
            Ok(None)
        }
    }
}

async fn answer_peer(
    mut stream: TcpStream,
    raw: BytesMut,
    responder: Responder,
    me: &Me,
) -> Result<Accepted, MeetError> {
    if let Err(refusal) = me.judge(responder.hello()) {
        let name = responder.hello().name.clone();
        stream.write_all(&responder.refuse(&refusal)?).await?;
        return Err(MeetError::SentAway(format!("{name}: {}", refusal.text)));
    }
    let mine = me.hello(responder.hello().lane);
    let reply = responder.reply(&mine)?;
    stream.write_all(&reply.message).await?;
    let Established { transport: Transport { opener, .. }, hello, protocol } = reply.outcome?;
    let mut decoder = Decoder::new(opener, raw, protocol);
    if !decoder.prove_peer(&mut stream).await? {
        return Err(HandshakeError::NoAnswer.into());
    }
    me.remember(&hello);
    Ok(Accepted { stream, decoder, hello })
}

/// Lets a client in and takes it to its door. What it said first may be a recording: it gets there
/// only once a record of its own has opened.
async fn answer_client(
    mut stream: TcpStream,
    mut raw: BytesMut,
    responder: ClientResponder,
    me: &Me,
) -> Result<(), MeetError> {
    if let Some(refusal) = me.clients.refusal() {
        stream.write_all(&responder.refuse(&refusal)?).await?;
        return Err(MeetError::SentAway(refusal.text));
    }
    let reply = responder.reply(&me.welcome())?;
    stream.write_all(&reply.message).await?;
    let (mut transport, hello) = reply.outcome?;
    let mut heard = BytesMut::new();
    loop {
        transport.opener.feed(&mut raw, &mut heard).map_err(ReadError::from)?;
        if transport.opener.has_opened() {
            break;
        }
        if stream.read_buf(&mut raw).await? == 0 {
            return Err(HandshakeError::NoAnswer.into());
        }
    }
    let (from, stream) = (stream.peer_addr()?, stream.into_std()?);
    let client = ClientConnection { stream, transport, raw, heard, name: hello.name, from };
    if me.clients.hand_on(client) {
        return Ok(());
    }
    Err(MeetError::SentAway("too many clients connect at a time".to_owned()))
}

/// A node whose identity is in use twice, or older than its peers remember, must not go on: it may
/// have forgotten votes (rule 19).
fn heed(error: &HandshakeError, me: &Me) {
    if let HandshakeError::Refused { code: RefusalCode::Identity, text } = error {
        me.failure.fail(format!("a peer refuses this node's identity: {text}"));
    }
}

/// Reads one handshake message. An end before a single byte is an answer too: it is how a node
/// without our secret hangs up.
async fn read_message(stream: &mut TcpStream, raw: &mut BytesMut) -> Result<Bytes, MeetError> {
    loop {
        if let Some(message) = take_message(raw)? {
            return Ok(message);
        }
        if stream.read_buf(raw).await? == 0 {
            return Err(HandshakeError::NoAnswer.into());
        }
    }
}
