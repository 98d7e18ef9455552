//! The interface's description, held to what is really answered: its examples against its own
//! schemas, its methods against the door, and a real node's answers against the schema that is given
//! for each.

pub(crate) mod alone;
mod document;

use serde_json::{Value, json};

use self::alone::Alone;
use self::document::Description;
use crate::client::{Answer, Door};
use crate::fake::Fake;

#[tokio::test]
async fn every_example_is_what_its_schema_says() {
    let description = Description::of(&Door::open(Fake::new()).await).await;
    let mut checked = 0;
    for (place, content) in description.contents() {
        let Some(schema) = content.get("schema") else {
            assert!(
                place.ends_with("*~1*") || place.ends_with("multipart~1mixed"),
                "{place}: bytes"
            );
            continue;
        };
        let Some(example) = content.get("example") else {
            assert!(place.starts_with("/~1openapi.json/"), "{place} has no example");
            continue;
        };
        description.check(&place, schema, example);
        checked += 1;
    }
    for (place, parameter) in description.parameters_and_headers() {
        let example = parameter.get("example").unwrap_or_else(|| panic!("{place}: no example"));
        description.check(&place, &parameter["schema"], example);
        assert!(parameter["description"].as_str().is_some_and(|text| !text.is_empty()), "{place}");
        checked += 1;
    }
    assert!(checked > 300, "only {checked} examples were found");
}

#[tokio::test]
async fn it_is_openapi_3_1_and_every_reference_leads_somewhere() {
    let door = Door::open(Fake::new()).await;
    let answer = door.get("/openapi.json").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let description = Description::of(&door).await;
    assert_eq!(description.whole["openapi"], "3.1.0");
    let references = description.references();
    assert!(references.len() > 100);
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("it leads into the document");
        assert!(description.whole.pointer(pointer).is_some(), "{reference}");
    }
    let mut names: Vec<_> = description.operations().map(|(_, _, it)| &it["operationId"]).collect();
    let count = names.len();
    names.sort_by_key(|name| name.as_str());
    names.dedup();
    assert_eq!(names.len(), count, "each operation has a name of its own");
}

/// A description and a door can differ in two ways: a method that is described and not served, and
/// one that is served and not described. (A path can't: no row of the router is without one.)
#[tokio::test]
async fn the_methods_that_are_described_are_those_that_are_served() {
    let door = Door::open(Fake::new()).await;
    let description = Description::of(&door).await;
    for (path, item) in description.paths() {
        let target = path.replace("{bucket}", "b").replace("{key}", "k");
        for method in ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
            let answer = door.send(&format!("{method} {target}"), &[], b"").await;
            let described = item.get(method.to_lowercase()).is_some();
            assert_ne!(
                answer.status,
                404 * u16::from(answer.slug_of_get(method) == "no-such-path")
            );
            assert_eq!(answer.status != 405, described, "{method} {path}");
            if !described {
                let allowed = answer.header("allow").expect("what is allowed").split(", ");
                let mut allowed: Vec<_> = allowed.map(str::to_lowercase).collect();
                allowed.sort();
                let mut listed: Vec<_> = item.as_object().expect("an item").keys().collect();
                listed.retain(|name| *name != "parameters");
                listed.sort();
                assert_eq!(allowed.iter().collect::<Vec<_>>(), listed, "{path}");
            }
        }
    }
}

impl Answer {
    /// The problem of an answer that may have a body.
    fn slug_of_get(&self, method: &str) -> String {
        if method == "HEAD" { String::new() } else { self.slug() }
    }
}

/// A request of the test below, and the status that it must be answered with.
struct Asked {
    line: String,
    path: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    body: &'static str,
    status: u16,
}

fn ask(line: &str, path: &'static str, body: &'static str, status: u16) -> Asked {
    Asked { line: line.to_owned(), path, headers: Vec::new(), body, status }
}

fn with(header: (&'static str, &'static str), asked: Asked) -> Asked {
    Asked { headers: vec![header], ..asked }
}

const OBJECT: &str = "/v1/kv/{bucket}/{key}";
const BUCKET: &str = "/v1/buckets/{bucket}";

