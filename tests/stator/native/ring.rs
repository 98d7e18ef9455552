//! A client learns the ring, goes straight to replicas, and follows changes.

use std::time::Duration;

use serde_json::Value;
use stator_client::{NewObject, RequestOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{client, name, runtime};
use crate::harness::{Cluster, Node, Request, stderr, stdout, until};

/// Stops every node that is no primary of a key while `ask` runs.
fn with_primaries_only<T>(nodes: &[Node], key: &str, ask: impl FnOnce() -> T) -> T {
    let located = nodes[0].send(&Request::get(format!("/v1/locate/things/{key}"))).json();
    let primaries = located["primaries"].as_array().expect("primaries");
    let is_primary = |node: &&Node| primaries.iter().any(|primary| primary["name"] == node.name);
    let others: Vec<&Node> = nodes.iter().filter(|node| !is_primary(node)).collect();
    assert_eq!(others.len() + 3, nodes.len());
    for node in &others {
        node.stand_still();
    }
    let answer = ask();
    for node in &others {
        node.go_on();
    }
    answer
}

fn value(text: &str) -> NewObject {
    NewObject { value: text.to_owned().into(), ..NewObject::default() }
}

/// A server that gives the answers of another, with native addresses at which nobody is.
pub(super) async fn proxy_that_hides_native_ports(to: &str) -> String {
    let nowhere = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let closed = nowhere.local_addr().expect("it is bound").to_string();
    drop(nowhere);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it is bound").to_string();
    let to = to.to_owned();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(relay(stream, to.clone(), closed.clone()));
        }
    });
    address
}

/// Passes on one connection; a cluster's document is changed on the way.
async fn relay(mut from: TcpStream, to: String, closed: String) {
    let mut first = vec![0; 16 * 1024];
    let Ok(read) = from.read(&mut first).await else { return };
    let Ok(mut node) = TcpStream::connect(&to).await else { return };
    if !first.starts_with(b"GET /v1/cluster ") {
        let _ = node.write_all(&first[..read]).await;
        let _ = tokio::io::copy_bidirectional(&mut from, &mut node).await;
        return;
    }
    let answer = tokio::task::spawn_blocking(move || Request::get("/v1/cluster").try_send(&to));
    let mut document: Value = answer.await.ok().flatten().expect("the node answers").json();
    for member in document["members"].as_array_mut().expect("members") {
        member["address"] = closed.clone().into();
    }
    let body = document.to_string();
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = from.write_all(format!("{head}{body}").as_bytes()).await;
}

/// Whoever asks a node that is stopped gets no answer in time, and a put that got none is never sent
/// to another. So all of these come back only if each went to a primary at first.
#[test]
fn requests_go_straight_to_a_replica() {
    let cluster = Cluster::of(5);
    let (runtime, client) = (runtime(), client(&cluster.nodes));
    let options = soon();
    runtime.block_on(client.get(name("0"), &options)).expect("the ring is learned");
    for key in keys(12) {
        let written = with_primaries_only(&cluster.nodes, &key, || {
            runtime.block_on(client.put(name(&key), value(&key), None, &options))
        });
        written.unwrap_or_else(|error| panic!("{key}: {error}"));
    }
}

fn soon() -> RequestOptions {
    RequestOptions { timeout: Some(Duration::from_secs(1)), ..RequestOptions::default() }
}

fn keys(count: u32) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

#[test]
fn a_client_follows_a_change_of_the_ring() {
    let mut cluster = Cluster::three();
    let (runtime, client) = (runtime(), client(&cluster.nodes));
    let options = soon();
    for key in keys(12) {
        runtime
            .block_on(client.put(name(&key), value(&key), None, &options))
            .unwrap_or_else(|error| panic!("{key}: {error}"));
    }
    for number in [4, 5] {
        let mut node = Node::new(cluster.dir.path(), &format!("n{number}"));
        node.start(&["--join", &cluster.nodes[0].peer.clone()]);
        cluster.nodes.push(node);
    }
    let n1 = &cluster.nodes[0];
    let version = until("both joins are staged", || {
        let text = stdout(&n1.cli(&["cluster", "plan"]));
        (text.lines().filter(|line| line.starts_with("join ")).count() == 2).then_some(())?;
        let command = text.lines().find(|line| line.starts_with("commit it with:"))?;
        Some(command.rsplit_once("--version ")?.1.to_owned())
    });
    let committed = n1.cli(&["cluster", "commit", "--version", &version]);
    assert!(committed.status.success(), "{}", stderr(&committed));
    cluster.nodes.iter().for_each(Cluster::wait_settled);
    cluster.wait_ready();

    // Any answer names the new ring, and then the client learns it. From then on it goes to the
    // new primaries.
    until("the client goes to the new primaries", || {
        let straight = keys(12).iter().all(|key| {
            let written = with_primaries_only(&cluster.nodes, key, || {
                runtime.block_on(client.put(name(key), value(key), None, &options))
            });
            written.is_ok()
        });
        straight.then_some(())
    });
}
