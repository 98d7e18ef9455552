//! A client that knows the ring: it asks a replica of the key itself (the paper, 5), and falls back
//! to any node, and to HTTP.
//!
//! ```text
//! with a client key      native frames, straight to the fastest replica of the key; a write to the
//!                        one that answered the last read; other replicas, then any node
//! without, or if no      HTTP, to the endpoint that was given, which coordinates
//! node can be reached
//! ```
//!
//! The key is that of `stator secret --client`: derived one way from the cluster's secret, it opens
//! what clients may do and nothing that nodes may. A node that refuses it is an error and not a
//! reason to speak HTTP: that would hide it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use stator_core::object::ObjectKey;
use stator_core::request::{Precedence, PutOrder};
use stator_core::ring::RingVersion;
use stator_wire::client::{Answer, Ask};
use stator_wire::secret::ClientKey;

use crate::endpoint::Endpoint;
use crate::error::ClientError;
use crate::native::chart::Chart;
use crate::native::latency::Latencies;
use crate::native::learning::Learning;
use crate::native::order::{Coordinators, Judge, Readers};
use crate::native::pool::Pool;
use crate::native::run::{Done, Failed, Request};
use crate::native::told;
use crate::object::{Context, Fetched, NewObject, ObjectName, RequestOptions, Written};
use crate::session::Session;
use crate::transport::{Client, Effect};
use crate::typed::Bucket;

/// How a client finds its cluster.
#[derive(Clone, Debug)]
pub struct RingOptions {
    /// HTTP endpoints of nodes, any of them; the first is asked where native connections can't be
    /// made.
    pub endpoints: Vec<Endpoint>,
    /// Native addresses (`host:port`, as `--peer` names them) to begin with: a client that has some
    /// asks no endpoint where nodes are.
    pub seeds: Vec<String>,
    /// The client key; without one the client speaks HTTP.
    pub key: Option<ClientKey>,
    /// Who coordinates.
    pub coordinators: Coordinators,
}

impl RingOptions {
    /// The cluster of the node at `endpoint`, over HTTP.
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoints: vec![endpoint],
            seeds: Vec::new(),
            key: None,
            coordinators: Coordinators::Replicas,
        }
    }

    /// The same, natively if there is a key.
    pub fn with_key(self, key: Option<ClientKey>) -> Self {
        Self { key, ..self }
    }

    /// The same with another node to begin with.
    pub fn and_endpoint(mut self, endpoint: Endpoint) -> Self {
        self.endpoints.push(endpoint);
        self
    }

    /// The same with others to coordinate.
    pub fn with_coordinators(self, coordinators: Coordinators) -> Self {
        Self { coordinators, ..self }
    }
}

/// A client of a cluster. Cheap to clone: clones share connections and what they learned.
#[derive(Clone)]
pub struct RingClient {
    endpoints: Arc<[Client]>,
    native: Option<Arc<Inner>>,
}

/// What clones share.
#[derive(Debug)]
pub(crate) struct Inner {
    pool: Pool,
    learning: Learning,
    reads: Latencies,
    writes: Latencies,
    readers: Readers,
    coordinators: Coordinators,
    /// To begin a task that outlives the request which found that it is needed.
    this: std::sync::Weak<Self>,
}

impl RingClient {
    /// A client. Nothing is sent yet; the ring is learned with the first request. Needs a tokio
    /// runtime.
    ///
    /// # Panics
    /// If no endpoint is given.
    pub fn new(options: RingOptions) -> Self {
        let RingOptions { endpoints, seeds, key, coordinators } = options;
        assert!(!endpoints.is_empty(), "a client needs an endpoint to begin with");
        let endpoints: Arc<[Client]> = endpoints.into_iter().map(Client::new).collect();
        let native = key.map(|key| {
            Arc::new_cyclic(|this| Inner {
                pool: Pool::new(key),
                learning: Learning::new(seeds, endpoints.to_vec()),
                reads: Latencies::default(),
                writes: Latencies::default(),
                readers: Readers::default(),
                coordinators,
                this: this.clone(),
            })
        });
        Self { endpoints, native }
    }

