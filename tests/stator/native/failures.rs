//! A client goes on while nodes stop, die and come back, and says what it does not know.

use std::time::Duration;

use stator_client::{ClientError, Fetched, NewObject, Outcome, RequestOptions};
use stator_core::quorum::{Level, QuorumMode, QuorumOptions};

use super::{client, name, natively, runtime};
use crate::harness::Cluster;

fn value(text: &str) -> NewObject {
    NewObject { value: text.to_owned().into(), ..NewObject::default() }
}

/// A node that is stopped keeps its connections and answers nothing. With a deadline of a second
/// only a read that asks another replica in time is answered at all.
#[test]
fn reads_of_a_stopped_replica_are_hedged() {
    let cluster = Cluster::three();
    let client = client(&cluster.nodes);
    let options =
        RequestOptions { timeout: Some(Duration::from_secs(1)), ..RequestOptions::default() };
    runtime().block_on(async {
        for number in 0..60 {
            let key = number.to_string();
            client.put(name(&key), value(&key), None, &options).await.expect("all are up");
            client.get(name(&key), &options).await.expect("all are up");
        }
        // Each of them, so that it does not matter which one the client takes first.
        for node in &cluster.nodes {
            node.stand_still();
            let read = client.get(name("7"), &options).await;
            node.go_on();
            let Ok(Fetched::Object(object)) = read else { panic!("{}: {read:?}", node.name) };
            assert_eq!(object.value, "7");
        }
    });
}

/// The write is in doubt, and a client that tried again behind the caller's back would say that it
/// was acknowledged.
#[test]
fn a_write_that_was_sent_and_not_answered_is_indeterminate_and_not_sent_again() {
    let cluster = Cluster::three();
    let client = client(&cluster.nodes);
    let options =
        RequestOptions { timeout: Some(Duration::from_millis(700)), ..RequestOptions::default() };
    runtime().block_on(async {
        client.put(name("k"), value("one"), None, &options).await.expect("all are up");
        let Ok(Fetched::Object(read)) = client.get(name("k"), &options).await else {
            panic!("it was written")
        };
        for node in &cluster.nodes {
            node.stand_still();
        }
        let context = read.head.context.as_ref();
        let doubtful = client.put(name("k"), value("two"), context, &options).await;
        for node in &cluster.nodes {
            node.go_on();
        }
        let error = doubtful.expect_err("nobody could answer");
        assert_eq!(error.outcome(), Outcome::Indeterminate, "{error}");
        assert!(!error.is_retryable(), "{error}");
    });
}

#[test]
fn a_client_goes_on_without_the_nodes_that_die_and_with_those_that_come_back() {
    let mut cluster = Cluster::three();
    let client = client(&cluster.nodes);
    let (runtime, options) = (runtime(), RequestOptions::default());
    let write = |key: &str| {
        runtime.block_on(async {
            let mut doubts = 0;
            loop {
                match client.put(name(key), value(key), None, &options).await {
                    Ok(written) => break written,
                    // Under way when a node died: anything else would be a fault.
                    Err(error) if error.outcome() == Outcome::Indeterminate && doubts < 3 => {
                        doubts += 1;
                    }
                    Err(error) => panic!("{key}: {error}"),
                }
            }
        })
    };
    let keys: Vec<String> = (0..30).map(|number| number.to_string()).collect();
    for key in &keys {
        write(key);
    }
    for dead in 0..3 {
        cluster.nodes[dead].kill();
        for key in &keys {
            write(key);
        }
        for key in &keys {
            let read = runtime.block_on(client.get(name(key), &options));
            assert!(!matches!(read, Ok(Fetched::NotFound { .. }) | Err(_)), "{key}: {read:?}");
        }
        cluster.nodes[dead].start(&[]);
        cluster.wait_ready();
    }
}

#[test]
fn what_can_not_be_is_refused_once_and_for_all() {
    let mut cluster = Cluster::three();
    let client = client(&cluster.nodes);
    let runtime = runtime();
    let all = QuorumOptions {
        w: Some(Level::All),
        mode: Some(QuorumMode::Strict),
        ..QuorumOptions::default()
    };
    let options = RequestOptions { quorum: all, timeout: None };
    runtime
        .block_on(client.put(name("k"), value("one"), None, &options))
        .expect("all three are up");
    cluster.nodes[2].kill();
    cluster.wait_down(0, "n3");
    cluster.wait_down(1, "n3");
    let refused = runtime.block_on(client.put(name("k"), value("two"), None, &options));
    let Err(ClientError::Problem(problem)) = refused else { panic!("{refused:?}") };
    assert_eq!((problem.status, problem.outcome), (503, Outcome::Refused));
    let read = runtime.block_on(client.get(name("k"), &RequestOptions::default()));
    let Ok(Fetched::Object(object)) = read else { panic!("{read:?}") };
    assert_eq!(object.value, "one", "what was refused was not written");
}

/// Nobody can be reached natively, and HTTP can: a firewall between, or an old cluster.
#[test]
fn without_any_native_port_it_speaks_http() {
    let cluster = Cluster::three();
    let closed = stator_client::RingClient::new(natively(&cluster.nodes));
    runtime().block_on(async {
        let options = RequestOptions::default();
        closed.put(name("k"), value("v"), None, &options).await.expect("all are up");
        // The same cluster, told of by an endpoint whose members' ports lead nowhere.
        let http = super::ring::proxy_that_hides_native_ports(&cluster.nodes[0].http).await;
        let options_of_proxy = stator_client::RingOptions::new(http.parse().expect("an endpoint"));
        let client = stator_client::RingClient::new(options_of_proxy.with_key(Some(super::key())));
        let Ok(Fetched::Object(object)) = client.get(name("k"), &options).await else {
            panic!("it is read over HTTP")
        };
        assert_eq!(object.value, "v");
        client.put(name("k2"), value("w"), None, &options).await.expect("and written");
    });
}
