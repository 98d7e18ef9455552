use std::collections::BTreeSet;

use serde::Deserialize;
use stator_core::object::{Content, Metadata, Value};
use stator_core::request::RequestError;
use stator_wire::client::{Answer, Ask, CallError, Got};

use super::*;
use crate::error::Outcome;
use crate::native::puppet::{Does, Puppet, cluster, found, key, obliging};
use crate::ring::RingOptions;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Cart(BTreeSet<String>);

impl Merge for Cart {
    fn merge(siblings: Vec<Self>) -> Self {
        Self(siblings.into_iter().flat_map(|cart| cart.0).collect())
    }
}

fn carts(puppets: &[Puppet]) -> Bucket<Cart> {
    let options = RingOptions::new("127.0.0.1:1".parse().expect("an endpoint"));
    let seeds = vec![puppets[0].address.clone()];
    RingClient::new(RingOptions { seeds, ..options.with_key(Some(key())) }).bucket("carts")
}

fn add_c(cart: &mut Cart) {
    cart.0.insert("c".to_owned());
}

fn cart(items: &[&str]) -> Cart {
    Cart(items.iter().map(|&item| item.to_owned()).collect())
}

fn holding(contents: &[Option<&str>]) -> Got {
    let content = |text: Option<&str>| match text {
        Some(text) => Content::Value(Value {
            bytes: Bytes::copy_from_slice(text.as_bytes()),
            metadata: Metadata::default(),
        }),
        None => Content::Tombstone,
    };
    let sibling = found().siblings.remove(0);
    let siblings = contents
        .iter()
        .map(|text| stator_wire::client::GotSibling { content: content(*text), ..sibling.clone() });
    Got { siblings: siblings.collect(), ..found() }
}

/// A node whose gets find this, and whose puts are answered as told.
fn finds(
    puppet: &Puppet,
    got: Got,
    puts: impl Fn() -> Result<Answer, CallError> + Send + Sync + 'static,
) {
    puppet.plays(move |ask| match ask {
        Ask::Get { .. } => Does::Answers(Ok(Answer::Got(got.clone()))),
        _ => Does::Answers(puts()),
    });
}

fn acknowledged() -> Answer {
    obliging(&Ask::Ring)
}

fn written(puppet: &Puppet) -> Vec<(Cart, Option<Bytes>)> {
    let orders = puppet.asked().into_iter().filter_map(|ask| match ask {
        Ask::Put { order, .. } => Some(order),
        _ => None,
    });
    let of = |order: stator_core::request::PutOrder| {
        let Content::Value(value) = order.value else { panic!("a tombstone") };
        let cart = serde_json::from_slice(&value.bytes).expect("JSON");
        (cart, order.context.map(|context| context.0))
    };
    orders.map(of).collect()
}

#[tokio::test]
async fn siblings_are_merged_and_deletions_are_no_values() {
    let puppets = cluster(1).await;
    finds(&puppets[0], holding(&[Some(r#"["a"]"#), None, Some(r#"["b"]"#)]), || Ok(acknowledged()));
    let found = carts(&puppets).get("alice").await.expect("it is read");
    assert_eq!((found.value, found.versions), (Some(cart(&["a", "b"])), 3));
    let (siblings, _) = carts(&puppets).siblings("alice").await.expect("they are read");
    assert_eq!(siblings, [cart(&["a"]), cart(&["b"])]);
}

#[tokio::test]
async fn an_update_takes_the_place_of_all_that_it_read() {
    let puppets = cluster(1).await;
    finds(&puppets[0], holding(&[Some(r#"["a"]"#), Some(r#"["b"]"#)]), || Ok(acknowledged()));
    let update = carts(&puppets).update("alice", add_c).await;
    assert_eq!(update.expect("it is written").0, cart(&["a", "b", "c"]));
    let read = Some(Bytes::from_static(b"read"));
    assert_eq!(written(&puppets[0]), [(cart(&["a", "b", "c"]), read)]);
}

#[tokio::test]
async fn an_update_of_nothing_begins_with_the_default() {
    let puppets = cluster(1).await;
    finds(&puppets[0], Got { context: None, ..holding(&[]) }, || Ok(acknowledged()));
    carts(&puppets).update("alice", add_c).await.expect("new");
    assert_eq!(written(&puppets[0]), [(cart(&["c"]), None)]);
}

#[tokio::test]
async fn an_update_that_was_refused_begins_again_with_a_fresh_read() {
    let puppets = cluster(1).await;
    let times = std::sync::atomic::AtomicUsize::new(0);
    let crowded = RequestError::TooManySiblings { siblings: 101, max: 100 };
    finds(&puppets[0], holding(&[Some(r#"["a"]"#)]), move || {
        match times.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => Err(CallError::Request(crowded.clone())),
            _ => Ok(acknowledged()),
        }
    });
    carts(&puppets).update("alice", |_| {}).await.expect("the second time");
    let asked = puppets[0].asked();
    let gets = asked.iter().filter(|ask| matches!(ask, Ask::Get { .. })).count();
    assert_eq!((gets, asked.len()), (2, 4));
}

#[tokio::test]
async fn an_update_in_doubt_is_told_and_not_done_twice() {
    let puppets = cluster(1).await;
    finds(&puppets[0], holding(&[Some(r#"["a"]"#)]), || {
        Err(CallError::Request(RequestError::Indeterminate { needed: 2, acked: 1 }))
    });
    let doubt = carts(&puppets).update("alice", |_| {}).await.expect_err("in doubt");
    let TypedError::Client(error) = doubt else { panic!("{doubt}") };
    assert_eq!(error.outcome(), Outcome::Indeterminate);
    assert_eq!(written(&puppets[0]).len(), 1);
}

#[tokio::test]
async fn what_is_of_another_type_is_not_overwritten() {
    let puppets = cluster(1).await;
    finds(&puppets[0], holding(&[Some("<cart/>")]), || Ok(acknowledged()));
    let wrong = carts(&puppets).update("alice", |_| {}).await.expect_err("no cart");
    assert!(matches!(&wrong, TypedError::Stored { key, .. } if key == "carts/alice"), "{wrong}");
    assert!(written(&puppets[0]).is_empty());
}