    /// The client of the first endpoint, for everything that is no object: keys, buckets, the
    /// cluster.
    pub fn http(&self) -> &Client {
        &self.endpoints[0]
    }

    /// A session of this client: it reads its own writes.
    pub fn session(&self) -> Session {
        Session::new(self.clone())
    }

    /// A bucket whose values are of one type.
    pub fn bucket<T>(&self, name: impl Into<Bytes>) -> Bucket<T> {
        Bucket::new(self.clone(), name.into())
    }

    /// Reads an object: one value, several, or none.
    pub async fn get(
        &self,
        name: ObjectName<'_>,
        options: &RequestOptions,
    ) -> Result<Fetched, ClientError> {
        self.get_seen(name, options, None).await
    }

    /// Reads an object, with all that a reader with this context has seen of it, or not at all.
    /// Over HTTP the context is of no effect.
    pub(crate) async fn get_seen(
        &self,
        name: ObjectName<'_>,
        options: &RequestOptions,
        seen: Option<&Context>,
    ) -> Result<Fetched, ClientError> {
        let get = |client: Client| async move { client.get(name, options).await };
        let Some(inner) = &self.native else { return self.over_http(get).await };
        let key = told::key(name)?;
        let seen = seen.map(told::sealed).transpose()?;
        let ask = Ask::Get { key: key.clone(), quorum: options.quorum, seen };
        match inner.carry_out(&key, ask, Effect::Read, options).await {
            Ok(Done { answer: Answer::Got(got), by }) => {
                inner.readers.answered(key.token(), by);
                Ok(told::fetched(got))
            }
            Ok(done) => Err(mismatched(&done, Effect::Read)),
            Err(failed) if failed.nobody => {
                self.over_http(get).await.map_err(|error| told_of(failed, error))
            }
            Err(failed) => Err(failed.error),
        }
    }

    /// Stores an object. The context says which versions it takes the place of; without one it
    /// takes the place of none and may become a sibling.
    pub async fn put(
        &self,
        name: ObjectName<'_>,
        object: NewObject,
        context: Option<&Context>,
        options: &RequestOptions,
    ) -> Result<Written, ClientError> {
        let put = |client: Client| {
            let object = object.clone();
            async move { client.put(name, object, context, options).await }
        };
        let Some(inner) = &self.native else { return self.over_http(put).await };
        let key = told::key(name)?;
        let order = PutOrder {
            key: key.clone(),
            context: context.map(told::sealed).transpose()?,
            value: told::content(&object)?,
            quorum: options.quorum,
            precedence: Precedence::Newest,
        };
        let ask = Ask::Put { order, ttl: told::ttl(&object)? };
        match inner.write(&key, ask, options).await {
            Err(failed) if failed.nobody => {
                self.over_http(put).await.map_err(|error| told_of(failed, error))
            }
            written => written.map_err(|failed| failed.error),
        }
    }

    /// Deletes what the context covers; without one, what the coordinator reads first.
    pub async fn delete(
        &self,
        name: ObjectName<'_>,
        context: Option<&Context>,
        options: &RequestOptions,
    ) -> Result<Written, ClientError> {
        let delete = |client: Client| async move { client.delete(name, context, options).await };
        let Some(inner) = &self.native else { return self.over_http(delete).await };
        let key = told::key(name)?;
        let (quorum, sealed) = (options.quorum, context.map(told::sealed).transpose()?);
        let ask = match sealed {
            Some(sealed) => Ask::Put {
                order: PutOrder {
                    key: key.clone(),
                    context: Some(sealed),
                    value: stator_core::object::Content::Tombstone,
                    quorum,
                    precedence: Precedence::Newest,
                },
                ttl: None,
            },
            None => Ask::Delete { key: key.clone(), quorum },
        };
        match inner.write(&key, ask, options).await {
            Err(failed) if failed.nobody => {
                self.over_http(delete).await.map_err(|error| told_of(failed, error))
            }
            written => written.map_err(|failed| failed.error),
        }
    }

