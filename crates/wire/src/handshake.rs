//! The handshake: two messages after which both nodes know each other and share fresh keys.
//!
//! Noise, pattern NNpsk0 (`-> psk, e` then `<- e, ee`), with the pre-shared key derived from the
//! cluster secret. Each message is a length (u16, big-endian, at most [`MAX_MESSAGE`]) and a Noise
//! message whose payload is a [`Hello`] or a [`Refusal`].
//!
//! ```text
//! dialler                                   accepter
//! Initiator::new      -- hello -->          Responder::accept
//! Initiator::finish   <-- hello or refusal  Responder::reply, or Responder::refuse
//! ```
//!
//! Clients do the same under a key of their own ([`client`]). Which key opens the first message says
//! what the dialler may ask for ([`meet`]): nothing that it says of itself does.
//!
//! The rule: nothing of a peer is believed before it proved that it knows the secret. The dialler
//! is sure of that once the answer opens. The accepter is not yet sure when it has read the first
//! message, which could be a recording: it may answer it, and must not act on its hello before the
//! first record on the connection has opened
//! ([`Opener::has_opened`](crate::transport::Opener::has_opened)).

pub mod client;

use bytes::{BufMut, Bytes, BytesMut};
use snow::{Builder, HandshakeState};

use self::client::ClientResponder;
use crate::cipher::Cipher;
use crate::error::WireError;
use crate::hello::{Hello, ProtocolMismatch, Refusal, RefusalCode};
use crate::proto::hello::{Greeting, decode_greeting, encode_greeting};
use crate::secret::Keyring;
use crate::transport::Transport;

/// The longest handshake message, in bytes. Far above what any hello needs, and below what the
/// first two bytes of HTTP, TLS or SSH read as, so that strangers are told apart at once.
pub const MAX_MESSAGE: usize = 4096;

const PATTERN: &str = "Noise_NNpsk0_25519_ChaChaPoly_BLAKE2s";
/// The bytes of a length before a message.
const HEADER: usize = size_of::<u16>();
/// A public key and one tag: what Noise adds to the payload of either message.
const OVERHEAD: usize = 32 + 16;

/// Why two nodes did not connect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// What came can't be opened with any secret of this node.
    #[error(
        "the peer does not have this cluster's secret: give both nodes the same one (STATOR_SECRET, STATOR_SECRET_FILE or secret_file)"
    )]
    WrongSecret,
    /// The connection ended where the answer should have been; for whoever holds the socket to say.
    #[error(
        "the peer closed the connection without an answer: most likely its cluster secret differs (STATOR_SECRET, STATOR_SECRET_FILE or secret_file); its log says more"
    )]
    NoAnswer,
    /// What came is no handshake at all.
    #[error(
        "what connected does not speak Stator's peer protocol: is the address that of another port or program?"
    )]
    Garbage,
    /// The peer refuses this node.
    #[error("the peer refuses this node: {text}")]
    Refused {
        /// Why, for programs.
        code: RefusalCode,
        /// Why, in the peer's words.
        text: String,
    },
    /// They share no version of the protocol.
    #[error(transparent)]
    Protocol(#[from] ProtocolMismatch),
    /// The peer has the secret and says something that can't be read.
    #[error("the peer's hello can't be read: {0}")]
    Unreadable(#[from] WireError),
    /// This node's own hello does not fit into a message.
    #[error(
        "this node's hello has {len} bytes and {MAX_MESSAGE} is the most: give the node a shorter name"
    )]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// The machine's cryptography failed: no random numbers.
    #[error("no keys could be made ({0}): does the operating system give random numbers?")]
    Cryptography(String),
}

/// Two nodes that have met.
#[derive(Debug)]
pub struct Established {
    /// The encrypted connection.
    pub transport: Transport,
    /// What the peer says of itself.
    pub hello: Hello,
    /// The newest version of the protocol that both speak.
    pub protocol: u32,
}

/// Takes the first whole handshake message off the front of what was received, without its
/// length; none until more has arrived. What follows it stays in `raw` and belongs to the
/// [`Opener`](crate::transport::Opener).
pub fn take_message(raw: &mut BytesMut) -> Result<Option<Bytes>, HandshakeError> {
    let Some(header) = raw.first_chunk::<HEADER>() else { return Ok(None) };
    let len = usize::from(u16::from_be_bytes(*header));
    if !(OVERHEAD..=MAX_MESSAGE).contains(&len) {
        return Err(HandshakeError::Garbage);
    }
    if raw.len() < HEADER + len {
        return Ok(None);
    }
    Ok(Some(raw.split_to(HEADER + len).freeze().slice(HEADER..)))
}

/// The side that dialled, waiting for the answer.
#[derive(Debug)]
pub struct Initiator {
    noise: Box<HandshakeState>,
    mine: Hello,
}

impl Initiator {
    /// Begins a handshake under the keyring's current secret. The bytes are the first message, with
    /// its length, to be sent as they are.
    pub fn new(keyring: &Keyring, mine: Hello) -> Result<(Self, Bytes), HandshakeError> {
        let mut noise = build(keyring.current().as_bytes(), Builder::build_initiator)?;
        let message = write(&mut noise, &encode_greeting(Greeting::Hello(&mine)))?;
        Ok((Self { noise: Box::new(noise), mine }, message))
    }

