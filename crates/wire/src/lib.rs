//! What nodes say to each other as bytes: messages, frames, handshake and encryption.
//!
//! Sans-io: nothing here opens a socket, reads a clock or starts a thread; bytes go in, bytes and
//! values come out. From the outside in, a connection is
//!
//! ```text
//! handshake   2 messages: u16 BE length, Noise NNpsk0 keyed by the cluster secret ([`handshake`])
//! records     u16 BE length, at most 65535 bytes of ciphertext      ([`transport`], [`cipher`])
//! frames      in the plaintext: u32 LE length, payload                            ([`frame`])
//! payload     one protobuf message; which kind is said by the lane                ([`proto`])
//! ```
//!
//! Connections of clients are made of the same; what they may say is another list ([`client`]).
//!
//! The rule: bytes from a peer are input like any other. Whatever arrives, the answer is a value or
//! a typed error, never a panic, and memory grows only with bytes that were received.
//!
//! The Dynamo paper (2007) leaves the wire open ("all communications are implemented using Java NIO
//! channels", section 5) and assumes that no node is hostile (section 2.1); Stator encrypts and
//! authenticates every link between nodes, so that a stranger can neither join, read nor inject.

pub mod cipher;
pub mod client;
mod error;
pub mod frame;
pub mod handshake;
pub mod hello;
pub mod proto;
pub mod secret;
pub mod transport;

pub use error::WireError;