    /// Asks the endpoints in turn, as long as nobody is there: nothing was sent then.
    async fn over_http<T, F>(&self, ask: impl Fn(Client) -> F) -> Result<T, ClientError>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let (last, others) = self.endpoints.split_last().expect("a client has an endpoint");
        for endpoint in others {
            match ask(endpoint.clone()).await {
                Err(ClientError::Unreachable { .. }) => {}
                outcome => return outcome,
            }
        }
        ask(last.clone()).await
    }
}

/// What is told where neither way led to a node.
fn told_of(failed: Failed, over_http: ClientError) -> ClientError {
    match over_http {
        ClientError::Unreachable { .. } => failed.error,
        other => other,
    }
}

impl fmt::Debug for RingClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if self.native.is_some() { "native" } else { "HTTP" };
        write!(f, "RingClient({}, {way})", self.http().endpoint())
    }
}

fn mismatched(done: &Done, effect: Effect) -> ClientError {
    ClientError::Protocol {
        endpoint: done.by.to_string(),
        detail: "it is the answer to another question".to_owned(),
        outcome: effect.doubt(),
    }
}

impl Inner {
    async fn write(
        &self,
        key: &ObjectKey,
        ask: Ask,
        options: &RequestOptions,
    ) -> Result<Written, Failed> {
        let done = self.carry_out(key, ask, Effect::Write, options).await?;
        match done.answer {
            Answer::Written(reply) => Ok(told::written(&reply)),
            _ => Err(Failed { error: mismatched(&done, Effect::Write), nobody: false }),
        }
    }

    async fn carry_out(
        &self,
        key: &ObjectKey,
        ask: Ask,
        effect: Effect,
        options: &RequestOptions,
    ) -> Result<Done, Failed> {
        let failed = |error| Failed { error, nobody: false };
        let timeout: Duration = told::timeout(options).map_err(failed)?;
        let until = Instant::now() + timeout;
        let chart = self.learning.known(&self.pool).await.map_err(|error| {
            let nobody = matches!(error, ClientError::Unreachable { .. });
            Failed { error, nobody }
        })?;
        let nodes = self.nodes(&chart, key, effect);
        Request { ask, effect, nodes, until, inner: self }.run().await
    }

    fn nodes(
        &self,
        chart: &Chart,
        key: &ObjectKey,
        effect: Effect,
    ) -> Vec<stator_core::identity::NodeId> {
        let judge = Judge { chart, pool: &self.pool, latencies: self.latencies(effect) };
        if self.coordinators == Coordinators::Anyone {
            return judge.shuffled();
        }
        let reader = match effect {
            Effect::Read => None,
            Effect::Write => self.readers.of(key.token()),
        };
        judge.order(chart.preference(key), reader)
    }

    pub(crate) fn chart(&self) -> Arc<Chart> {
        self.learning.chart()
    }

    pub(crate) const fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(crate) const fn latencies(&self, effect: Effect) -> &Latencies {
        match effect {
            Effect::Read => &self.reads,
            Effect::Write => &self.writes,
        }
    }

    /// An answer named the newest ring that its node knows.
    pub(crate) fn saw(&self, ring: RingVersion) {
        if ring > self.learning.chart().version() {
            self.refresh(Some(ring));
        }
    }

    /// Learns the ring again, beside what is under way.
    pub(crate) fn refresh(&self, newer: Option<RingVersion>) {
        let Some(this) = self.this.upgrade() else { return };
        tokio::spawn(async move {
            this.learning.refresh(&this.pool, newer).await;
            let chart = this.learning.chart();
            let is_there = |node| chart.address(node).is_some();
            this.reads.keep(is_there);
            this.writes.keep(is_there);
        });
    }
}

#[cfg(test)]
mod tests;
