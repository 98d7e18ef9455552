//! Reading values of a database.

use futures_util::stream::{self, StreamExt};
use stator_core::object::ObjectKey;

use super::super::batch::UnderWay;
use super::super::call::{AT_ONCE, Call};
use super::super::failure::{Answer, Failure};
use super::super::reply::Reply;

/// The most bytes of values in one reply.
const REPLY_BYTES: usize = 64 * 1024 * 1024;

/// `GET key`.
pub(crate) fn get(call: Call) -> UnderWay {
    Box::pin(async move {
        let key = call.key(call.argument(1))?;
        match call.find(&key).await?.value {
            Some(value) => call.reply(value.bytes).await,
            None => Ok(Reply::Null),
        }
    })
}

/// `STRLEN key`.
pub(crate) fn strlen(call: Call) -> UnderWay {
    Box::pin(async move {
        let key = call.key(call.argument(1))?;
        let value = call.find(&key).await?.value;
        Ok(Reply::count(value.map_or(0, |value| value.bytes.len())))
    })
}

/// `MGET key …`. The keys are read at a time, some at once; an error of one is the answer, since a
/// value that can't be read now is no absent one.
pub(crate) fn mget(call: Call) -> UnderWay {
    Box::pin(async move {
        let names = call.arguments.iter().skip(1).cloned();
        let keys = names.map(|name| call.key(name)).collect::<Result<Vec<_>, _>>()?;
        let find = async |key: ObjectKey| call.find(&key).await;
        let mut found = stream::iter(keys).map(find).buffered(AT_ONCE);
        let mut replies = Vec::new();
        let mut bytes = 0;
        while let Some(found) = found.next().await {
            let Some(value) = found?.value else {
                replies.push(Reply::Null);
                continue;
            };
            bytes += value.bytes.len();
            if bytes > REPLY_BYTES.max(call.front.config.max_object_bytes) {
                return too_much();
            }
            replies.push(call.reply(value.bytes).await?);
        }
        Ok(Reply::Array(replies))
    })
}

fn too_much() -> Answer {
    let text =
        format!("the values have more than {REPLY_BYTES} bytes together: ask for fewer at a time");
    Err(Failure::err(text))
}
