//! Native clients against real nodes: the command line and the crate.

mod cart;
mod commands;
mod failures;
mod ring;
mod sessions;

use stator_client::{ClientKey, Coordinators, RingClient, RingOptions};
use stator_wire::secret::Secret;

use crate::harness::Node;

/// The client key of clusters without a secret.
fn key() -> ClientKey {
    ClientKey::derive(&Secret::new(*b""))
}

/// A native client that begins with these nodes.
fn client(nodes: &[Node]) -> RingClient {
    RingClient::new(options(nodes))
}

fn options(nodes: &[Node]) -> RingOptions {
    let mut endpoints = nodes.iter().map(|node| node.http.parse().expect("an endpoint"));
    let first = endpoints.next().expect("a node");
    let options = endpoints.fold(RingOptions::new(first), RingOptions::and_endpoint);
    options.with_key(Some(key())).with_coordinators(Coordinators::Replicas)
}
