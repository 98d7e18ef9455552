//! Native clients against real nodes: the command line, the crate, its examples.

mod cart;
mod commands;
mod examples;
mod failures;
mod ring;

use stator_client::{ClientKey, ObjectName, RingClient, RingOptions};
use stator_wire::secret::Secret;

use crate::harness::Node;

/// The client key of clusters without a secret.
pub(crate) fn key() -> ClientKey {
    ClientKey::derive(&Secret::new(*b""))
}

/// How to find the cluster of these nodes, over HTTP.
fn by_http(nodes: &[Node]) -> RingOptions {
    let mut endpoints = nodes.iter().map(|node| node.http.parse().expect("an endpoint"));
    let first = endpoints.next().expect("a node");
    endpoints.fold(RingOptions::new(first), RingOptions::and_endpoint)
}

/// The same natively.
fn natively(nodes: &[Node]) -> RingOptions {
    by_http(nodes).with_key(Some(key()))
}

/// A native client that begins with these nodes.
fn client(nodes: &[Node]) -> RingClient {
    RingClient::new(natively(nodes))
}

fn name(key: &str) -> ObjectName<'_> {
    ObjectName { bucket: b"things", key: key.as_bytes() }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().expect("threads")
}
