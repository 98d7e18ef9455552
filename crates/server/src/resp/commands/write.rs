//! Setting values of a database.
//!
//! A `SET` carries no context: it is stamped by the replica that mints it, above every stamp which
//! that replica has seen, and the highest stamp wins everywhere (rule 7).

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use stator_core::object::{Content, NewValue};
use stator_core::time::WallTime;

use super::super::batch::UnderWay;
use super::super::call::{AT_ONCE, Call, plain};
use super::super::failure::{Answer, Failure};
use super::super::reply::Reply;
use super::super::table::CONDITIONAL;
use super::moment::{self, Form};
use super::several::together;
use crate::clock;

/// When a new value expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expiry {
    /// As its bucket says.
    Usual,
    /// When the value expires that it replaces.
    Kept,
    /// Then.
    At(WallTime),
}

/// What a `SET` asks for beside the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Options {
    expiry: Expiry,
    returns_old: bool,
}

impl Options {
    fn parse(arguments: &[Bytes]) -> Result<Self, Failure> {
        let mut options = Self { expiry: Expiry::Usual, returns_old: false };
        let mut rest = arguments.iter();
        while let Some(word) = rest.next() {
            let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
            if is(b"NX") || is(b"XX") {
                let name = String::from_utf8_lossy(word).to_ascii_uppercase();
                return Err(Failure::err(format!("SET {name} {CONDITIONAL}")));
            }
            if is(b"GET") {
                options.returns_old = true;
                continue;
            }
            if options.expiry != Expiry::Usual {
                return Err(Failure::syntax());
            }
            options.expiry = if is(b"KEEPTTL") {
                Expiry::Kept
            } else {
                let form = Form::of_option(word).ok_or_else(Failure::syntax)?;
                let text = rest.next().ok_or_else(Failure::syntax)?;
                Expiry::At(moment::positive(form, text, "set")?)
            };
        }
        Ok(options)
    }
}

/// `SET key value [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]`.
pub(crate) fn set(call: Call) -> UnderWay {
    Box::pin(async move {
        let options = Options::parse(call.arguments.get(3..).unwrap_or_default())?;
        let key = call.key(call.argument(1))?;
        let bytes = call.value(call.argument(2))?;
        if !options.returns_old && options.expiry != Expiry::Kept {
            let expires_at = match options.expiry {
                Expiry::At(at) => Some(at),
                _ => call.usual_expiry(key.bucket()),
            };
            call.store(key, None, new_value(bytes, expires_at)).await?;
            return Ok(Reply::OK);
        }
        let found = call.find(&key).await?;
        let expires_at = match options.expiry {
            Expiry::At(at) => Some(at),
            Expiry::Usual => call.usual_expiry(key.bucket()),
            Expiry::Kept => found.value.as_ref().and_then(|value| value.metadata.expires_at),
        };
        // The old value's memory is asked for first: what is written must be answered.
        let old = match found.value.filter(|_| options.returns_old) {
            Some(old) => call.reply(old.bytes).await?,
            None => Reply::Null,
        };
        call.store(key, found.context, new_value(bytes, expires_at)).await?;
        Ok(if options.returns_old { old } else { Reply::OK })
    })
}

/// A value that is to expire at a time; what has expired is not stored in the first place.
fn new_value(bytes: Bytes, expires_at: Option<WallTime>) -> NewValue {
    match expires_at {
        Some(at) if at <= clock::now() => Content::Tombstone,
        at => plain(bytes, at),
    }
}

/// `SETEX key seconds value`.
pub(crate) fn setex(call: Call) -> UnderWay {
    Box::pin(async move { set_for(&call, Form::SecondsFromNow, "setex").await })
}

/// `PSETEX key milliseconds value`.
pub(crate) fn psetex(call: Call) -> UnderWay {
    Box::pin(async move { set_for(&call, Form::MillisFromNow, "psetex").await })
}

async fn set_for(call: &Call, form: Form, command: &str) -> Answer {
    let at = moment::positive(form, &call.argument(2), command)?;
    let key = call.key(call.argument(1))?;
    let bytes = call.value(call.argument(3))?;
    call.store(key, None, new_value(bytes, Some(at))).await?;
    Ok(Reply::OK)
}

/// `MSET key value …`: each by itself, some at once. Of a key that is there twice the last value
/// counts.
pub(crate) fn mset(call: Call) -> UnderWay {
    Box::pin(async move {
        let pairs = call.arguments.get(1..).unwrap_or_default();
        if pairs.len() % 2 == 1 {
            return Err(Failure::wrong_number("mset"));
        }
        let mut values = std::collections::BTreeMap::new();
        for pair in pairs.chunks_exact(2) {
            values.insert(call.key(pair[0].clone())?, call.value(pair[1].clone())?);
        }
        let store = async |(key, bytes): (stator_core::object::ObjectKey, Bytes)| {
            let value = new_value(bytes, call.usual_expiry(key.bucket()));
            call.store(key, None, value).await.map(|()| true)
        };
        let outcomes: Vec<_> = stream::iter(values).map(store).buffered(AT_ONCE).collect().await;
        together(outcomes)?;
        Ok(Reply::OK)
    })
}
