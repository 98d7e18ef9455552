use stator_core::request::RequestError;
use stator_wire::client::CallError;

use super::*;
use crate::error::Outcome;
use crate::native::puppet::{Does, Puppet, cluster, found, key, obliging, show};

/// A client that knows where the first puppet is.
fn client(puppets: &[Puppet]) -> RingClient {
    // Nobody serves HTTP there: what is done is done natively.
    let options = RingOptions::new("127.0.0.1:1".parse().expect("an endpoint"));
    let seeds = vec![puppets[0].address.clone()];
    RingClient::new(RingOptions { seeds, ..options.with_key(Some(key())) })
}

const NAME: ObjectName<'_> = ObjectName { bucket: b"carts", key: b"alice" };

fn soon() -> RequestOptions {
    RequestOptions { timeout: Some(Duration::from_secs(5)), ..RequestOptions::default() }
}

async fn put(client: &RingClient) -> Result<Written, ClientError> {
    client.put(NAME, NewObject::default(), None, &soon()).await
}

fn asked(puppets: &[Puppet]) -> usize {
    puppets.iter().map(|puppet| puppet.asked().len()).sum()
}

fn refuses(error: RequestError) -> impl Fn(&Ask) -> Does + Send + Sync {
    move |_| Does::Answers(Err(CallError::Request(error.clone())))
}

/// Requests are made on tasks that move between threads.
#[test]
fn what_clients_wait_for_can_move_between_threads() {
    fn moves<T: Send>(_: &T) {}
    let client = RingClient::new(RingOptions::new("127.0.0.1:1".parse().expect("an endpoint")));
    let options = RequestOptions::default();
    moves(&client.get(NAME, &options));
    moves(&client.put(NAME, NewObject::default(), None, &options));
    moves(&client.delete(NAME, None, &options));
    moves(&client.session());
}

#[tokio::test]
async fn a_write_is_sent_once_and_to_one() {
    let puppets = cluster(3).await;
    let client = client(&puppets);
    let written = put(&client).await.expect("it is acknowledged");
    assert_eq!(written.replicas.acked, 2);
    assert_eq!(asked(&puppets), 1);
}

#[tokio::test]
async fn a_write_that_was_refused_goes_to_another_replica() {
    let puppets = cluster(3).await;
    for puppet in &puppets[..2] {
        puppet.plays(refuses(RequestError::Overloaded));
    }
    let client = client(&puppets);
    for _ in 0..10 {
        put(&client).await.expect("the third takes it");
    }
    assert_eq!(puppets[2].asked().len(), 10);
}

/// The node has read the write, and nobody knows whether it did more.
#[tokio::test]
async fn a_write_that_may_have_been_done_is_sent_to_nobody_else() {
    for does in [Does::HangsUp, Does::Sleeps] {
        let puppets = cluster(3).await;
        for puppet in &puppets {
            let does = does.clone();
            puppet.plays(move |_| does.clone());
        }
        let client = client(&puppets);
        let options = RequestOptions {
            timeout: Some(Duration::from_millis(100)),
            ..RequestOptions::default()
        };
        let doubt = client.put(NAME, NewObject::default(), None, &options).await;
        let error = doubt.expect_err("nobody answered");
        assert_eq!(error.outcome(), Outcome::Indeterminate, "{does:?}: {error}");
        assert_eq!(asked(&puppets), 1, "{does:?}");
    }
}

/// A node that stops says which calls it has not read: they are as good as never sent.
#[tokio::test]
async fn a_write_that_a_stopping_node_has_not_read_goes_to_another() {
    let puppets = cluster(3).await;
    puppets[0].plays(|_| Does::Closes);
    let client = client(&puppets);
    put(&client).await.expect("the second takes it");
    assert_eq!((puppets[0].asked().len(), asked(&puppets)), (1, 2));
}

#[tokio::test]
async fn the_nodes_own_doubt_is_told_and_not_tried_again() {
    let puppets = cluster(3).await;
    for puppet in &puppets {
        puppet.plays(refuses(RequestError::Indeterminate { needed: 2, acked: 1 }));
    }
    let error = put(&client(&puppets)).await.expect_err("in doubt");
    assert_eq!(error.outcome(), Outcome::Indeterminate);
    assert_eq!(asked(&puppets), 1);
}

#[tokio::test]
async fn what_can_not_be_is_asked_of_one_only() {
    let puppets = cluster(3).await;
    for puppet in &puppets {
        puppet.plays(refuses(RequestError::TooManySiblings { siblings: 101, max: 100 }));
    }
    let error = put(&client(&puppets)).await.expect_err("too many");
    assert_eq!(error.outcome(), Outcome::Refused);
    assert_eq!(asked(&puppets), 1);
}

