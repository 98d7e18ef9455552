//! A session: what its holder has written or read, it reads again, and never an older state.
//!
//! It carries the context of each object that it has met. A get sends it along, and a node answers
//! with a state that has all that the context names, or says that it can't (the paper, 5, by way of
//! 4.4). A put sends it too, so that the writes of a session take each other's places instead of
//! becoming siblings.
//!
//! Two limits. Over HTTP nobody checks: there the quorums alone decide. And a write that only
//! fallbacks have taken may be missed, once all primaries answer again and before they have it from
//! the fallbacks.

use std::collections::HashMap;

use crate::error::ClientError;
use crate::object::{Context, Fetched, NewObject, ObjectName, RequestOptions, Written};
use crate::ring::RingClient;

/// What one user of a client has seen. It holds a context for each object that it has met.
#[derive(Clone, Debug)]
pub struct Session {
    client: RingClient,
    seen: HashMap<Name, Context>,
}

type Name = (Vec<u8>, Vec<u8>);

fn owned(name: ObjectName<'_>) -> Name {
    (name.bucket.to_vec(), name.key.to_vec())
}

impl Session {
    pub(crate) fn new(client: RingClient) -> Self {
        Self { client, seen: HashMap::new() }
    }

    /// Reads an object: with all that this session has seen of it, or an error.
    pub async fn get(
        &mut self,
        name: ObjectName<'_>,
        options: &RequestOptions,
    ) -> Result<Fetched, ClientError> {
        let seen = self.seen.get(&owned(name));
        let fetched = self.client.get_seen(name, options, seen).await?;
        let context = match &fetched {
            Fetched::Object(object) => object.head.context.as_ref(),
            Fetched::Siblings(siblings) => siblings.context.as_ref(),
            Fetched::NotFound { context } => context.as_ref(),
        };
        self.saw(name, context);
        Ok(fetched)
    }

    /// Stores an object in the place of what this session has seen of it.
    pub async fn put(
        &mut self,
        name: ObjectName<'_>,
        object: NewObject,
        options: &RequestOptions,
    ) -> Result<Written, ClientError> {
        let written = self.client.put(name, object, self.context(name), options).await?;
        self.saw(name, written.context.as_ref());
        Ok(written)
    }

    /// Deletes what this session has seen of an object; if it has seen nothing, what is there.
    pub async fn delete(
        &mut self,
        name: ObjectName<'_>,
        options: &RequestOptions,
    ) -> Result<Written, ClientError> {
        let written = self.client.delete(name, self.context(name), options).await?;
        self.saw(name, written.context.as_ref());
        Ok(written)
    }

    /// The context of what this session has seen of an object.
    pub fn context(&self, name: ObjectName<'_>) -> Option<&Context> {
        self.seen.get(&owned(name))
    }

    /// Forgets an object: the next read may be of any state.
    pub fn forget(&mut self, name: ObjectName<'_>) {
        self.seen.remove(&owned(name));
    }

    fn saw(&mut self, name: ObjectName<'_>, context: Option<&Context>) {
        if let Some(context) = context {
            self.seen.insert(owned(name), context.clone());
        }
    }
}
