//! Keys of a database: whether they are there, and deleting them.
//!
//! A delete leaves a tombstone, which is dropped once all replicas have it (rule 13). What is not
//! there is not deleted: it would leave a tombstone for every name that anybody tries.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt};
use stator_core::object::ObjectKey;

use super::super::batch::UnderWay;
use super::super::call::{AT_ONCE, Call};
use super::super::failure::Failure;
use super::super::reply::Reply;
use super::several::together;

/// `DEL key …` and `UNLINK key …`.
pub(crate) fn del(call: Call) -> UnderWay {
    Box::pin(async move {
        let keys: BTreeSet<ObjectKey> = keys(&call)?.into_iter().collect();
        let delete = async |key: ObjectKey| {
            let found = call.find(&key).await?;
            if found.value.is_none() {
                return Ok(false);
            }
            call.delete(key, found.context).await.map(|()| true)
        };
        let outcomes: Vec<_> = stream::iter(keys).map(delete).buffered(AT_ONCE).collect().await;
        Ok(Reply::count(together(outcomes)?))
    })
}

/// `EXISTS key …`: a key that is named twice counts twice.
pub(crate) fn exists(call: Call) -> UnderWay {
    Box::pin(async move {
        let keys = keys(&call)?;
        let find = async |key: ObjectKey| call.find(&key).await;
        let mut found = stream::iter(keys).map(find).buffered(AT_ONCE);
        let mut count = 0;
        while let Some(found) = found.next().await {
            count += usize::from(found?.value.is_some());
        }
        Ok(Reply::count(count))
    })
}

fn keys(call: &Call) -> Result<Vec<ObjectKey>, Failure> {
    call.arguments.iter().skip(1).map(|name| call.key(name.clone())).collect()
}

/// `TYPE key`: there are only strings.
pub(crate) fn kind(call: Call) -> UnderWay {
    Box::pin(async move {
        let key = call.key(call.argument(1))?;
        let is_there = call.find(&key).await?.value.is_some();
        Ok(Reply::Simple(if is_there { "string" } else { "none" }))
    })
}

/// `GETDEL key`: what was read is what is returned; both together are not atomic.
pub(crate) fn getdel(call: Call) -> UnderWay {
    Box::pin(async move {
        let key = call.key(call.argument(1))?;
        let found = call.find(&key).await?;
        let Some(value) = found.value else { return Ok(Reply::Null) };
        let reply = call.reply(value.bytes).await?;
        call.delete(key, found.context).await?;
        Ok(reply)
    })
}