#[tokio::test]
async fn a_real_node_answers_as_described() {
    let alone = Alone::start().await;
    let door = &alone.door;
    let description = Description::of(door).await;
    let json = ("Accept", "application/json");
    let openmetrics = ("Accept", "application/openmetrics-text");
    let lines = ("Content-Type", "application/x-ndjson");
    let batch = r#"[{"op":"put","key":"k","value":"AA==","meta":{"a":"b"}},{"op":"get","key":"k"},
        {"op":"get","key":"none"},{"op":"put","key":"k","value":"","w":9},{"op":"delete","key":"k"},
        {"op":"get","bucket":"b","key":"two"}]"#;
    let asked = [
        ask("GET /v1/kv/b/k", OBJECT, "", 404),
        with(("Stator-Meta-Colour", "red"), ask("PUT /v1/kv/b/k", OBJECT, "v", 204)),
        ask("GET /v1/kv/b/k", OBJECT, "", 200),
        ask("PUT /v1/kv/b/two", OBJECT, "v", 204),
        with(("Stator-TTL", "1000"), ask("PUT /v1/kv/b/two", OBJECT, "w", 204)),
        with(json, ask("GET /v1/kv/b/two", OBJECT, "", 300)),
        ask("GET /v1/kv/b/two", OBJECT, "", 300),
        ask("DELETE /v1/kv/b/k", OBJECT, "", 204),
        ask("GET /v1/kv/b/k", OBJECT, "", 404),
        ask("PUT /v1/kv/b/k?w=9", OBJECT, "v", 422),
        ask("PUT /v1/kv/b/k?W=9", OBJECT, "v", 400),
        with(("Stator-Context", "AAAA"), ask("PUT /v1/kv/b/k", OBJECT, "v", 400)),
        with(("If-Match", "\"x\""), ask("PUT /v1/kv/b/k", OBJECT, "v", 501)),
        ask("GET /v1/kv/b?include=live,conflict,tombstone", "/v1/kv/{bucket}", "", 200),
        ask("GET /v1/kv/b?after=%25", "/v1/kv/{bucket}", "", 400),
        ask("POST /v1/batch", "/v1/batch", batch, 200),
        with(lines, ask("POST /v1/batch", "/v1/batch", "{\"op\":\"get\",\"key\":\"k\"}\n", 200)),
        ask("POST /v1/batch", "/v1/batch", "[7]", 400),
        ask("GET /v1/buckets/b", BUCKET, "", 200),
        ask("PUT /v1/buckets/c", BUCKET, r#"{"n":2,"r":"one","ttl":9}"#, 200),
        ask("PUT /v1/buckets/c", BUCKET, r#"{"n":3}"#, 409),
        ask("PUT /v1/buckets/c", BUCKET, r#"{"m":3}"#, 400),
        ask("GET /v1/locate/b/k", "/v1/locate/{bucket}/{key}", "", 200),
        ask("GET /v1/locate/b/", "/v1/locate/{bucket}/{key}", "", 400),
        ask("GET /v1/cluster", "/v1/cluster", "", 200),
        ask("GET /v1/cluster/plan", "/v1/cluster/plan", "", 200),
        ask(
            "POST /v1/cluster/stage",
            "/v1/cluster/stage",
            r#"{"kind":"weight","node":"alone","weight":7}"#,
            200,
        ),
        ask("POST /v1/cluster/stage", "/v1/cluster/stage", r#"{"kind":"x","node":"alone"}"#, 400),
        ask("GET /v1/cluster/plan", "/v1/cluster/plan", "", 200),
        ask("POST /v1/cluster/commit", "/v1/cluster/commit", r#"{"version":9}"#, 409),
        ask("POST /v1/cluster/commit", "/v1/cluster/commit", r#"{"version":2}"#, 202),
        ask("POST /v1/cluster/discard", "/v1/cluster/discard", "", 204),
        ask("POST /v1/cluster/recover", "/v1/cluster/recover", "{}", 400),
        ask("GET /v1/cluster/top", "/v1/cluster/top", "", 200),
        ask("GET /v1/cluster/staleness", "/v1/cluster/staleness", "", 200),
        ask("GET /v1/cluster/staleness?n=3&r=1&w=2", "/v1/cluster/staleness", "", 200),
        ask("GET /v1/cluster/staleness?r=all&w=9", "/v1/cluster/staleness", "", 422),
        ask("GET /v1/node", "/v1/node", "", 200),
        ask("GET /v1/node?partitions=no", "/v1/node", "", 200),
        ask("GET /v1/node?partitions=maybe", "/v1/node", "", 400),
        ask("GET /livez", "/livez", "", 200),
        ask("GET /readyz", "/readyz", "", 200),
        with(("Host", "evil.example"), ask("GET /v1/node", "/v1/node", "", 403)),
        ask("GET /openapi.json", "/openapi.json", "", 200),
        ask("GET /metrics", "/metrics", "", 200),
        with(openmetrics, ask("GET /metrics", "/metrics", "", 200)),
        ask("GET /console", "/console", "", 200),
        ask("GET /v1/node/history", "/v1/node/history", "", 200),
        ask("GET /v1/node/history?x", "/v1/node/history", "", 400),
        ask("GET /v1/replica/b/two", "/v1/replica/{bucket}/{key}", "", 200),
        ask("GET /v1/replica/b/k", "/v1/replica/{bucket}/{key}", "", 200),
        ask("GET /v1/replica/b/never", "/v1/replica/{bucket}/{key}", "", 200),
        ask("GET /v1/replica/b/", "/v1/replica/{bucket}/{key}", "", 400),
    ];
    let paths: std::collections::BTreeSet<_> = asked.iter().map(|asked| asked.path).collect();
    let all: std::collections::BTreeSet<_> = description.paths().map(|(path, _)| path).collect();
    assert_eq!(paths, all, "every path is asked for here");
    for Asked { line, path, headers, body, status } in asked {
        let answer = door.send(&line, &headers, body.as_bytes()).await;
        assert_eq!(answer.status, status, "{line}: {}", String::from_utf8_lossy(&answer.body));
        let method = line.split(' ').next().unwrap_or_default().to_lowercase();
        description.check_answer(path, &method, &line, &answer);
    }
}

#[test]
fn a_member_that_is_not_described_is_noticed() {
    let schema = json!({
        "type": "object", "properties": { "a": { "type": "object", "properties": {} } },
    });
    let closed = document::closed(&schema);
    let is_valid = |document: Value| jsonschema::is_valid(&closed, &document);
    assert!(is_valid(json!({ "a": {} })));
    assert!(!is_valid(json!({ "b": 1 })));
    assert!(!is_valid(json!({ "a": { "b": 1 } })));
}
