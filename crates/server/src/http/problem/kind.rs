//! The kinds of problem: the one table of slugs, statuses and titles.

/// A kind of problem: what its `type` ends in, its status and its title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) status: u16,
    pub(crate) slug: &'static str,
    pub(crate) title: &'static str,
}

const fn kind(status: u16, slug: &'static str, title: &'static str) -> Kind {
    Kind { status, slug, title }
}

pub(crate) const BATCH_MALFORMED: Kind =
    kind(400, "batch-malformed", "The batch is not understood");
pub(crate) const BODY_INCOMPLETE: Kind = kind(400, "body-incomplete", "The body was cut off");
pub(crate) const BODY_MALFORMED: Kind = kind(400, "body-malformed", "The body is not understood");
pub(crate) const BUCKET_EMPTY: Kind = kind(400, "bucket-empty", "The bucket is empty");
pub(crate) const BUCKET_INVALID: Kind =
    kind(400, "bucket-invalid", "The bucket can't have such properties");
pub(crate) const CHANGE_INVALID: Kind = kind(400, "change-invalid", "The change can't be staged");
pub(crate) const CONTEXT_INVALID: Kind = kind(400, "context-invalid", "The context is invalid");
pub(crate) const CURSOR_INVALID: Kind = kind(400, "cursor-invalid", "The cursor is invalid");
pub(crate) const KEY_EMPTY: Kind = kind(400, "key-empty", "The key is empty");
pub(crate) const METADATA_INVALID: Kind = kind(400, "metadata-invalid", "The metadata is invalid");
pub(crate) const NODE_UNKNOWN: Kind = kind(400, "node-unknown", "No such node");
pub(crate) const PATH_MALFORMED: Kind = kind(400, "path-malformed", "The path is malformed");
pub(crate) const PROPERTY_INVALID: Kind =
    kind(400, "property-invalid", "A property has a value that it can't have");
pub(crate) const PROPERTY_UNKNOWN: Kind = kind(400, "property-unknown", "An unknown property");
pub(crate) const QUERY_INVALID: Kind =
    kind(400, "query-invalid", "A query word has a value that it can't have");
pub(crate) const QUERY_UNKNOWN: Kind = kind(400, "query-unknown", "An unknown query word");
pub(crate) const TTL_INVALID: Kind = kind(400, "ttl-invalid", "The time to live is invalid");

pub(crate) const UNAUTHORIZED: Kind = kind(401, "unauthorized", "Administration wants a token");
pub(crate) const FORBIDDEN: Kind = kind(403, "forbidden", "The token is wrong");
pub(crate) const ADMIN_DISABLED: Kind =
    kind(403, "administration-disabled", "Nobody administers through this address");
pub(crate) const FOREIGN_HOST: Kind = kind(403, "foreign-host", "A foreign Host");
pub(crate) const FOREIGN_ORIGIN: Kind = kind(403, "foreign-origin", "A foreign Origin");
pub(crate) const NO_SUCH_PATH: Kind = kind(404, "no-such-path", "No such path");
pub(crate) const NOT_FOUND: Kind = kind(404, "not-found", "Not found");
pub(crate) const METHOD_NOT_ALLOWED: Kind =
    kind(405, "method-not-allowed", "The method means nothing here");
pub(crate) const BODY_TIMEOUT: Kind = kind(408, "body-timeout", "The body did not come in time");

pub(crate) const BUCKET_FIXED: Kind = kind(409, "bucket-fixed", "Fixed when the bucket was made");
pub(crate) const COMMIT_UNDER_WAY: Kind =
    kind(409, "commit-under-way", "Another commit is under way");
pub(crate) const MAJORITY_LIVES: Kind =
    kind(409, "majority-lives", "A majority of the members can be reached");
pub(crate) const CHANGE_UNDER_WAY: Kind =
    kind(409, "change-under-way", "Partitions still move to their new owners");
pub(crate) const NOTHING_STAGED: Kind = kind(409, "nothing-staged", "Nothing is staged");
pub(crate) const PLAN_IMPOSSIBLE: Kind =
    kind(409, "plan-impossible", "What is staged can't be planned");
pub(crate) const STALE_VERSION: Kind = kind(409, "stale-version", "A stale ring version");

pub(crate) const BATCH_TOO_LARGE: Kind = kind(413, "batch-too-large", "The batch is too large");
pub(crate) const BODY_TOO_LARGE: Kind = kind(413, "body-too-large", "The body is too large");
pub(crate) const BUCKET_TOO_LARGE: Kind = kind(413, "bucket-too-large", "The bucket is too long");
pub(crate) const KEY_TOO_LARGE: Kind = kind(413, "key-too-large", "The key is too long");
pub(crate) const OBJECT_TOO_LARGE: Kind = kind(413, "object-too-large", "The object is too large");
pub(crate) const CODING_UNSUPPORTED: Kind =
    kind(415, "coding-unsupported", "Content codings are not stored");
pub(crate) const IMPOSSIBLE_QUORUM: Kind = kind(422, "impossible-quorum", "An impossible quorum");
pub(crate) const TOO_MANY_SIBLINGS: Kind = kind(429, "too-many-siblings", "Too many siblings");
pub(crate) const METADATA_TOO_LARGE: Kind =
    kind(431, "metadata-too-large", "The metadata is too large");

pub(crate) const INTERNAL: Kind = kind(500, "internal", "The node went wrong");
pub(crate) const NOT_BUILT: Kind = kind(501, "not-built", "Not built yet");
pub(crate) const DAMAGED: Kind = kind(503, "damaged", "The object can't be read here");
pub(crate) const EXPIRED: Kind = kind(503, "expired", "The deadline passed before the start");
pub(crate) const MOVING: Kind = kind(503, "moving", "The partition is about to change owners");
pub(crate) const NOT_ENOUGH_REPLICAS: Kind =
    kind(503, "not-enough-replicas", "Not enough healthy replicas");
pub(crate) const NOT_MEMBER: Kind = kind(503, "not-member", "Not a member of a cluster");
pub(crate) const NOT_READY: Kind = kind(503, "not-ready", "Not ready");
pub(crate) const OVERLOADED: Kind = kind(503, "overloaded", "Overloaded");
pub(crate) const READ_REFUSED: Kind =
    kind(503, "read-timeout", "Too few replicas could be read before the write");
pub(crate) const REFUSED: Kind = kind(503, "refused", "Refused");
pub(crate) const INDETERMINATE: Kind =
    kind(504, "indeterminate", "The write may or may not appear");
pub(crate) const READ_TIMEOUT: Kind = kind(504, "read-timeout", "Too few replicas answered");
pub(crate) const UNREACHABLE: Kind = kind(504, "unreachable", "Nodes did not answer in time");
