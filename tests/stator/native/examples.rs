//! The examples do what they say, natively and over HTTP.

#[path = "../../../examples/bestsellers.rs"]
mod bestsellers;
#[path = "../../../examples/cart.rs"]
pub(super) mod cart;
#[path = "../../../examples/sessions.rs"]
mod sessions;

use stator_client::RingOptions;

use super::{by_http, natively, runtime};
use crate::harness::{Cluster, Node};

fn both(nodes: &[Node]) -> [RingOptions; 2] {
    [natively(nodes), by_http(nodes)]
}

#[test]
fn the_cart_loses_nothing() {
    let cluster = Cluster::three();
    for options in both(&cluster.nodes) {
        let shopped = runtime().block_on(cart::shop(options)).expect("it shops");
        let lost: Vec<_> = shopped.acknowledged.difference(&shopped.cart.items).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        assert_eq!(shopped.acknowledged.len(), 200, "nothing failed, so that nothing was in doubt");
    }
}

#[test]
fn the_best_sellers_are_counted_right() {
    let cluster = Cluster::three();
    for options in both(&cluster.nodes) {
        let (list, sold) = runtime().block_on(bestsellers::sell(options)).expect("it sells");
        let told: std::collections::BTreeMap<String, u64> =
            list.into_iter().map(|(count, book)| (book, count)).collect();
        assert_eq!(told, sold);
    }
}

#[test]
fn users_read_their_own_writes() {
    let cluster = Cluster::three();
    for options in both(&cluster.nodes) {
        let stale = runtime().block_on(sessions::browse(options)).expect("users browse");
        assert_eq!(stale, 0);
    }
}
