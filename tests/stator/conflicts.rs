//! Writes that did not see each other: none is lost, and a put with their context leaves one.

use std::sync::Arc;

use stator_client::{Client, Context, Fetched, NewObject, ObjectName, RequestOptions, Siblings};

use crate::harness::{Cluster, Node, Request};

fn siblings_of(node: &Node, path: &str) -> Vec<String> {
    let got = node.send(&Request::get(path).header("Accept", "application/json"));
    assert_eq!(got.status, 300, "{}", String::from_utf8_lossy(&got.body));
    let document = got.json();
    let siblings = document["siblings"].as_array().expect("siblings");
    let mut values: Vec<String> =
        siblings.iter().map(|s| s["value"].as_str().expect("a value").to_owned()).collect();
    values.sort();
    values
}

#[test]
fn two_writes_with_one_context_are_both_kept_whoever_coordinates() {
    let cluster = Cluster::three();
    let [n1, n2, n3] = &cluster.nodes[..] else { panic!("three nodes") };
    for (path, second) in [("/v1/kv/carts/one", n1), ("/v1/kv/carts/two", n2)] {
        assert_eq!(n1.send(&Request::put(path, "milk")).status, 204);
        let seen = n1.send(&Request::get(path));
        assert_eq!(n1.send(&Request::put(path, "eggs").context(&seen)).status, 204);
        assert_eq!(second.send(&Request::put(path, "tea").context(&seen)).status, 204);
        // base64 of eggs and of tea
        assert_eq!(siblings_of(n3, path), ["ZWdncw==", "dGVh"]);

        let both = n3.send(&Request::get(path));
        assert_eq!(both.status, 300);
        let kind = both.header("content-type").expect("a type");
        assert!(kind.starts_with("multipart/mixed"), "{kind}");
        let merged = n2.send(&Request::put(path, "eggs, tea").context(&both));
        assert_eq!(merged.status, 204);
        let got = n1.send(&Request::get(path));
        assert_eq!((got.status, got.body.as_slice()), (200, b"eggs, tea".as_slice()));
    }
    let shown = n1.cli(&["get", "carts", "one"]);
    assert_eq!((shown.status.code(), shown.stdout.as_slice()), (Some(0), b"eggs, tea".as_slice()));
}

#[test]
fn the_command_line_shows_siblings_and_ends_with_five() {
    let cluster = Cluster::three();
    let n1 = &cluster.nodes[0];
    assert!(n1.cli(&["put", "carts", "alice", "eggs"]).status.success());
    assert!(n1.cli(&["put", "carts", "alice", "tea"]).status.success());
    let shown = n1.cli(&["get", "carts", "alice"]);
    assert_eq!(shown.status.code(), Some(5));
    let text = String::from_utf8(shown.stdout).expect("text");
    assert!(text.contains("\neggs\n") && text.contains("\ntea\n"), "{text}");
    let context = text.trim_end().rsplit(' ').next().expect("it ends with the context");
    let merged = n1.cli(&["put", "carts", "alice", "both", "--context", context]);
    assert!(merged.status.success());
    assert_eq!(n1.cli(&["get", "carts", "alice"]).stdout, b"both");
}

/// Writers in rounds: in each round `CONCURRENT` writers hold the same context (what one read gave
/// them, stale for all but the first that lands) and write at once through different nodes.
/// Whatever is interleaved, an object never has more siblings than writers that had not seen each
/// other: a round's own, since each round's context covers all that came before.
#[test]
fn a_thousand_stale_writers_leave_no_more_siblings_than_were_concurrent() {
    const ROUNDS: usize = 125;
    const CONCURRENT: usize = 8;
    let cluster = Cluster::three();
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    runtime.block_on(async {
        let clients: Arc<Vec<Client>> = Arc::new(
            cluster
                .nodes
                .iter()
                .map(|node| Client::new(node.http.parse().expect("an endpoint")))
                .collect(),
        );
        for round in 0..ROUNDS {
            let context = look(&clients[round % 3]).await.0;
            let writers: Vec<_> = (0..CONCURRENT)
                .map(|writer| {
                    let (clients, context) = (clients.clone(), context.clone());
                    tokio::spawn(async move {
                        let client = &clients[writer % 3];
                        write(client, format!("{round}-{writer}"), context.as_ref()).await;
                    })
                })
                .collect();
            for writer in writers {
                writer.await.expect("the write is acknowledged");
            }
            let values = look(&clients[(round + 1) % 3]).await.1;
            assert!(values.len() <= CONCURRENT, "round {round}: {} siblings", values.len());
            let own: Vec<&String> =
                values.iter().filter(|value| value.starts_with(&format!("{round}-"))).collect();
            assert_eq!(own.len(), CONCURRENT, "round {round} lost a write: {values:?}");
        }
    });
}

const HOT: ObjectName<'static> = ObjectName { bucket: b"hot", key: b"key" };

async fn write(client: &Client, value: String, context: Option<&Context>) {
    let object = NewObject { value: value.into(), ..NewObject::default() };
    let options = RequestOptions::default();
    client.put(HOT, object, context, &options).await.expect("acknowledged");
}

async fn look(client: &Client) -> (Option<Context>, Vec<String>) {
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).expect("the tests write text");
    let found = client.get(HOT, &RequestOptions::default()).await.expect("readable");
    match found {
        Fetched::NotFound { context } => (context, Vec::new()),
        Fetched::Object(object) => (object.head.context, vec![text(&object.value)]),
        Fetched::Siblings(Siblings { context, siblings }) => {
            (context, siblings.iter().map(|sibling| text(&sibling.value)).collect())
        }
    }
}
