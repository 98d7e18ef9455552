//! What a connection has asked for so far.

use bytes::Bytes;

use super::reply::Protocol;

/// A client, as its connection knows it.
#[derive(Clone, Debug)]
pub(super) struct Client {
    /// Its number, unique while the door is open.
    pub(super) id: u64,
    pub(super) protocol: Protocol,
    /// 0 to 15.
    pub(super) database: u8,
    /// As given; empty if none was.
    pub(super) name: Bytes,
    /// Whether the connection ends once this command is answered.
    pub(super) leaves: bool,
}

impl Client {
    pub(super) fn new(id: u64) -> Self {
        Self { id, protocol: Protocol::Resp2, database: 0, name: Bytes::new(), leaves: false }
    }
}
