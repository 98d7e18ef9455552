//! A shopping cart that is always writable, and loses nothing (the paper, 2.3 and 4.4).
//!
//! Phones and laptops of one customer put items into one cart at the same time. No one of them
//! waits for another, all are acknowledged, and what they wrote side by side is merged by the next
//! one that reads: the union of the carts.
//!
//! ```text
//! stator demo                       (in another terminal; it prints the next line as it must be)
//! export STATOR_CLIENT_KEY=$(STATOR_SECRET_FILE=… stator secret --client)   (else over HTTP)
//! cargo run --release --example cart
//! ```
//!
//! It ends with status 1 if an item that was acknowledged is not there.

use std::collections::BTreeSet;
use std::error::Error;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use stator_client::{Bucket, Merge, Outcome, RingClient, RingOptions, TypedError};

/// What is in the cart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cart {
    pub(crate) items: BTreeSet<String>,
}

impl Merge for Cart {
    fn merge(siblings: Vec<Self>) -> Self {
        Self { items: siblings.into_iter().flat_map(|cart| cart.items).collect() }
    }
}

/// Puts one item into a customer's cart; whether it is known to be there.
pub(crate) async fn add(
    carts: &Bucket<Cart>,
    customer: &str,
    item: &str,
) -> Result<bool, TypedError> {
    let added = carts.update(customer, |cart| {
        cart.items.insert(item.to_owned());
    });
    match added.await {
        Ok(_) => Ok(true),
        // It may be there, and may not: what a shop would show as "being added".
        Err(TypedError::Client(error)) if error.outcome() == Outcome::Indeterminate => Ok(false),
        Err(error) => Err(error),
    }
}

/// How many devices, and how many items each puts in.
const DEVICES: usize = 8;
const ITEMS: usize = 25;

/// What the example found.
pub(crate) struct Shopped {
    pub(crate) acknowledged: BTreeSet<String>,
    pub(crate) cart: Cart,
}

/// Shops on all devices at once, each with a client of its own.
pub(crate) async fn shop(options: RingOptions) -> Result<Shopped, Box<dyn Error + Send + Sync>> {
    let customer = format!("customer-{}", std::process::id());
    let devices = (0..DEVICES).map(|device| {
        let carts: Bucket<Cart> = RingClient::new(options.clone()).bucket("carts");
        let customer = customer.clone();
        tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for number in 0..ITEMS {
                let item = format!("item-{device}-{number}");
                if add(&carts, &customer, &item).await? {
                    acknowledged.push(item);
                }
            }
            Ok::<_, TypedError>(acknowledged)
        })
    });
    let mut acknowledged = BTreeSet::new();
    for device in devices.collect::<Vec<_>>() {
        acknowledged.extend(device.await??);
    }
    let carts: Bucket<Cart> = RingClient::new(options).bucket("carts");
    let found = carts.get(&customer).await?;
    println!(
        "{DEVICES} devices put {} items into one cart; it is read as {} version(s)",
        acknowledged.len(),
        found.versions
    );
    // Reading merged them for us; writing the merge back makes them one again.
    let (cart, _) = carts.update(&customer, |_| {}).await?;
    let now = carts.get(&customer).await?;
    println!("merged and put back: {} version(s), {} items", now.versions, cart.items.len());
    Ok(Shopped { acknowledged, cart })
}

#[tokio::main]
#[cfg_attr(test, allow(dead_code))]
async fn main() -> ExitCode {
    let shopped = match RingOptions::from_environment() {
        Ok(options) => shop(options).await,
        Err(error) => Err(error.into()),
    };
    match shopped {
        Ok(Shopped { acknowledged, cart }) => {
            let lost: Vec<_> = acknowledged.difference(&cart.items).collect();
            println!("acknowledged and lost: {}", lost.len());
            if lost.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
