//! A rolling upgrade: nodes of this version and of others in one cluster, over real sockets.
//!
//! The other version is a relay's doing ([`crate::relay`]): behind it each of two nodes sees the
//! other as a build whose messages have fields that this one does not know, at every level, and
//! which says things of a kind that this one does not know.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use bytes::BytesMut;
use stator_core::identity::{BootNonce, BootNumber, NodeId};
use stator_core::membership::admin::{AdminDone, AdminRequest};
use stator_core::membership::facts::Addresses;
use stator_core::ring::RingVersion;
use stator_node::{Node, NodeConfig, NodeHandle};
use stator_wire::cipher::Cipher;
use stator_wire::handshake::{HandshakeError, Initiator, Responder};
use stator_wire::hello::{Hello, Lane, PROTOCOL, ProtocolRange, RefusalCode};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::log;
use crate::relay::{Relay, read_message};
use crate::rig::{
    TIMEOUT, config, directory, keyring, put, put_with, serving, start, until, until_ready, values,
    w,
};

/// What only a later version speaks.
const LATER: ProtocolRange = ProtocolRange { min: PROTOCOL + 1, max: PROTOCOL + 2 };

/// Two nodes of one cluster, each of which the other knows by the address of a relay alone.
struct Pair {
    nodes: [Node; 2],
    relays: [Relay; 2],
    _dirs: [TempDir; 2],
}

impl Pair {
    async fn of(protocols: ProtocolRange) -> Self {
        let dirs = [directory(), directory()];
        let relays = [
            Relay::new(keyring(b"secret"), protocols).await,
            Relay::new(keyring(b"secret"), protocols).await,
        ];
        let behind = |config: NodeConfig, relay: &Relay| {
            let advertise =
                Addresses { peer: relay.address().to_string(), ..config.advertise.clone() };
            NodeConfig { advertise, ..config }
        };
        let n1 = serving(behind(config("n1", dirs[0].path()), &relays[0])).await;
        relays[0].point_to(n1.peer_address());
        let joins = NodeConfig {
            found: stator_node::Founding::No,
            join: vec![relays[0].address().to_string()],
            ..config("n2", dirs[1].path())
        };
        let n2 = start(behind(joins, &relays[1])).await;
        relays[1].point_to(n2.peer_address());
        let pair = Self { nodes: [n1, n2], relays, _dirs: dirs };
        pair.commit().await;
        pair
    }

    fn handle(&self, index: usize) -> NodeHandle {
        self.nodes[index].handle()
    }

    /// Commits the join of the second, and waits until both are one cluster.
    async fn commit(&self) {
        let on = self.handle(0);
        let version = until("the join is staged", async || {
            match on.admin(AdminRequest::Plan, TIMEOUT).await {
                Ok(AdminDone::Plan(plan)) if plan.changes.len() == 1 => Some(plan.version()),
                _ => None,
            }
        })
        .await;
        let done = on.admin(AdminRequest::Commit { version }, TIMEOUT).await;
        assert!(matches!(done, Ok(AdminDone::Committed(_))), "{done:?}");
        for index in 0..2 {
            let handle = self.handle(index);
            until("the ring is known", async || {
                let view = handle.view();
                let is_settled = view.transition.as_ref().is_none_or(|moves| moves.is_over());
                (view.ring.as_ref()?.version == version && is_settled).then_some(())
            })
            .await;
            until_ready(&handle).await;
            until("both take writes of both", async || {
                put_with(&handle, "probe", b"x", None, w(2)).await.ok()
            })
            .await;
        }
    }

    fn connections(&self) -> [usize; 2] {
        [0, 1].map(|index: usize| self.relays[index].seen.connections.load(Ordering::SeqCst))
    }

    fn ended(&self) -> usize {
        self.relays.iter().map(|relay| relay.seen.ended.load(Ordering::SeqCst)).sum()
    }

    async fn stop(self) {
        for node in self.nodes {
            node.stop().await;
        }
    }
}

