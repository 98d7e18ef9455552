mod cost;

use std::cell::RefCell;
use std::time::Duration;

use stator_wire::hello::Lane;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;
use tokio::time::timeout;

use super::*;
use crate::inbox::Inbox;
use crate::me::tests::me;

const LONG: Duration = Duration::from_secs(20);
const A: NodeId = NodeId::new(1);
const B: NodeId = NodeId::new(2);

/// Runs a test on one thread, as links do, with a bound on its time.
async fn on_one_thread(test: impl Future<Output = ()>) {
    timeout(LONG, LocalSet::new().run_until(test)).await.expect("in time");
}

/// A's links, and what they say.
fn links(me: &Arc<Me>) -> (Links, Arc<Inbox<LinkEvent>>) {
    let events = Arc::new(Inbox::new(100));
    let on_event = {
        let events = Arc::clone(&events);
        Arc::new(move |event| events.push(event))
    };
    (Links::new(Arc::clone(me), Lane::Membership, on_event), events)
}

async fn next(events: &Inbox<LinkEvent>) -> LinkEvent {
    loop {
        if let Some(event) = events.pop() {
            return event;
        }
        events.pushed().await;
    }
}

async fn listen() -> (TcpListener, BTreeMap<NodeId, String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    (listener, BTreeMap::from([(B, address)]))
}

async fn accept_one(listener: &TcpListener, me: &Me) -> Result<Accepted, MeetError> {
    let (stream, _) = listener.accept().await.expect("a connection");
    accept(stream, me).await.map(|peer| peer.expect("it is no client"))
}

/// The next connection that becomes one: a link dials again after every refusal.
async fn accept_good(listener: &TcpListener, me: &Me) -> Incoming {
    loop {
        if let Ok(Accepted { stream, decoder, .. }) = accept_one(listener, me).await {
            return Incoming::new(stream, decoder);
        }
    }
}

/// A's links with one to B, and what comes out there.
async fn linked() -> (Links, Incoming) {
    let (a, b) = (Arc::new(me(A, b"")), me(B, b""));
    let (listener, addresses) = listen().await;
    let (mut links, events) = links(&a);
    links.keep(&addresses);
    let incoming = accept_good(&listener, &b).await;
    assert!(matches!(next(&events).await, LinkEvent::Up(_)));
    (links, incoming)
}

