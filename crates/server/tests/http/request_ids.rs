//! Each request has an id that client and operator can call it by.

use std::collections::BTreeSet;

use stator_core::request::RequestError;

use crate::client::Door;
use crate::fake::Fake;

const ID: &str = "stator-request-id";

#[tokio::test]
async fn every_answer_has_an_id_of_its_own_and_a_problem_says_it_too() {
    let door = Door::open(Fake::refusing(RequestError::Overloaded)).await;
    let mut seen = BTreeSet::new();
    for path in ["/livez", "/v1/node", "/v1/kv/b/k", "/nowhere", "/metrics"] {
        let answer = door.get(path).await;
        let id = answer.header(ID).unwrap_or_else(|| panic!("{path} has no id")).to_owned();
        assert_eq!(id.len(), 16, "{id}");
        if answer.status >= 400 {
            assert_eq!(answer.json()["request_id"], id.as_str(), "{path}");
        }
        assert!(seen.insert(id), "{path} has the id of another request");
    }
}

#[tokio::test]
async fn a_clients_id_is_kept_if_it_is_bounded_and_plain() {
    let door = Door::open(Fake::new()).await;
    let of = async |name: &str, value: &str| {
        let answer = door.send("GET /v1/kv/b/k", &[(name, value)], b"").await;
        answer.header(ID).expect("an id").to_owned()
    };
    assert_eq!(of("X-Request-Id", "order-4711").await, "order-4711");
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    assert_eq!(of("traceparent", trace).await, "0af7651916cd43dd8448eb211c80319c");
    for refused in ["x".repeat(65).as_str(), "two words", "<script>"] {
        assert_eq!(of("X-Request-Id", refused).await.len(), 16, "{refused} is not taken over");
    }
}
