//! What a connection has asked for so far.

use bytes::Bytes;

use super::reply::Protocol;

/// Whether the client believes to be in a transaction. None is ever begun; but clients send the
/// commands of one together with its `MULTI`, and those must not be carried out one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transaction {
    None,
    /// `MULTI` was refused: so is everything up to `EXEC` or `DISCARD`.
    Refused,
}

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
    pub(super) transaction: Transaction,
    /// Whether the connection ends once this command is answered.
    pub(super) leaves: bool,
}

impl Client {
    pub(super) fn new(id: u64) -> Self {
        Self {
            id,
            protocol: Protocol::Resp2,
            database: 0,
            name: Bytes::new(),
            transaction: Transaction::None,
            leaves: false,
        }
    }
}