#[tokio::test]
async fn a_read_goes_on_to_whoever_answers() {
    for does in [Does::HangsUp, Does::Sleeps] {
        let puppets = cluster(3).await;
        for puppet in &puppets[..2] {
            let does = does.clone();
            puppet.plays(move |_| does.clone());
        }
        let client = client(&puppets);
        // One that sleeps is hedged; two that sleep in turn are not, so that the third may be late.
        puppets[1].plays(|ask| Does::Answers(Ok(obliging(ask))));
        for _ in 0..5 {
            let Ok(Fetched::Object(object)) = client.get(NAME, &soon()).await else {
                panic!("{does:?}: it is read from the others")
            };
            assert_eq!(object.value, "found");
        }
    }
}

#[tokio::test]
async fn a_write_goes_to_whoever_answered_the_read() {
    let puppets = cluster(3).await;
    // The first in the ring's order, which a write would go to otherwise, answers no read.
    puppets[0].plays(|ask| match ask {
        Ask::Get { .. } => Does::Sleeps,
        _ => Does::Answers(Ok(obliging(ask))),
    });
    let client = client(&puppets);
    client.get(NAME, &soon()).await.expect("it is read");
    put(&client).await.expect("it is written");
    assert_eq!(puppets[1].asked().len(), 2);
}

#[tokio::test]
async fn an_answer_that_names_a_newer_ring_has_it_learned() {
    let mut puppets = cluster(1).await;
    let client = client(&puppets);
    put(&client).await.expect("it is written");
    puppets.push(Puppet::new(2).await);
    show(&puppets, 2);
    // As soon as it knows the second node it tries how fast that is.
    let learned = async {
        while puppets[1].asked().is_empty() {
            put(&client).await.expect("it is written");
        }
    };
    tokio::time::timeout(Duration::from_secs(20), learned).await.expect("it learns of node 2");
}

#[tokio::test]
async fn a_key_that_is_refused_is_an_error() {
    let puppets = cluster(1).await;
    let other = ClientKey::derive(&stator_wire::secret::Secret::new(*b"other"));
    let options = RingOptions::new("127.0.0.1:1".parse().expect("an endpoint"));
    let seeds = vec![puppets[0].address.clone()];
    let client = RingClient::new(RingOptions { seeds, ..options.with_key(Some(other)) });
    let error = put(&client).await.expect_err("a stranger");
    assert!(matches!(error, ClientError::KeyRefused { .. }), "{error}");
}

#[tokio::test]
async fn where_nobody_is_nothing_was_sent() {
    let puppets = cluster(1).await;
    let options = RingOptions::new("127.0.0.1:1".parse().expect("an endpoint"));
    let seeds = vec!["127.0.0.1:1".to_owned()];
    let client = RingClient::new(RingOptions { seeds, ..options.with_key(Some(key())) });
    let error = put(&client).await.expect_err("nobody is there");
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
    assert_eq!(error.outcome(), Outcome::Refused);
    assert_eq!(asked(&puppets), 0);
}

#[tokio::test]
async fn a_session_sends_what_it_has_seen() {
    let puppets = cluster(1).await;
    let mut session = client(&puppets).session();
    session.get(NAME, &soon()).await.expect("it is read");
    session.put(NAME, NewObject::default(), &soon()).await.expect("it is written");
    session.get(NAME, &soon()).await.expect("it is read");
    let asked = puppets[0].asked();
    let Ask::Get { seen: None, .. } = &asked[0] else { panic!("{asked:?}") };
    let Ask::Put { order, .. } = &asked[1] else { panic!("{asked:?}") };
    assert_eq!(order.context, found().context, "the put covers what was read");
    let Ask::Get { seen: Some(seen), .. } = &asked[2] else { panic!("{asked:?}") };
    assert_eq!(&seen.0[..], b"written", "the get has all that was written");
}

/// A replica that is behind is passed over for one that is not.
#[tokio::test]
async fn a_session_is_never_answered_with_less() {
    let puppets = cluster(3).await;
    for puppet in &puppets[..2] {
        puppet.plays(|_| Does::Answers(Err(CallError::Behind)));
    }
    let mut session = client(&puppets).session();
    for _ in 0..5 {
        session.get(NAME, &soon()).await.expect("the third has it");
    }
    puppets[2].plays(|_| Does::Answers(Err(CallError::Behind)));
    let behind = session.get(NAME, &soon()).await.expect_err("none has it");
    assert!(behind.to_string().contains("behind"), "{behind}");
}
