use stator_core::quorum::QuorumOptions;
use stator_wire::secret::Secret;

use super::*;
use crate::native::chart::tests::object;
use crate::native::puppet::{Does, Puppet, key, obliging};

const WITHIN: Duration = Duration::from_secs(20);

fn get(name: &str) -> Ask {
    Ask::Get { key: object("b", name), quorum: QuorumOptions::default(), seen: None }
}

fn is_named(ask: &Ask, name: &str) -> bool {
    matches!(ask, Ask::Get { key, .. } if key.key().as_bytes() == name)
}

async fn linked(puppet: &Puppet) -> Link {
    dial(&puppet.address, Some(puppet.node), &key(), WITHIN).await.expect("it is let in").0
}

async fn call(link: &Link, ask: Ask) -> Result<NodeAnswer, NoAnswer> {
    link.call(ask, Instant::now() + WITHIN, Duration::ZERO).await
}

#[tokio::test]
async fn many_calls_share_a_connection_and_each_gets_its_own_answer() {
    let puppet = Puppet::new(1).await;
    puppet.plays(|ask| {
        if is_named(ask, "never") { Does::Sleeps } else { Does::Answers(Ok(obliging(ask))) }
    });
    let link = linked(&puppet).await;
    let late = tokio::spawn({
        let link = link.clone();
        async move { call(&link, get("never")).await }
    });
    let calls = (0..100).map(|number| {
        let link = link.clone();
        tokio::spawn(async move { call(&link, get(&number.to_string())).await })
    });
    for answered in calls.collect::<Vec<_>>() {
        assert!(answered.await.expect("no panic").expect("an answer").outcome.is_ok());
    }
    assert!(!late.is_finished(), "the answers of others were not taken for its own");
    late.abort();
}

#[tokio::test]
async fn a_connection_that_breaks_tells_sent_from_unsent() {
    let puppet = Puppet::new(1).await;
    puppet.plays(|_| Does::HangsUp);
    let link = linked(&puppet).await;
    let broken = call(&link, get("k")).await.expect_err("the node hangs up");
    assert!(matches!(broken, NoAnswer::Broken(_)), "{broken:?}");
    while link.is_open() {
        tokio::task::yield_now().await;
    }
    let unsent = call(&link, get("k")).await.expect_err("the connection has ended");
    assert!(matches!(unsent, NoAnswer::NotSent(_)), "{unsent:?}");
    assert_eq!(puppet.asked().len(), 1);
}

#[tokio::test]
async fn what_is_not_answered_in_time_was_sent_and_what_is_past_its_time_is_not_sent() {
    let puppet = Puppet::new(1).await;
    puppet.plays(|_| Does::Sleeps);
    let link = linked(&puppet).await;
    let until = Instant::now() + Duration::from_millis(30);
    let late = link.call(get("k"), until, Duration::ZERO).await;
    assert_eq!(late.expect_err("no answer"), NoAnswer::TimedOut);
    assert_eq!(puppet.asked().len(), 1);
    let past = link.call(get("k"), Instant::now(), Duration::from_secs(1)).await;
    assert!(matches!(past.expect_err("too late"), NoAnswer::NotSent(_)));
    assert_eq!(puppet.asked().len(), 1);
}

#[tokio::test]
async fn no_connection_is_made_to_whom_it_was_not_meant_for_or_who_refuses_the_key() {
    let puppet = Puppet::new(1).await;
    let meant = Some(NodeId::new(2));
    let another = dial(&puppet.address, meant, &key(), WITHIN).await.expect_err("it is node 1");
    assert!(matches!(another, DialError::Another { .. }), "{another}");
    let other_key = ClientKey::derive(&Secret::new(*b"other"));
    let refused = dial(&puppet.address, None, &other_key, WITHIN).await.expect_err("a stranger");
    assert!(matches!(refused, DialError::Refused(_)), "{refused}");
    let nobody = dial("127.0.0.1:1", None, &key(), WITHIN).await.expect_err("nobody is there");
    assert!(matches!(nobody, DialError::Unreachable(_)), "{nobody}");
}
