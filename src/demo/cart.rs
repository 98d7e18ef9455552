//! The tour's shopping cart: how it is put, got and looked at.

use bytes::Bytes;
use stator_client::{
    Client, Context, Fetched, NewObject, Object, ObjectName, RequestOptions, Siblings, Written,
};

use crate::failure::Failure;

pub(super) const CART: ObjectName<'static> = ObjectName { bucket: b"carts", key: b"alice" };

pub(super) fn options() -> RequestOptions {
    RequestOptions::default()
}

pub(super) fn new(value: &'static str) -> NewObject {
    NewObject {
        value: Bytes::from_static(value.as_bytes()),
        content_type: Some("application/json".to_owned()),
        ..NewObject::default()
    }
}

pub(super) async fn fetch(client: &Client) -> Result<Fetched, Failure> {
    Ok(client.get(CART, &options()).await?)
}

pub(super) async fn put(
    client: &Client,
    value: &'static str,
    context: Option<&Context>,
) -> Result<Written, Failure> {
    Ok(client.put(CART, new(value), context, &options()).await?)
}

pub(super) fn context_of(fetched: &Fetched) -> Option<Context> {
    match fetched {
        Fetched::Object(object) => object.head.context.clone(),
        Fetched::Siblings(siblings) => siblings.context.clone(),
        Fetched::NotFound { context } => context.clone(),
    }
}

pub(super) fn one(fetched: Fetched) -> Result<Object, Failure> {
    match fetched {
        Fetched::Object(object) => Ok(object),
        Fetched::Siblings(found) => {
            Err(Failure::new(format!("{} siblings where one was expected", found.siblings.len())))
        }
        Fetched::NotFound { .. } => Err(Failure::new("the cart is not there")),
    }
}

pub(super) fn several(fetched: Fetched) -> Result<Siblings, Failure> {
    match fetched {
        Fetched::Siblings(siblings) => Ok(siblings),
        Fetched::Object(_) => Err(Failure::new("one value where siblings were expected")),
        Fetched::NotFound { .. } => Err(Failure::new("the cart is not there")),
    }
}

pub(super) fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

pub(super) fn expect(held: bool, otherwise: &str) -> Result<(), Failure> {
    if held { Ok(()) } else { Err(Failure::new(otherwise)) }
}
