//! The shopping cart while two of five nodes are killed and come back: no item that was
//! acknowledged is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use stator_client::{Bucket, RingClient};

use super::examples::cart::{Cart, add};
use super::{natively, runtime};
use crate::harness::{Cluster, until};

const DEVICES: usize = 8;
const CUSTOMERS: usize = 4;

/// What devices have put into carts, and what came of it.
#[derive(Default)]
struct Shopping {
    stop: AtomicBool,
    acknowledged: AtomicUsize,
    in_doubt: AtomicUsize,
    refused: AtomicUsize,
}

/// One device puts items into all carts in turn, until it is told to stop. Items by customer.
async fn shop(
    device: usize,
    carts: Bucket<Cart>,
    shopping: Arc<Shopping>,
) -> BTreeMap<String, BTreeSet<String>> {
    let mut acknowledged: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for number in 0.. {
        if shopping.stop.load(Ordering::SeqCst) {
            break;
        }
        let customer = format!("customer-{}", number % CUSTOMERS);
        let item = format!("item-{device}-{number}");
        let count = match add(&carts, &customer, &item).await {
            Ok(true) => {
                acknowledged.entry(customer).or_default().insert(item);
                &shopping.acknowledged
            }
            Ok(false) => &shopping.in_doubt,
            Err(_) => &shopping.refused,
        };
        count.fetch_add(1, Ordering::SeqCst);
    }
    acknowledged
}

#[test]
fn the_cart_loses_no_item_while_two_of_five_nodes_die() {
    let mut cluster = Cluster::of(5);
    let options = natively(&cluster.nodes);
    let runtime = runtime();
    let shopping = Arc::new(Shopping::default());
    let devices: Vec<_> = (0..DEVICES)
        .map(|device| {
            let carts = RingClient::new(options.clone()).bucket("carts");
            runtime.spawn(shop(device, carts, Arc::clone(&shopping)))
        })
        .collect();
    let more = |count: usize, what: &str| {
        let before = shopping.acknowledged.load(Ordering::SeqCst);
        until(what, || {
            (shopping.acknowledged.load(Ordering::SeqCst) >= before + count).then_some(())
        });
    };
    more(100, "devices shop");
    cluster.nodes[1].kill();
    cluster.nodes[3].kill();
    more(300, "they go on while two are dead");
    for dead in [1, 3] {
        cluster.nodes[dead].start(&[]);
    }
    more(200, "they go on when those are back");
    shopping.stop.store(true, Ordering::SeqCst);
    let mut acknowledged: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for device in devices {
        for (customer, items) in runtime.block_on(device).expect("a device does not panic") {
            acknowledged.entry(customer).or_default().extend(items);
        }
    }
    eprintln!(
        "acknowledged {}, in doubt {}, refused {}",
        shopping.acknowledged.load(Ordering::SeqCst),
        shopping.in_doubt.load(Ordering::SeqCst),
        shopping.refused.load(Ordering::SeqCst),
    );

    let verified = cluster.nodes[0].cli(&["verify", "--timeout", "100s"]);
    assert!(verified.status.success(), "{}", crate::harness::stdout(&verified));
    let carts: Bucket<Cart> = RingClient::new(options).bucket("carts");
    for (customer, items) in acknowledged {
        let found = runtime.block_on(carts.get(&customer)).expect("carts are read");
        let cart = found.value.unwrap_or_default();
        let lost: Vec<_> = items.difference(&cart.items).collect();
        assert!(lost.is_empty(), "{customer}: acknowledged and lost: {lost:?}");
    }
}
