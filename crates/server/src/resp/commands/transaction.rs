//! Transactions, of which there are none: `MULTI` is refused, and so is all that was sent to be a
//! part of it.

use bytes::Bytes;

use super::super::client::{Client, Transaction};
use super::super::failure::{Answer, Failure};
use super::super::front::Front;
use super::super::reply::Reply;

/// `MULTI`.
pub(crate) fn multi(_front: &Front, client: &mut Client, _arguments: &[Bytes]) -> Answer {
    client.transaction = Transaction::Refused;
    Err(Failure::err(
        "MULTI needs transactions over several commands, which Stator does not have: send the \
         commands without it; those up to EXEC are not carried out",
    ))
}

/// `EXEC`.
pub(crate) fn exec(_front: &Front, client: &mut Client, _arguments: &[Bytes]) -> Answer {
    match std::mem::replace(&mut client.transaction, Transaction::None) {
        Transaction::None => Err(Failure::err("EXEC without MULTI")),
        Transaction::Refused => {
            Err(Failure::as_redis("EXECABORT Transaction discarded because of previous errors."))
        }
    }
}

/// `DISCARD`.
pub(crate) fn discard(_front: &Front, client: &mut Client, _arguments: &[Bytes]) -> Answer {
    match std::mem::replace(&mut client.transaction, Transaction::None) {
        Transaction::None => Err(Failure::err("DISCARD without MULTI")),
        Transaction::Refused => Ok(Reply::OK),
    }
}

/// Whether a command is carried out although `MULTI` was refused.
pub(crate) fn goes_on_after_multi(name: &str) -> bool {
    matches!(name, "MULTI" | "EXEC" | "DISCARD" | "QUIT" | "RESET")
}

/// What every other command is answered with.
pub(crate) fn not_carried_out(name: &str) -> Failure {
    Failure::err(format!("{name} is not carried out: it belongs to a MULTI that was refused"))
}
