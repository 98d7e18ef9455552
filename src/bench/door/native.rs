//! Native connections: one client that knows the ring for all workers of a thread. A worker has one
//! request under way at a time; links to nodes are shared.

use std::time::Duration;

use bytes::Bytes;
use stator_client::{Context, Fetched, NewObject, ObjectName, RequestOptions, RingClient};

use super::{AGAIN, Door, Objects, Operation, Task};
use crate::bench::keys;
use crate::bench::tally::ErrorKind;

/// One request at a time through a client.
pub(in crate::bench) struct NativeDoor {
    client: RingClient,
    objects: Objects,
    name: String,
    options: RequestOptions,
}

impl NativeDoor {
    /// A worker's own, of its thread's client.
    pub(in crate::bench) fn new(client: RingClient, objects: Objects) -> Self {
        Self { client, objects, name: String::new(), options: RequestOptions::default() }
    }

    async fn put(&mut self, key: u32, value: &Bytes) -> Result<(), ErrorKind> {
        let Some(ledger) = self.objects.ledger.clone() else {
            return self.put_with(key, value, None).await.map(|_| ());
        };
        let mut claim = ledger.claim(key);
        let context = self.put_with(claim.key, value, claim.context.as_ref()).await?;
        claim.context = context;
        Ok(())
    }

    async fn modify(&mut self, key: u32, value: &Bytes) -> Result<(), ErrorKind> {
        let Some(ledger) = self.objects.ledger.clone() else {
            let context = self.read(key).await?;
            return self.put_with(key, value, context.as_ref()).await.map(|_| ());
        };
        let mut claim = ledger.claim(key);
        claim.context = self.read(claim.key).await?;
        claim.context = self.put_with(claim.key, value, claim.context.as_ref()).await?;
        Ok(())
    }

    async fn look(&mut self, key: u32) -> Result<(), ErrorKind> {
        let context = self.read(key).await?;
        if let (Some(ledger), Some(context)) = (&self.objects.ledger, context) {
            ledger.learn(key, context);
        }
        Ok(())
    }

    async fn read(&mut self, key: u32) -> Result<Option<Context>, ErrorKind> {
        keys::name(&self.objects.prefix, key, &mut self.name);
        let fetched = self.client.get(self.object(), &self.options).await;
        match fetched {
            Ok(Fetched::Object(object)) => Ok(object.head.context),
            Ok(Fetched::Siblings(siblings)) => Ok(siblings.context),
            Ok(Fetched::NotFound { .. }) => Err("get: not found".into()),
            Err(error) => Err(failed("get", &error).await),
        }
    }

    async fn put_with(
        &mut self,
        key: u32,
        value: &Bytes,
        context: Option<&Context>,
    ) -> Result<Option<Context>, ErrorKind> {
        keys::name(&self.objects.prefix, key, &mut self.name);
        let object = NewObject { value: value.clone(), ..NewObject::default() };
        let written = self.client.put(self.object(), object, context, &self.options).await;
        match written {
            Ok(written) => Ok(written.context),
            Err(error) => Err(failed("put", &error).await),
        }
    }

    fn object(&self) -> ObjectName<'_> {
        ObjectName { bucket: self.objects.bucket.as_bytes(), key: self.name.as_bytes() }
    }
}

/// Names it, and pauses so that nobody is asked without end where nobody answers.
async fn failed(what: &str, error: &stator_client::ClientError) -> ErrorKind {
    const PAUSE: Duration = AGAIN;
    tokio::time::sleep(PAUSE).await;
    format!("{what}: {error}").into()
}

impl Door for NativeDoor {
    async fn carry_out(&mut self, batch: &mut [Operation]) {
        for operation in batch {
            let key = operation.key;
            let outcome = match &operation.task {
                Task::Put(value) => self.put(key, value).await,
                Task::Get => self.read(key).await.map(|_| ()),
                Task::Modify(value) => self.modify(key, value).await,
                Task::Look => self.look(key).await,
            };
            operation.ends(outcome);
        }
    }
}