#[tokio::test]
async fn a_node_works_with_one_that_says_more_than_it_knows() {
    log::keep();
    // A later one that still speaks this version, and the first one, which knows no pieces.
    let ranges = [
        (ProtocolRange { min: PROTOCOL, max: PROTOCOL + 1 }, PROTOCOL),
        (ProtocolRange { min: PROTOCOL - 1, max: PROTOCOL }, PROTOCOL),
        (ProtocolRange { min: 1, max: 1 }, 1),
    ];
    for (protocols, expected) in ranges {
        let pair = Pair::of(protocols).await;
        let (ended, connections) = (pair.ended(), pair.connections());
        for number in 0..50 {
            let name = format!("cart{number}");
            // One in five is a large message.
            let value = format!("milk{number}").repeat(if number % 5 == 0 { 60_000 } else { 1 });
            let value = value.into_bytes();
            let reply = put_with(&pair.handle(number % 2), &name, &value, None, w(2)).await;
            assert_eq!(reply.expect("acknowledged").answered.primaries, 2);
            for index in 0..2 {
                assert_eq!(values(&pair.handle(index), &name).await, std::slice::from_ref(&value));
            }
        }
        for relay in &pair.relays {
            let seen = &relay.seen;
            let agreed = seen.agreed.lock().unwrap_or_else(PoisonError::into_inner);
            assert!(!agreed.is_empty() && agreed.iter().all(|version| *version == expected));
            assert!(seen.membership.load(Ordering::SeqCst) > 2, "{seen:?}");
            assert!(seen.shard.load(Ordering::SeqCst) > 50, "{seen:?}");
        }
        assert_eq!(pair.ended(), ended, "no connection ends for what is not known");
        assert_eq!(pair.connections(), connections, "so none is made anew");
        pair.stop().await;
    }
    for (kind, least) in [("shard_message.kind", 100), ("membership_message.kind", 3)] {
        let ignored = log::lines_with(&["DEBUG", "a message is ignored", kind, "does not know"]);
        assert!(ignored >= least, "{ignored} messages of unknown {kind}");
    }
    assert_eq!(log::lines_with(&["makes no sense"]), 0, "fields that were added are skipped");
}

fn hello(protocols: ProtocolRange) -> Hello {
    Hello {
        protocols,
        node: NodeId::new(77),
        cluster: None,
        boot: BootNumber(1),
        nonce: BootNonce(1),
        name: "later".to_owned(),
        lane: Lane::Membership,
        shards: 1,
        ring: RingVersion(0),
        cipher: Cipher::fastest(),
    }
}

/// Both versions, each from its own side.
fn names_both(text: &str, (ours, theirs): (ProtocolRange, ProtocolRange)) -> bool {
    text.contains(&format!("speaks peer protocol {ours} and the peer speaks {theirs}:"))
}

#[tokio::test]
async fn a_peer_without_a_common_version_is_refused_and_both_are_told_which_they_speak() {
    log::keep();
    let dir = directory();
    let node = serving(config("n1", dir.path())).await;
    let mut stream = TcpStream::connect(node.peer_address()).await.expect("connected");
    let (initiator, message) =
        Initiator::new(&keyring(b"secret"), hello(LATER)).expect("random numbers");
    stream.write_all(&message).await.expect("written");
    let answer = read_message(&mut stream, &mut BytesMut::new()).await.expect("an answer");
    let refused = initiator.finish(&answer).expect_err("refused");
    let HandshakeError::Refused { code, text } = refused else { panic!("{refused}") };
    assert_eq!(code, RefusalCode::Protocol);
    assert!(names_both(&text, (LATER, ProtocolRange::SPOKEN)), "{text}");
    let logged =
        format!("speaks peer protocol {} and the peer speaks {LATER}:", ProtocolRange::SPOKEN);
    until("the node logs it", async || {
        (log::lines_with(&["WARN", "the peer port", &logged]) > 0).then_some(())
    })
    .await;
    put(&node.handle(), "cart", b"milk").await.expect("the node goes on");
    node.stop().await;
}

#[tokio::test]
async fn a_node_that_joins_a_later_cluster_logs_which_versions_are_spoken() {
    log::keep();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let later = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let first = read_message(&mut stream, &mut BytesMut::new()).await.expect("a hello");
            let responder = Responder::accept(&keyring(b"secret"), &first).expect("the secret");
            let reply = responder.reply(&hello(LATER)).expect("it fits");
            assert!(matches!(reply.outcome, Err(HandshakeError::Protocol(_))));
            stream.write_all(&reply.message).await.expect("written");
        }
    });
    let dir = directory();
    let joins = NodeConfig {
        found: stator_node::Founding::No,
        join: vec![address.clone()],
        ..config("n1", dir.path())
    };
    let node = start(joins).await;
    let logged =
        format!("speaks peer protocol {} and the peer speaks {LATER}:", ProtocolRange::SPOKEN);
    until("the node logs it", async || {
        (log::lines_with(&["WARN", "--join", &address, &logged]) > 0).then_some(())
    })
    .await;
    node.stop().await;
    later.abort();
}
