//! Spans of real nodes, as a collector gets them.

mod collector;

use collector::{Collector, Told};

use crate::harness::{Cluster, Request, until};

/// A cluster of three that sends the spans of all its requests to a collector.
fn cluster(collector: &Collector) -> Cluster {
    cluster_of(3, collector)
}

fn cluster_of(nodes: usize, collector: &Collector) -> Cluster {
    let endpoint = collector.endpoint();
    let flags = ["--otlp-endpoint", &endpoint, "--trace-ratio", "1"];
    Cluster::of_all_with(nodes, &flags)
}

/// The spans of one trace, once the collector has at least as many as these of each title. On a
/// busy machine a fallback may have stood in for a replica that was slow, and has spans too.
fn trace(collector: &Collector, id: &[u8], expected: &[(&str, usize)]) -> Vec<Told> {
    until("the collector has all spans", || {
        let spans: Vec<Told> =
            collector.spans().into_iter().filter(|span| span.trace == id).collect();
        let has = |(title, count): &(&str, usize)| titled(&spans, title).len() >= *count;
        expected.iter().all(has).then_some(spans)
    })
}

fn titled<'a>(spans: &'a [Told], title: &str) -> Vec<&'a Told> {
    spans.iter().filter(|span| span.title == title).collect()
}

fn nodes(spans: &[&Told]) -> Vec<String> {
    let mut nodes: Vec<String> = spans.iter().map(|span| span.node.clone()).collect();
    nodes.sort();
    nodes.dedup();
    nodes
}

/// The request's own span, which has no parent, of a request with this id.
fn root(collector: &Collector, request_id: &str) -> Told {
    until("the collector has the root", || {
        collector.spans().into_iter().find(|span| {
            span.parent.is_empty() && span.attribute("stator.request_id") == Some(request_id)
        })
    })
}

#[test]
fn the_spans_of_a_put_on_three_nodes_are_one_trace() {
    let collector = Collector::start();
    let cluster = cluster(&collector);
    let put =
        Request::put("/v1/kv/carts/milk?w=3&dw=3", b"two").header("X-Request-Id", "put-of-milk");
    assert!(cluster.nodes[0].send(&put).status < 300);

    let root = root(&collector, "put-of-milk");
    assert_eq!((root.title.as_str(), root.node.as_str()), ("put", "n1"));
    assert_eq!(root.attribute("stator.bucket"), Some("carts"));
    assert_eq!(root.attribute("stator.outcome"), Some("done"));
    let expected = [("coordinate put", 1), ("replicate", 2), ("sync", 3)];
    let spans = trace(&collector, &root.trace, &expected);
    assert_eq!(spans.len(), 7, "{spans:?}");

    let coordinator = titled(&spans, "coordinate put")[0];
    assert_eq!((&coordinator.parent, &coordinator.node), (&root.span, &root.node));
    assert_eq!(coordinator.attribute("stator.replicas"), Some("3"));
    let replicas = titled(&spans, "replicate");
    assert_eq!(nodes(&replicas), ["n2", "n3"]);
    assert!(replicas.iter().all(|replica| replica.parent == coordinator.span));
    for sync in titled(&spans, "sync") {
        let parent = spans.iter().find(|span| span.span == sync.parent).expect("a parent");
        assert_eq!(parent.node, sync.node);
        assert!(parent.title == "replicate" || parent.title == "coordinate put", "{parent:?}");
    }
    assert_eq!(nodes(&titled(&spans, "sync")), ["n1", "n2", "n3"]);
    assert!(spans.iter().all(|span| span.began <= span.ended && span.failure.is_none()));
}

#[test]
fn a_client_finds_its_request_in_its_own_trace_too() {
    let collector = Collector::start();
    let cluster = cluster(&collector);
    let client = "0af7651916cd43dd8448eb211c80319c";
    let get = |flags: &str, id: &str| {
        let parent = format!("00-{client}-b7ad6b7169203331-{flags}");
        let get = Request::get("/v1/kv/carts/nothing?r=3").header("traceparent", &parent);
        assert_eq!(cluster.nodes[1].send(&get.header("X-Request-Id", id)).status, 404);
    };
    get("00", "not-kept");
    get("01", "kept");

    let in_ours = root(&collector, "kept");
    let links = |to: &Told| vec![(to.trace.clone(), to.span.clone())];
    let expected = vec![(hex(client), hex("b7ad6b7169203331"))];
    assert_eq!(in_ours.links, expected);
    let spans = trace(&collector, &in_ours.trace, &[("read", 2), ("coordinate get", 1)]);
    assert_eq!(nodes(&titled(&spans, "read")), ["n1", "n3"]);

    let in_the_clients = trace(&collector, &hex(client), &[("get", 1)]);
    assert_eq!(in_the_clients[0].parent, hex("b7ad6b7169203331"));
    assert_eq!(in_the_clients[0].links, links(&in_ours));
    assert_eq!(in_the_clients[0].attribute("stator.outcome"), Some("not_found"));
    // Where the client does not keep its trace it gets none, and what is ours is told all the same.
    assert_eq!(root(&collector, "not-kept").links, expected);
    assert_eq!(in_the_clients.len(), 1);
}

