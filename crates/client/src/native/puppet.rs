//! A node that does what a test says: it greets clients as a node does, and answers each call as it
//! is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use stator_core::context::SealedContext;
use stator_core::identity::{ClusterId, NodeId};
use stator_core::object::{Content, Metadata, ObjectDigest, Value};
use stator_core::request::{Answered, PutReply};
use stator_core::ring::{Member, Ring, RingVersion, Walks, Weight};
use stator_core::token::PartitionCount;
use stator_core::version::Dot;
use stator_wire::cipher::Cipher;
use stator_wire::client::{
    Answer, Ask, CLIENT_PROTOCOLS, CallError, ClientCall, Got, GotSibling, NodeAddresses,
    NodeAnswer, RingPicture, Welcome,
};
use stator_wire::frame::{FrameReader, append_frame};
use stator_wire::handshake::{Met, meet, take_message};
use stator_wire::proto;
use stator_wire::secret::{ClientKey, Keyring, Secret};
use stator_wire::transport::Transport;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::lock;

const SECRET: [u8; 3] = *b"abc";

/// What a puppet does with a call.
#[derive(Clone, Debug)]
pub(crate) enum Does {
    /// Answers.
    Answers(Result<Answer, CallError>),
    /// Closes the connection.
    HangsUp,
    /// Closes it with a word, having read nothing.
    Closes,
    /// Nothing.
    Sleeps,
}

type Play = Arc<dyn Fn(&Ask) -> Does + Send + Sync>;

/// A node on a string.
pub(crate) struct Puppet {
    pub(crate) node: NodeId,
    pub(crate) address: String,
    /// What it was asked, questions for the ring left out.
    asked: Arc<Mutex<Vec<Ask>>>,
    picture: Arc<Mutex<RingPicture>>,
    play: Arc<Mutex<Play>>,
}

pub(crate) fn key() -> ClientKey {
    ClientKey::derive(&Secret::new(SECRET))
}

impl Puppet {
    /// One that acknowledges every put and finds `found` with every get.
    pub(crate) async fn new(number: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
        let address = listener.local_addr().expect("it is bound").to_string();
        let picture = RingPicture {
            ring: None,
            nodes: BTreeMap::new(),
            suspected: std::collections::BTreeSet::new(),
            replicas: BTreeMap::new(),
        };
        let play: Play = Arc::new(|ask| Does::Answers(Ok(obliging(ask))));
        let puppet = Self {
            node: NodeId::new(number),
            address,
            asked: Arc::default(),
            picture: Arc::new(Mutex::new(picture)),
            play: Arc::new(Mutex::new(play)),
        };
        let (node, asked) = (puppet.node, Arc::clone(&puppet.asked));
        let (picture, play) = (Arc::clone(&puppet.picture), Arc::clone(&puppet.play));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (asked, picture, play) =
                    (Arc::clone(&asked), Arc::clone(&picture), Arc::clone(&play));
                tokio::spawn(serve(stream, node, asked, picture, play));
            }
        });
        puppet
    }

    /// From now on it does this.
    pub(crate) fn plays(&self, play: impl Fn(&Ask) -> Does + Send + Sync + 'static) {
        *lock(&self.play) = Arc::new(play);
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Ask> {
        lock(&self.asked).clone()
    }
}

/// Puppets that are one cluster: all are replicas of every key, in this order.
pub(crate) async fn cluster(count: u64) -> Vec<Puppet> {
    let mut puppets = Vec::new();
    for number in 1..=count {
        puppets.push(Puppet::new(number).await);
    }
    show(&puppets, 1);
    puppets
}

/// Has them all tell a ring of this version, of which all of them are members.
pub(crate) fn show(puppets: &[Puppet], version: u64) {
    let member = |puppet: &Puppet| Member {
        name: format!("n{}", puppet.node.get()),
        zone: "z".to_owned(),
        weight: Weight::DEFAULT,
    };
    let nodes: Vec<NodeId> = puppets.iter().map(|puppet| puppet.node).collect();
    let partitions = PartitionCount::new(1).expect("a power of two");
    let founded = Ring::found(ClusterId::new(7), partitions, 3, nodes[0], member(&puppets[0]));
    let ring = Ring {
        walks: Walks::default(),
        version: RingVersion(version),
        members: puppets.iter().map(|puppet| (puppet.node, member(puppet))).collect(),
        table: vec![nodes],
        ..founded
    };
    let at = |puppet: &Puppet| {
        let native = puppet.address.clone();
        (puppet.node, NodeAddresses { native, http: String::new() })
    };
    for puppet in puppets {
        let mut picture = lock(&puppet.picture);
        picture.ring = Some(ring.clone());
        picture.nodes = puppets.iter().map(at).collect();
    }
}

