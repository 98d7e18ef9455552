//! A way to reach the cluster.

use stator_client::{
    ClientError, ClientKey, Context, Coordinators, Fetched, NewObject, ObjectName, RequestOptions,
    RingClient, RingOptions, Written,
};

use super::balancer::Balancer;
use crate::Failed;
use crate::fleet::Fleet;

/// A client, and who coordinates what it asks.
pub(super) struct Way(RingClient);

impl Way {
    /// Native connections.
    pub(super) fn natively(fleet: &Fleet, key: &ClientKey, coordinators: Coordinators) -> Self {
        let endpoint = fleet.nodes[0].client.endpoint().clone();
        let options = RingOptions::new(endpoint).with_key(Some(key.clone()));
        Self(RingClient::new(options.with_coordinators(coordinators)))
    }

    /// HTTP, through a balancer.
    pub(super) fn behind(balancer: &Balancer) -> Result<Self, Failed> {
        let endpoint = format!("http://{}", balancer.address).parse()?;
        Ok(Self(RingClient::new(RingOptions::new(endpoint))))
    }

    pub(super) async fn get(&self, name: ObjectName<'_>) -> Result<Fetched, ClientError> {
        self.0.get(name, &RequestOptions::default()).await
    }

    pub(super) async fn put(
        &self,
        name: ObjectName<'_>,
        object: NewObject,
        context: Option<&Context>,
    ) -> Result<Written, ClientError> {
        self.0.put(name, object, context, &RequestOptions::default()).await
    }
}
