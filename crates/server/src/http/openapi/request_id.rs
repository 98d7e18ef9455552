//! The id that every answer has, whatever was asked: said of all operations at once.

use serde_json::json;
use stator_node::RequestTag;
use utoipa::openapi::path::{Operation, Parameter, PathItem};
use utoipa::openapi::{Header, RefOr};

use super::parts;

/// An id as a node gives it, for examples.
pub(super) fn example() -> RequestTag {
    RequestTag::numbered(0x9d3f_0a6b_5c2e_4718)
}

/// The same paths, with the id among what each operation takes and answers.
pub(super) fn on(mut item: PathItem) -> PathItem {
    let PathItem { get, put, post, delete, head, .. } = &mut item;
    [get, put, post, delete, head].into_iter().flatten().for_each(describe);
    item
}

fn describe(operation: &mut Operation) {
    let parameters = operation.parameters.get_or_insert_default();
    parameters.extend(chosen().map(RefOr::T));
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            response.headers.insert("Stator-Request-Id".to_owned(), RefOr::T(told()));
        }
    }
}

/// How a client chooses the id.
fn chosen() -> [Parameter; 2] {
    [
        parts::in_header(
            "X-Request-Id",
            "The id of this request, if it is to have a certain one: 1 to 64 letters, digits, dots, \
             dashes and underscores. Anything else is passed over.",
            parts::text(),
            json!("order-4711"),
        ),
        parts::in_header(
            "traceparent",
            "The place of this request in a trace (W3C Trace Context). Its trace id is the \
             request's id if no other is chosen.",
            parts::text(),
            json!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ),
    ]
}

fn told() -> Header {
    parts::header(
        "The id of this request, which the node's log names: the one that the client chose, or a \
         number.",
        parts::text(),
        json!(example().as_str()),
    )
}
