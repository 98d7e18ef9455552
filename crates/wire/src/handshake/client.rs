//! The handshake of a client with a node: as that of nodes, under the client key.
//!
//! The rule: who dials under the client key gets a connection for clients, whatever it says of
//! itself. A node's hello under that key is refused.

use bytes::Bytes;
use snow::{Builder, HandshakeState};

use super::{HandshakeError, build, open, transport, write};
use crate::client::{CLIENT_PROTOCOLS, ClientHello, Welcome};
use crate::error::WireError;
use crate::hello::{ProtocolRange, Refusal, RefusalCode};
use crate::proto::client_hello::{ClientGreeting, decode_client_greeting, encode_client_greeting};
use crate::secret::{ClientKey, Keyring};
use crate::transport::Transport;

/// A client's side of a connection.
#[derive(Debug)]
pub struct Admitted {
    /// The encrypted connection.
    pub transport: Transport,
    /// What the node says of itself.
    pub welcome: Welcome,
}

/// The client, waiting for the answer.
#[derive(Debug)]
pub struct ClientInitiator {
    noise: Box<HandshakeState>,
    mine: ClientHello,
}

impl ClientInitiator {
    /// Begins a handshake. The bytes are the first message, to be sent as they are.
    pub fn new(key: &ClientKey, mine: &ClientHello) -> Result<(Self, Bytes), HandshakeError> {
        let mut noise = build(key.as_bytes(), Builder::build_initiator)?;
        let payload = encode_client_greeting(&ClientGreeting::Hello(mine.clone()));
        let message = write(&mut noise, &payload)?;
        Ok((Self { noise: Box::new(noise), mine: mine.clone() }, message))
    }

    /// Ends the handshake with the answer, as [`super::take_message`] gave it.
    pub fn finish(mut self, answer: &[u8]) -> Result<Admitted, HandshakeError> {
        match decode_client_greeting(open(&mut self.noise, answer)?)? {
            ClientGreeting::Welcome(welcome) => {
                let ClientHello { protocols, cipher, .. } = self.mine;
                if protocols.agree(welcome.protocols).is_err() {
                    let text = no_common_protocol(protocols, welcome.protocols);
                    return Err(HandshakeError::Refused { code: RefusalCode::Protocol, text });
                }
                let transport = transport(*self.noise, cipher.agree(welcome.cipher))?;
                Ok(Admitted { transport, welcome })
            }
            ClientGreeting::Refusal(Refusal { code, text }) => {
                Err(HandshakeError::Refused { code, text })
            }
            ClientGreeting::Hello(_) => Err(HandshakeError::Garbage),
        }
    }
}

/// A node that a client has dialled, about to answer.
#[derive(Debug)]
pub struct ClientResponder {
    noise: Box<HandshakeState>,
    theirs: Result<ClientHello, WireError>,
}

/// What a node answers a client.
#[derive(Debug)]
pub struct ClientReply {
    /// To be sent in any case, with its length already before it.
    pub message: Bytes,
    /// The connection and what the client says of itself; or why there is none, in which case it is
    /// closed after the message.
    pub outcome: Result<(Transport, ClientHello), HandshakeError>,
}

impl ClientResponder {
    /// Reads the first message under the client key of any secret of the keyring.
    pub(super) fn accept(keyring: &Keyring, message: &[u8]) -> Result<Self, HandshakeError> {
        for key in keyring.clients() {
            let mut noise = build(key.as_bytes(), Builder::build_responder)?;
            let payload = match open(&mut noise, message) {
                Err(HandshakeError::WrongSecret) => continue,
                opened => opened?,
            };
            let theirs = decode_client_greeting(payload).and_then(|greeting| match greeting {
                ClientGreeting::Hello(hello) => Ok(hello),
                _ => Err(WireError::UnknownKind { field: "client_greeting.kind" }),
            });
            return Ok(Self { noise: Box::new(noise), theirs });
        }
        Err(HandshakeError::WrongSecret)
    }

    /// Lets the client in; refuses it if it said something else than a client does, or shares no
    /// version of the protocol.
    pub fn reply(mut self, mine: &Welcome) -> Result<ClientReply, HandshakeError> {
        let theirs = match &self.theirs {
            Ok(theirs) => theirs.clone(),
            Err(error) => {
                let text = "a client key opens a connection for clients, and this is no client's \
                            hello: a node dials with the cluster's secret itself";
                let outcome = Err(error.clone().into());
                let refusal = Refusal { code: RefusalCode::NotAClient, text: text.to_owned() };
                return Ok(ClientReply { message: self.refuse(&refusal)?, outcome });
            }
        };
        if CLIENT_PROTOCOLS.agree(theirs.protocols).is_err() {
            let text = no_common_protocol(theirs.protocols, mine.protocols);
            let refusal = Refusal { code: RefusalCode::Protocol, text: text.clone() };
            let outcome = Err(HandshakeError::Refused { code: RefusalCode::Protocol, text });
            return Ok(ClientReply { message: self.refuse(&refusal)?, outcome });
        }
        let payload = encode_client_greeting(&ClientGreeting::Welcome(mine.clone()));
        let message = write(&mut self.noise, &payload)?;
        let cipher = mine.cipher.agree(theirs.cipher);
        let outcome = Ok((transport(*self.noise, cipher)?, theirs));
        Ok(ClientReply { message, outcome })
    }

    /// Sends the client away. The bytes are the message; the connection is closed after it.
    pub fn refuse(mut self, refusal: &Refusal) -> Result<Bytes, HandshakeError> {
        write(&mut self.noise, &encode_client_greeting(&ClientGreeting::Refusal(refusal.clone())))
    }
}

fn no_common_protocol(client: ProtocolRange, node: ProtocolRange) -> String {
    format!(
        "the client speaks client protocol {client} and the node speaks {node}: upgrade the older \
         of the two"
    )
}

#[cfg(test)]
mod tests;
