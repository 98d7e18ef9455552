//! When values expire. Expiry is a part of a version, absolute and replicated, so that all replicas
//! agree on it; changing it writes the value again, in the place of the one that was read: a value
//! that somebody else has set meanwhile stays.

use bytes::Bytes;
use stator_core::object::{ObjectKey, Value};
use stator_core::time::WallTime;

use super::super::batch::UnderWay;
use super::super::call::{Call, Found};
use super::super::failure::{Answer, Failure};
use super::super::reply::Reply;
use super::super::table::CONDITIONAL;
use super::moment::{self, Form};
use crate::clock;

/// `EXPIRE key seconds`.
pub(crate) fn expire(call: Call) -> UnderWay {
    Box::pin(async move { expire_at(&call, Form::SecondsFromNow, "expire").await })
}

/// `PEXPIRE key milliseconds`.
pub(crate) fn pexpire(call: Call) -> UnderWay {
    Box::pin(async move { expire_at(&call, Form::MillisFromNow, "pexpire").await })
}

async fn expire_at(call: &Call, form: Form, command: &str) -> Answer {
    if let Some(option) = call.arguments.get(3) {
        return Err(option_of_expire(option, command));
    }
    let at = moment::any(form, &call.argument(2), command)?;
    let key = call.key(call.argument(1))?;
    let found = call.find(&key).await?;
    let Found { value: Some(value), context } = found else { return Ok(Reply::Integer(0)) };
    match at {
        Some(at) => call.amend(key, context, expiring(value, Some(at))).await?,
        None => call.delete(key, context).await?,
    }
    Ok(Reply::Integer(1))
}

fn option_of_expire(option: &Bytes, command: &str) -> Failure {
    let name = String::from_utf8_lossy(option);
    if ["NX", "XX", "GT", "LT"].iter().any(|known| name.eq_ignore_ascii_case(known)) {
        let (command, name) = (command.to_ascii_uppercase(), name.to_ascii_uppercase());
        return Failure::err(format!("{command} {name} {CONDITIONAL}"));
    }
    Failure::err(format!("Unsupported option {name}"))
}

fn expiring(mut value: Value, at: Option<WallTime>) -> Value {
    value.metadata.expires_at = at;
    value
}

/// `PERSIST key`.
pub(crate) fn persist(call: Call) -> UnderWay {
    Box::pin(async move {
        let key = call.key(call.argument(1))?;
        let found = call.find(&key).await?;
        let expires = |value: &Value| value.metadata.expires_at.is_some();
        let Some(value) = found.value.filter(expires) else { return Ok(Reply::Integer(0)) };
        call.amend(key, found.context, expiring(value, None)).await?;
        Ok(Reply::Integer(1))
    })
}

/// What `GETEX` does with the expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Nothing,
    Persist,
    At(WallTime),
}

impl Change {
    fn parse(arguments: &[Bytes]) -> Result<Self, Failure> {
        match arguments {
            [] => Ok(Self::Nothing),
            [word] if word.eq_ignore_ascii_case(b"PERSIST") => Ok(Self::Persist),
            [word, text] => {
                let form = Form::of_option(word).ok_or_else(Failure::syntax)?;
                moment::positive(form, text, "getex").map(Self::At)
            }
            _ => Err(Failure::syntax()),
        }
    }
}

/// `GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST]`.
pub(crate) fn getex(call: Call) -> UnderWay {
    Box::pin(async move {
        let change = Change::parse(call.arguments.get(2..).unwrap_or_default())?;
        let key = call.key(call.argument(1))?;
        let found = call.find(&key).await?;
        let Found { value: Some(value), context } = found else { return Ok(Reply::Null) };
        let reply = call.reply(value.bytes.clone()).await?;
        let expires = value.metadata.expires_at.is_some();
        match change {
            Change::At(at) if at <= clock::now() => call.delete(key, context).await?,
            Change::At(at) => call.amend(key, context, expiring(value, Some(at))).await?,
            Change::Persist if expires => call.amend(key, context, expiring(value, None)).await?,
            Change::Persist | Change::Nothing => {}
        }
        Ok(reply)
    })
}

/// `TTL key`: -2 if there is no such key, -1 if it does not expire.
pub(crate) fn ttl(call: Call) -> UnderWay {
    Box::pin(async move {
        let key = call.key(call.argument(1))?;
        let rounded = |millis: i64| millis.saturating_add(500) / 1000;
        Ok(Reply::Integer(left(&call, &key).await?.map_or_else(|told| told, rounded)))
    })
}

/// `PTTL key`: the same in milliseconds.
pub(crate) fn pttl(call: Call) -> UnderWay {
    Box::pin(async move {
        let key = call.key(call.argument(1))?;
        Ok(Reply::Integer(left(&call, &key).await?.unwrap_or_else(|told| told)))
    })
}

/// The milliseconds that a key has left; what is told instead if it has no such number.
async fn left(call: &Call, key: &ObjectKey) -> Result<Result<i64, i64>, Failure> {
    let Some(value) = call.find(key).await?.value else { return Ok(Err(-2)) };
    let Some(at) = value.metadata.expires_at else { return Ok(Err(-1)) };
    let left = at.as_millis().saturating_sub(clock::now().as_millis());
    Ok(Ok(i64::try_from(left).unwrap_or(i64::MAX)))
}