#[test]
fn a_delete_that_reads_first_is_followed_through_both_halves() {
    let collector = Collector::start();
    let cluster = cluster(&collector);
    assert!(cluster.nodes[0].send(&Request::put("/v1/kv/carts/milk", b"two")).status < 300);
    let delete = Request::new("DELETE", "/v1/kv/carts/milk?r=3&w=3&dw=3")
        .header("X-Request-Id", "delete-of-milk");
    assert!(cluster.nodes[2].send(&delete).status < 300);

    let root = root(&collector, "delete-of-milk");
    let spans = trace(&collector, &root.trace, &[("coordinate delete", 1), ("read", 2)]);
    let read = titled(&spans, "coordinate delete")[0];
    assert_eq!(read.parent, root.span);
    let write = until("the collector has the second half", || {
        let link = (read.trace.clone(), read.span.clone());
        collector.spans().into_iter().find(|span| span.links.contains(&link))
    });
    assert_eq!(write.title, "coordinate delete");
    let spans = trace(&collector, &write.trace, &[("replicate", 2), ("sync", 3)]);
    assert!(titled(&spans, "replicate").iter().all(|span| span.parent == write.span));
    assert!(read.ended <= write.ended && read.began <= write.began);
}

#[test]
fn a_forwarded_put_is_two_traces_of_which_the_second_names_the_first() {
    let collector = Collector::start();
    let cluster = cluster_of(4, &collector);
    // With three replicas on four nodes n1 is none of a quarter of the keys.
    for number in 0..32 {
        let put = Request::put(format!("/v1/kv/carts/{number}?w=3&dw=3"), b"two");
        assert!(cluster.nodes[0].send(&put).status < 300);
    }
    let (served, minted) = until("the collector has a forwarded put", || {
        let spans = collector.spans();
        let served = titled(&spans, "forwarded put").into_iter();
        served.cloned().find_map(|served| {
            let link = (served.trace.clone(), served.parent.clone());
            let minted = spans.iter().find(|span| span.links.contains(&link))?;
            Some((served, minted.clone()))
        })
    });
    let theirs = trace(&collector, &served.trace, &[("coordinate put", 1), ("put", 1)]);
    let forwarding = titled(&theirs, "coordinate put")[0];
    assert_eq!((&served.parent, forwarding.node.as_str()), (&forwarding.span, "n1"));
    assert_eq!(served.attribute("stator.bucket"), Some("carts"));

    assert_eq!((minted.title.as_str(), &minted.node), ("coordinate put", &served.node));
    assert_ne!(minted.trace, served.trace);
    let ours = trace(&collector, &minted.trace, &[("replicate", 2), ("sync", 3)]);
    assert!(titled(&ours, "replicate").iter().all(|span| span.parent == minted.span));
}

#[test]
fn a_node_says_once_in_a_while_that_nobody_takes_its_spans_and_goes_on() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut node = crate::harness::Node::new(dir.path(), "n1");
    // Nobody listens on the port before the node's own.
    let nobody = format!("http://127.0.0.1:{}", crate::harness::free_ports(1));
    node.start(&["--otlp-endpoint", &nobody, "--trace-ratio", "1"]);
    until("a put is taken", || {
        (node.send(&Request::put("/v1/kv/carts/milk", b"two")).status < 300).then_some(())
    });
    until("the node says so", || {
        node.logged().contains("spans were not taken by the collector").then_some(())
    });
    assert_eq!(node.send(&Request::get("/v1/kv/carts/milk")).status, 200);
}

fn hex(text: &str) -> Vec<u8> {
    let pairs = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16));
    pairs.map(|byte| byte.expect("hex digits")).collect()
}