#[tokio::test]
async fn frames_arrive_and_a_lost_connection_is_made_again() {
    on_one_thread(async {
        let (a, b) = (Arc::new(me(A, b"secret")), me(B, b"secret"));
        let (listener, addresses) = listen().await;
        let (mut links, events) = links(&a);
        assert_eq!(links.send(B, |_| ()), Err(NotQueued::NotConnected), "no link yet");
        links.keep(&addresses);
        let mut incoming = accept_good(&listener, &b).await;
        assert!(matches!(next(&events).await, LinkEvent::Up(up) if up.node == B));
        let large = vec![7; 3_000_000];
        for payload in [&b"one"[..], &large, b""] {
            links.send(B, |out| out.extend_from_slice(payload)).expect("connected");
        }
        links.flush();
        for payload in [&b"one"[..], b"", &large] {
            let frame = incoming.next_frame().await.expect("readable").expect("a frame");
            assert!(frame == payload, "{} bytes", frame.len());
        }
        drop(incoming);
        assert_eq!(next(&events).await, LinkEvent::Down(B));
        assert_eq!(links.send(B, |_| ()), Err(NotQueued::NotConnected));
        let mut incoming = accept_good(&listener, &b).await;
        assert!(matches!(next(&events).await, LinkEvent::Up(_)));
        links.send(B, |out| out.extend_from_slice(b"again")).expect("connected");
        links.flush();
        let frame = incoming.next_frame().await.expect("readable").expect("a frame");
        assert_eq!(frame, &b"again"[..], "what was queued before is not sent again");
    })
    .await;
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_not_waited_for() {
    on_one_thread(async {
        let (mut links, mut incoming) = linked().await;
        let payload = vec![1; 1024 * 1024];
        let mut queued = 0;
        let refused = loop {
            match links.send(B, |out| out.extend_from_slice(&payload)) {
                Ok(()) => queued += 1,
                Err(refused) => break refused,
            }
            links.flush();
            assert!(queued < 1000, "the queue is bounded");
        };
        assert_eq!(refused, NotQueued::Full);
        for _ in 0..queued {
            let frame = incoming.next_frame().await.expect("readable").expect("a frame");
            assert_eq!(frame.len(), payload.len());
        }
        links.send(B, |out| out.extend_from_slice(b"room")).expect("there is room again");
    })
    .await;
}

/// Sixteen megabytes are more than the sockets of both ends hold (4 and 6 by Linux's defaults).
#[tokio::test]
async fn a_small_message_does_not_wait_behind_a_large_one() {
    on_one_thread(async {
        let (mut links, mut incoming) = linked().await;
        let large = vec![1; 16 << 20];
        for _ in 0..2 {
            links.send(B, |out| out.extend_from_slice(&large)).expect("connected");
            links.flush();
        }
        links.send(B, |out| out.extend_from_slice(b"small")).expect("connected");
        links.flush();
        let mut frame = async || incoming.next_frame().await.expect("readable").expect("a frame");
        assert_eq!(frame().await, &b"small"[..], "it passed both");
        for _ in 0..2 {
            assert!(frame().await == large);
        }
    })
    .await;
}

#[tokio::test]
async fn a_node_without_the_secret_does_not_get_in_and_is_told_so() {
    on_one_thread(async {
        let (a, b) = (me(A, b"wrong"), me(B, b"secret"));
        let (listener, addresses) = listen().await;
        let address = &addresses[&B];
        let (dialled, accepted) =
            tokio::join!(dial(address, Lane::Membership, &a), accept_one(&listener, &b));
        let accepted = accepted.expect_err("a stranger").to_string();
        assert!(accepted.contains("secret"), "{accepted}");
        let dialled = dialled.expect_err("a stranger").to_string();
        assert!(dialled.contains("secret"), "{dialled}");
    })
    .await;
}

#[tokio::test]
async fn garbage_half_messages_and_silence_are_not_peers() {
    on_one_thread(async {
        let b = me(B, b"");
        let (listener, addresses) = listen().await;
        for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\0\x60half", b"", &[0xff; 5000]] {
            let send = async {
                let mut stream = TcpStream::connect(&addresses[&B]).await.expect("connected");
                stream.write_all(garbage).await.expect("written");
            };
            let (accepted, ()) = tokio::join!(accept_one(&listener, &b), send);
            assert!(accepted.is_err(), "{garbage:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn whoever_says_nothing_is_hung_up_on() {
    let b = me(B, b"");
    let (listener, addresses) = listen().await;
    let _silent = TcpStream::connect(&addresses[&B]).await.expect("connected");
    assert!(matches!(accept_one(&listener, &b).await, Err(MeetError::Timeout)));
}

#[tokio::test]
async fn a_node_of_another_cluster_is_sent_away_with_words() {
    on_one_thread(async {
        let (a, b) = (me(A, b""), me(B, b""));
        a.cluster.set(stator_core::identity::ClusterId::new(7)).expect("unset");
        b.cluster.set(stator_core::identity::ClusterId::new(8)).expect("unset");
        let (listener, addresses) = listen().await;
        let address = &addresses[&B];
        let (dialled, accepted) =
            tokio::join!(dial(address, Lane::Membership, &a), accept_one(&listener, &b));
        assert!(matches!(accepted, Err(MeetError::SentAway(_))));
        let text = dialled.expect_err("refused").to_string();
        assert!(text.contains("belongs to cluster"), "{text}");
    })
    .await;
}

#[tokio::test]
async fn an_address_that_answers_for_another_node_is_not_a_link() {
    on_one_thread(async {
        let (a, other) = (Arc::new(me(A, b"")), me(NodeId::new(3), b""));
        let (listener, addresses) = listen().await;
        let (mut links, events) = links(&a);
        links.keep(&addresses);
        let server = RefCell::new(None);
        let accept = async {
            loop {
                *server.borrow_mut() = accept_one(&listener, &other).await.ok();
            }
        };
        tokio::select! {
            event = next(&events) => assert_eq!(event, LinkEvent::Unreachable(B)),
            () = accept => {}
        }
    })
    .await;
}