    /// Ends the handshake with the answer, as [`take_message`] gave it.
    pub fn finish(mut self, answer: &[u8]) -> Result<Established, HandshakeError> {
        let hello = match read(&mut self.noise, answer)? {
            Ok(hello) => hello,
            Err(Refusal { code, text }) => return Err(HandshakeError::Refused { code, text }),
        };
        let protocol = self.mine.protocols.agree(hello.protocols)?;
        let cipher = self.mine.cipher.agree(hello.cipher);
        Ok(Established { transport: transport(*self.noise, cipher)?, hello, protocol })
    }
}

/// The side that was dialled, about to answer.
#[derive(Debug)]
pub struct Responder {
    noise: Box<HandshakeState>,
    theirs: Hello,
}

/// What the side that was dialled answers.
#[derive(Debug)]
pub struct Reply {
    /// To be sent in any case, with its length already before it.
    pub message: Bytes,
    /// The connection; or why there is none, in which case it is closed after the message.
    pub outcome: Result<Established, HandshakeError>,
}

impl Responder {
    /// Reads the first message, as [`take_message`] gave it, under any secret of the keyring.
    pub fn accept(keyring: &Keyring, message: &[u8]) -> Result<Self, HandshakeError> {
        for key in keyring.accepted() {
            let mut noise = build(key.as_bytes(), Builder::build_responder)?;
            match read(&mut noise, message) {
                Err(HandshakeError::WrongSecret) => {}
                Err(error) => return Err(error),
                Ok(Err(_)) => return Err(HandshakeError::Garbage),
                Ok(Ok(theirs)) => return Ok(Self { noise: Box::new(noise), theirs }),
            }
        }
        Err(HandshakeError::WrongSecret)
    }

    /// What the dialler says of itself. It may be a recording (see the module's documentation).
    pub const fn hello(&self) -> &Hello {
        &self.theirs
    }

    /// Answers with this node's hello, or with a refusal if they share no version of the protocol.
    pub fn reply(mut self, mine: &Hello) -> Result<Reply, HandshakeError> {
        // The range that a peer is told of is its own point of view, hence theirs first.
        if let Err(for_them) = self.theirs.protocols.agree(mine.protocols) {
            let refusal = Refusal { code: RefusalCode::Protocol, text: for_them.to_string() };
            let message = self.refuse(&refusal)?;
            let ours = ProtocolMismatch { ours: for_them.theirs, theirs: for_them.ours };
            return Ok(Reply { message, outcome: Err(ours.into()) });
        }
        let protocol = mine.protocols.agree(self.theirs.protocols)?;
        let message = write(&mut self.noise, &encode_greeting(Greeting::Hello(mine)))?;
        let cipher = mine.cipher.agree(self.theirs.cipher);
        let transport = transport(*self.noise, cipher)?;
        let outcome = Ok(Established { transport, hello: self.theirs, protocol });
        Ok(Reply { message, outcome })
    }

    /// Sends the dialler away. The bytes are the message, with its length; the connection is closed
    /// after it.
    pub fn refuse(mut self, refusal: &Refusal) -> Result<Bytes, HandshakeError> {
        write(&mut self.noise, &encode_greeting(Greeting::Refusal(refusal)))
    }
}

/// Who has dialled, by the key that opens what they said first.
#[derive(Debug)]
pub enum Met {
    /// A node of the cluster.
    Peer(Responder),
    /// A client, which is allowed nothing that nodes are.
    Client(ClientResponder),
}

/// Reads the first message, as [`take_message`] gave it, under any key of the keyring.
pub fn meet(keyring: &Keyring, message: &[u8]) -> Result<Met, HandshakeError> {
    match Responder::accept(keyring, message) {
        Err(HandshakeError::WrongSecret) => {
            ClientResponder::accept(keyring, message).map(Met::Client)
        }
        accepted => accepted.map(Met::Peer),
    }
}

fn build<'key>(
    key: &'key [u8; 32],
    side: fn(Builder<'key>) -> Result<HandshakeState, snow::Error>,
) -> Result<HandshakeState, HandshakeError> {
    let params = PATTERN.parse().expect("the pattern's name is a constant that a test parses");
    Builder::new(params).psk(0, key).and_then(side).map_err(cryptography)
}

fn transport(noise: HandshakeState, cipher: Cipher) -> Result<Transport, HandshakeError> {
    Transport::new(noise, cipher).map_err(cryptography)
}

fn cryptography(error: snow::Error) -> HandshakeError {
    HandshakeError::Cryptography(error.to_string())
}

fn write(noise: &mut HandshakeState, payload: &[u8]) -> Result<Bytes, HandshakeError> {
    let len = payload.len() + OVERHEAD;
    if len > MAX_MESSAGE {
        return Err(HandshakeError::TooLong { len });
    }
    let mut out = BytesMut::with_capacity(HEADER + len);
    out.put_u16(len as u16);
    out.resize(HEADER + len, 0);
    noise.write_message(payload, &mut out[HEADER..]).map_err(cryptography)?;
    Ok(out.freeze())
}

fn read(
    noise: &mut HandshakeState,
    message: &[u8],
) -> Result<Result<Hello, Refusal>, HandshakeError> {
    Ok(decode_greeting(open(noise, message)?)?)
}

/// The payload of a handshake message.
fn open(noise: &mut HandshakeState, message: &[u8]) -> Result<Bytes, HandshakeError> {
    if message.len() < OVERHEAD {
        return Err(HandshakeError::Garbage);
    }
    let mut payload = BytesMut::zeroed(message.len());
    let len = noise.read_message(message, &mut payload).map_err(|_| HandshakeError::WrongSecret)?;
    payload.truncate(len);
    Ok(payload.freeze())
}

#[cfg(test)]
pub(crate) mod tests;
