//! All of Stator through the Redis protocol: contexts, siblings and quorums, on any bucket.
//!
//! Contexts are the same texts as over HTTP, so one may be read here and sent back there.

use bytes::Bytes;
use stator_core::context::{ContextError, SealedContext};
use stator_core::object::{BucketName, Content, ObjectKey, ObjectState};
use stator_core::request::{Operation, Precedence, PutOrder};
use stator_core::time::WallTime;

use super::super::batch::UnderWay;
use super::super::call::{Call, plain};
use super::super::failure::{Answer, Failure};
use super::super::reply::Reply;
use super::options::{DELETES, Options, PUTS, READS};
use crate::clock;
use crate::context;
use crate::locate::{Located, Place};

fn key(call: &Call) -> Result<ObjectKey, Failure> {
    call.object(BucketName::new(call.argument(1))?, call.argument(2))
}

/// The context in an argument; empty for none.
fn given_context(text: &Bytes) -> Result<Option<SealedContext>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    let read = context::read(text).ok_or_else(|| Failure::context(ContextError::Malformed))?;
    Ok(Some(read))
}

fn context_reply(context: &SealedContext) -> Reply {
    Reply::text(context::text(context))
}

/// `STATOR.GET bucket key [R n] [PR n] [QUORUM sloppy|strict] [TIMEOUT ms]`: the context, then each
/// sibling; a deleted or expired one beside a value is a null. The context is null if nobody has
/// ever written the object.
pub(crate) fn get(call: Call) -> UnderWay {
    Box::pin(async move {
        let options = Options::parse(call.arguments.get(3..).unwrap_or_default(), READS)?;
        let reply = call.get(key(&call)?, options.quorum, options.timeout).await?;
        let context = reply.context.as_ref().map_or(Reply::Null, context_reply);
        let mut told = vec![context];
        told.extend(siblings(&call, &reply.state, clock::now()).await?);
        Ok(Reply::Array(told))
    })
}

async fn siblings(call: &Call, state: &ObjectState, at: WallTime) -> Result<Vec<Reply>, Failure> {
    let live: Vec<_> = state.siblings().iter().map(|sibling| sibling.live(at)).collect();
    let mut replies = Vec::new();
    if live.iter().any(Option::is_some) {
        for value in live {
            replies.push(match value {
                Some(value) => call.reply(value.bytes.clone()).await?,
                None => Reply::Null,
            });
        }
    }
    Ok(replies)
}

/// `STATOR.PUT bucket key context|"" value [W n] [PW n] [DW n] [NODE_CONFIRMS n]
/// [QUORUM sloppy|strict] [TIMEOUT ms] [TTL seconds]`: the context that covers the new version.
pub(crate) fn put(call: Call) -> UnderWay {
    Box::pin(async move {
        let options = Options::parse(call.arguments.get(5..).unwrap_or_default(), PUTS)?;
        let key = key(&call)?;
        let bytes = call.value(call.argument(4))?;
        let expires_at = match options.ttl {
            Some(ttl) => Some(clock::now().after(ttl)),
            None => call.usual_expiry(key.bucket()),
        };
        let context = given_context(&call.argument(3))?;
        let value = plain(bytes, expires_at);
        let order = PutOrder {
            key,
            context,
            value,
            quorum: options.quorum,
            precedence: Precedence::Newest,
        };
        written(&call, Operation::Put(order), &options).await
    })
}

/// `STATOR.DEL bucket key context|"" [W n] …`: with a context, just what that covers; without one,
/// what the coordinator reads first.
pub(crate) fn delete(call: Call) -> UnderWay {
    Box::pin(async move {
        let options = Options::parse(call.arguments.get(4..).unwrap_or_default(), DELETES)?;
        let (key, quorum) = (key(&call)?, options.quorum);
        let operation = match given_context(&call.argument(3))? {
            None => Operation::Delete { key, quorum },
            context => {
                let (value, precedence) = (Content::Tombstone, Precedence::Newest);
                Operation::Put(PutOrder { key, context, value, quorum, precedence })
            }
        };
        written(&call, operation, &options).await
    })
}

async fn written(call: &Call, operation: Operation, options: &Options) -> Answer {
    let reply = call.put(operation, options.timeout).await?;
    Ok(context_reply(&reply.context))
}

/// `STATOR.LOCATE bucket key`: the token, the partition, and who is in the preference list.
pub(crate) fn locate(call: Call) -> UnderWay {
    Box::pin(async move {
        let key = key(&call)?;
        let located = Located::of(&call.front.backend.view(), &key).ok_or_else(|| {
            Failure::refused(
                "the node knows no ring yet: stage its join and commit it, or ask another",
            )
        })?;
        let pair = |key: &str, value| (Reply::text(key), value);
        let version = i64::try_from(located.ring.0).unwrap_or(i64::MAX);
        Ok(Reply::Map(vec![
            pair("token", Reply::text(located.token.to_string())),
            pair("partition", Reply::Integer(i64::from(located.partition.get()))),
            pair("ring_version", Reply::Integer(version)),
            pair("primaries", places(&located.primaries)),
            pair("fallbacks", places(&located.fallbacks)),
        ]))
    })
}

fn places(places: &[Place]) -> Reply {
    let told = |place: &Place| {
        Reply::Map(vec![
            (Reply::text("name"), Reply::text(&place.name)),
            (Reply::text("state"), Reply::text(place.state)),
        ])
    };
    Reply::Array(places.iter().map(told).collect())
}
