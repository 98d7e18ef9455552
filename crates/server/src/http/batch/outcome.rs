//! What came of one operation, as its line of the answer.

use bytes::Bytes;
use serde::Serialize;
use stator_core::object::{Content, ObjectKey};
use stator_core::request::{Done, GetReply, PutReply};
use stator_core::time::WallTime;
use utoipa::ToSchema;

use super::super::kv::get::{Shown, nothing};
use super::super::kv::headers;
use super::super::kv::told::{Replicas, Version};
use super::super::problem::{Document, Intent, Problem};
use super::super::{body, json};
use crate::context;
use crate::memory::{Memory, Part};

/// What came of an operation.
pub(super) enum Outcome {
    /// A get's answer, and its part of the memory while it waits to be told.
    Got { key: ObjectKey, reply: GetReply, part: Part },
    /// A put or a delete that was acknowledged.
    Written(PutReply),
    /// Neither.
    Problem(Problem, Intent),
}

/// One line of the answer: what a single request's status, headers and body say.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BatchOutcome)]
pub(in super::super) struct Line {
    /// Which operation of the request, counted from 0.
    index: usize,
    /// The status that the operation would have been answered with alone.
    status: u16,
    /// What to send back with the next write of the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<String>,
    /// Which replicas answered, as `Stator-Replicas` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    replicas: Option<Replicas>,
    /// The digest of the object's state.
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    /// A get's one value.
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<Version>,
    /// A get's several versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    siblings: Option<Vec<Version>>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Document>,
}

impl Outcome {
    pub(super) fn problem(problem: Problem, intent: Intent) -> Self {
        Self::Problem(problem, intent)
    }

    /// What the node answered. A get whose values there is no room for is refused.
    pub(super) fn of(key: ObjectKey, done: Done, intent: Intent, memory: &Memory) -> Self {
        match (done, intent) {
            (Done::Got(reply), Intent::Read) => match memory.take(size(&reply)) {
                Some(part) => Self::Got { key, reply, part },
                None => Self::Problem(body::no_memory(), intent),
            },
            (Done::Written(reply), Intent::Write) => Self::Written(reply),
            _ => Self::Problem(Problem::mismatched(intent), intent),
        }
    }

    /// The line, which holds its part of the memory until it has left.
    pub(super) fn line(self, index: usize, memory: &Memory, at: WallTime) -> Bytes {
        match self {
            Self::Written(reply) => {
                let line = Line {
                    context: Some(context::text(&reply.context)),
                    replicas: Some(Replicas::of(reply.answered, Intent::Write)),
                    ..Line::new(index, 204)
                };
                json::text(&line).into()
            }
            Self::Problem(problem, intent) => {
                json::text(&Line::failed(index, &problem, intent)).into()
            }
            // Base64 takes four bytes for three, and is held twice while it is written.
            Self::Got { key, reply, mut part } => {
                if !part.grow_to(4 * size(&reply), memory) {
                    let problem = body::no_memory();
                    return json::text(&Line::failed(index, &problem, Intent::Read)).into();
                }
                part.until_gone(json::text(&Line::got(index, &key, &reply, at)).into())
            }
        }
    }
}

/// How many bytes of values a get found.
fn size(reply: &GetReply) -> usize {
    let of = |content: &Content| match content {
        Content::Value(value) => value.bytes.len(),
        Content::Tombstone => 0,
    };
    reply.state.siblings().iter().map(|sibling| of(&sibling.content)).sum()
}

impl Line {
    fn new(index: usize, status: u16) -> Self {
        Self {
            index,
            status,
            context: None,
            replicas: None,
            etag: None,
            object: None,
            siblings: None,
            problem: None,
        }
    }

    fn failed(index: usize, problem: &Problem, intent: Intent) -> Self {
        let document = Some(problem.document(intent));
        Self { problem: document, ..Self::new(index, problem.status()) }
    }

    fn got(index: usize, key: &ObjectKey, reply: &GetReply, at: WallTime) -> Self {
        let tell = |sibling| Version::of(sibling, at);
        let line = match Shown::of(&reply.state, at) {
            Shown::Nothing => Self::failed(index, &nothing(key, reply), Intent::Read),
            Shown::One(sibling, _) => Self { object: Some(tell(sibling)), ..Self::new(index, 200) },
            Shown::Siblings(all) => {
                Self { siblings: Some(all.iter().map(tell).collect()), ..Self::new(index, 300) }
            }
        };
        let tag = headers::etag(&reply.digest);
        let tag = tag.to_str().ok().filter(|_| line.problem.is_none());
        Self {
            context: reply.context.as_ref().map(context::text),
            replicas: Some(Replicas::of(reply.answered, Intent::Read)),
            etag: tag.map(str::to_owned),
            ..line
        }
    }
}
