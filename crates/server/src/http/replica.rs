//! What this node itself has of an object, nobody else asked: so that whoever asks all owners can
//! lay their replicas side by side (the paper, 4.4: which versions there are, and who has seen them).
//!
//! It reads, and changes nothing: no repair follows. It is not how objects are read, since one
//! replica alone may be behind.

use axum::extract::Request;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use serde::Serialize;
use stator_core::identity::NodeId;
use stator_core::message::EncodedState;
use stator_core::object::{ConflictRule, Content, ObjectKey, ObjectState, Sibling};
use stator_core::status::OwnCopy;
use stator_core::version::Dot;
use utoipa::ToSchema;

use super::front::{Front, Shared};
use super::path::{self, Named, Target};
use super::problem::{Answer, Problem, kind};
use super::query::Words;
use super::{json, node, when};

/// Of each value at most so many bytes are told: whoever wants all of it reads the object.
pub(super) const SHOWN_BYTES: usize = 1024;
/// At most so many versions are told of.
const SHOWN_SIBLINGS: usize = 20;

/// `GET /v1/replica/{bucket}/{key}`.
pub(super) async fn answer(front: Shared, request: Request) -> Answer {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Problem::method_not_allowed(request.method(), "GET, HEAD"));
    }
    let target = Target::of(&request);
    Words::parse(target.query, &[])?;
    let named = path::named(target.behind("/v1/replica/"), front.config.max_key_bytes)?;
    let Named::Object(key) = named else {
        let detail = "no key is named: write /v1/replica/BUCKET/KEY";
        return Err(Problem::new(kind::KEY_EMPTY, detail));
    };
    Ok(json::response(StatusCode::OK, &told(&front, key).await?))
}

/// What the node behind the door has of an object.
pub(super) async fn told(front: &Front, key: ObjectKey) -> Result<Document, Problem> {
    if front.backend.view().ring.is_none() {
        let detail =
            "the node knows no ring yet: stage its join and commit it, or ask another node";
        return Err(Problem::new(kind::NOT_MEMBER, detail));
    }
    let Some(copy) = front.backend.own_copy(key).await else {
        let detail = "the node was too busy to look at what it has: try again shortly";
        return Err(Problem::new(kind::OVERLOADED, detail));
    };
    Ok(document(front, copy))
}

/// What a node itself has of an object.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = OwnCopy)]
pub(super) struct Document {
    /// The node.
    name: String,
    /// Its id.
    id: String,
    /// The partition that the object is in.
    partition: u32,
    /// Whether the node is a replica of the partition.
    is_replica: bool,
    /// Whether its answers count in reads.
    counts: bool,
    /// The partition's collection round there.
    round: u64,
    /// What it has; null if it has never seen the object, or can't read it.
    state: Option<State>,
    /// Why it can't be read; null if it can.
    unreadable: Option<String>,
    /// Hints of the object that the node holds for others.
    hints: Vec<HeldHint>,
}

/// The state of an object.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ReplicaState)]
struct State {
    /// In hex. Equal digests mean equal states.
    digest: String,
    /// Bytes of the whole state.
    bytes: u64,
    /// How its conflicts are settled: `siblings` or `lww`.
    conflicts: &'static str,
    /// Which writes have been seen: for each actor, how far.
    vector: Vec<Entry>,
    /// The versions, at most twenty.
    siblings: Vec<Version>,
    /// How many versions there are.
    siblings_count: usize,
}

/// An entry of a version vector, or a dot.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = VectorEntry)]
struct Entry {
    /// Who minted; in hex.
    actor: String,
    /// How far.
    counter: u64,
}

/// One version.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ReplicaVersion)]
struct Version {
    /// The write that made it.
    dot: Entry,
    /// When it was written, by the clock of the replica that minted it.
    written_at: String,
    /// Whether it is a tombstone.
    deleted: bool,
    /// When it expires, or expired; null if never.
    expires_at: Option<String>,
    /// The stored `Content-Type`; null if there is none.
    content_type: Option<String>,
    /// How many bytes the value has.
    bytes: usize,
    /// The first 1024 of them in base64; null for a tombstone.
    value: Option<String>,
}

/// A hint of the object.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = HeldHint)]
struct HeldHint {
    /// The name of the node that it is for; its id if it is no member any more.
    r#for: String,
    id: String,
    /// What is kept for it.
    state: State,
}

fn document(front: &Front, copy: OwnCopy) -> Document {
    let view = front.backend.view();
    let state = copy.state.and_then(|found| found.as_ref().map(State::of).transpose());
    let hint = |(owner, encoded): (NodeId, EncodedState)| {
        let r#for = node::name_of(&view, owner);
        State::of(&encoded).map(|state| HeldHint { r#for, id: owner.to_string(), state })
    };
    let hints = copy.hints.and_then(|held| held.into_iter().map(hint).collect::<Result<_, _>>());
    let unreadable = state.as_ref().err().or(hints.as_ref().err()).cloned();
    Document {
        name: front.backend.name().to_owned(),
        id: front.backend.me().to_string(),
        partition: copy.partition.get(),
        is_replica: copy.is_replica,
        counts: copy.counts,
        round: copy.round.0,
        state: state.unwrap_or_default(),
        unreadable,
        hints: hints.unwrap_or_default(),
    }
}

impl State {
    fn of(encoded: &EncodedState) -> Result<Self, String> {
        let state: ObjectState = encoded.decode().map_err(|error| error.to_string())?;
        let entry = |&(actor, counter): &_| Entry::of(Dot { actor, counter });
        Ok(Self {
            digest: encoded.digest().to_string(),
            bytes: encoded.as_bytes().len() as u64,
            conflicts: match state.rule() {
                ConflictRule::Siblings => "siblings",
                ConflictRule::LastWriteWins => "lww",
            },
            vector: state.vector().entries().iter().map(entry).collect(),
            siblings: state.siblings().iter().take(SHOWN_SIBLINGS).map(Version::of).collect(),
            siblings_count: state.siblings().len(),
        })
    }
}

impl Entry {
    fn of(dot: Dot) -> Self {
        Self { actor: dot.actor.to_string(), counter: dot.counter }
    }
}

impl Version {
    fn of(sibling: &Sibling) -> Self {
        let told = Self {
            dot: Entry::of(sibling.dot),
            written_at: when::rfc3339(sibling.stamp.wall()),
            deleted: true,
            expires_at: None,
            content_type: None,
            bytes: 0,
            value: None,
        };
        let Content::Value(value) = &sibling.content else { return told };
        let kind = &value.metadata.content_type;
        let shown = &value.bytes[..value.bytes.len().min(SHOWN_BYTES)];
        Self {
            deleted: false,
            expires_at: value.metadata.expires_at.map(when::rfc3339),
            content_type: (!kind.is_empty()).then(|| String::from_utf8_lossy(kind).into_owned()),
            bytes: value.bytes.len(),
            value: Some(STANDARD.encode(shown)),
            ..told
        }
    }
}