pub(crate) fn found() -> Got {
    let value = Value { bytes: Bytes::from_static(b"found"), metadata: Metadata::default() };
    let sibling = GotSibling {
        dot: Dot { actor: stator_core::identity::ActorId::new(1), counter: 1 },
        written_at: stator_core::time::WallTime::from_millis(0),
        content: Content::Value(value),
    };
    Got {
        siblings: vec![sibling],
        context: Some(SealedContext(Bytes::from_static(b"read"))),
        digest: ObjectDigest::new([0; 16]),
        answered: Answered::default(),
    }
}

pub(crate) fn obliging(ask: &Ask) -> Answer {
    match ask {
        Ask::Get { .. } => Answer::Got(found()),
        _ => Answer::Written(PutReply {
            context: SealedContext(Bytes::from_static(b"written")),
            answered: Answered { primaries: 2, durable: 2, wanted: 3, existing: 3, fallbacks: 0 },
        }),
    }
}

async fn serve(
    mut stream: TcpStream,
    node: NodeId,
    asked: Arc<Mutex<Vec<Ask>>>,
    picture: Arc<Mutex<RingPicture>>,
    play: Arc<Mutex<Play>>,
) -> Option<()> {
    let mut raw = BytesMut::new();
    let mut transport = greet(&mut stream, &mut raw, node).await?;
    let mut frames = FrameReader::new();
    loop {
        transport.opener.feed(&mut raw, frames.input()).ok()?;
        while let Some(frame) = frames.next_frame().ok()? {
            let ClientCall { id, ask, .. } = proto::decode_call(frame).ok()?;
            let does = if ask == Ask::Ring {
                Does::Answers(Ok(Answer::Ring(Box::new(lock(&picture).clone()))))
            } else {
                lock(&asked).push(ask.clone());
                let play = Arc::clone(&lock(&play));
                play(&ask)
            };
            let outcome = match does {
                Does::Answers(outcome) => outcome,
                Does::HangsUp => return None,
                Does::Closes => {
                    let text = "it stops".to_owned();
                    let outcome = Err(CallError::Closing { text, taken: id - 1 });
                    let answer = NodeAnswer { id: 0, ring: RingVersion(0), outcome };
                    say(&mut stream, &mut transport, &answer).await;
                    return None;
                }
                Does::Sleeps => continue,
            };
            let ring = lock(&picture).ring.as_ref().map_or(RingVersion(0), |ring| ring.version);
            say(&mut stream, &mut transport, &NodeAnswer { id, ring, outcome }).await;
        }
        let read = tokio::time::timeout(Duration::from_secs(30), stream.read_buf(&mut raw)).await;
        if read.ok()?.ok()? == 0 {
            return None;
        }
    }
}

async fn say(stream: &mut TcpStream, transport: &mut Transport, answer: &NodeAnswer) {
    let (mut plain, mut sealed) = (BytesMut::new(), BytesMut::new());
    append_frame(&mut plain, |out| proto::encode_answer(answer, out)).expect("it is short");
    transport.sealer.seal(&plain, &mut sealed).expect("a young connection");
    // A client that has gone hears nothing.
    let _ = stream.write_all(&sealed).await;
}

async fn greet(stream: &mut TcpStream, raw: &mut BytesMut, node: NodeId) -> Option<Transport> {
    let first = loop {
        if let Some(message) = take_message(raw).ok()? {
            break message;
        }
        if stream.read_buf(raw).await.ok()? == 0 {
            return None;
        }
    };
    let Met::Client(responder) = meet(&Keyring::new(&Secret::new(SECRET), &[]), &first).ok()?
    else {
        return None;
    };
    let welcome = Welcome {
        protocols: CLIENT_PROTOCOLS,
        node,
        name: format!("n{}", node.get()),
        cluster: None,
        ring: RingVersion(1),
        cipher: Cipher::fastest(),
    };
    let reply = responder.reply(&welcome).ok()?;
    stream.write_all(&reply.message).await.ok()?;
    Some(reply.outcome.ok()?.0)
}
