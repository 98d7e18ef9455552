//! Operators' requests: stage, plan, discard, and buckets' properties. (`commit` is its own room.)

use std::time::Duration;

use super::spread::{Enough, Waiting};
use super::{Membership, Turn};
use crate::bucket::{BucketFact, BucketProperties, FixedProperties, MutableProperties};
use crate::identity::NodeId;
use crate::membership::admin::{AdminDone, AdminError, AdminId, AdminReply, AdminRequest};
use crate::membership::effect::MembershipEffect;
use crate::membership::facts::{Facts, StagedChange, StagedFact};
use crate::membership::staging;
use crate::object::{BucketName, ConflictRule};
use crate::quorum::{QuorumOptions, ReadQuorum, ReplicaCount, WriteQuorum};
use crate::ring::{Plan, Ring, plan};
use crate::time::Deadline;

/// Longer than this no operator waits for a majority to know of a staged change.
const PUSH_PATIENCE: Duration = Duration::from_secs(5);

/// What an operator asks of a bucket.
struct BucketWish {
    bucket: BucketName,
    n: Option<u8>,
    conflicts: Option<ConflictRule>,
    mutable: MutableProperties,
}

/// Facts that answer a request once enough members know them.
struct Answer {
    facts: Facts,
    done: AdminDone,
}

impl Membership {
    /// An operator's request: answered here and now, or begun.
    pub(super) fn administer(
        &mut self,
        turn: &mut Turn<'_>,
        id: AdminId,
        request: AdminRequest,
        deadline: Deadline,
    ) {
        let answer = match request {
            AdminRequest::Status => {
                let status = self.status(turn.now.instant);
                return reply(turn, id, Ok(AdminDone::Status(status)));
            }
            AdminRequest::Plan => return reply(turn, id, self.plan().map(AdminDone::Plan)),
            AdminRequest::Bucket(bucket) => return reply(turn, id, self.bucket(&bucket)),
            AdminRequest::Commit { version } => {
                if let Some(answer) = self.commit(turn, id, version, deadline) {
                    reply(turn, id, answer);
                }
                return;
            }
            AdminRequest::Recover => {
                if let Some(answer) = self.recover(turn, id, deadline) {
                    reply(turn, id, answer);
                }
                return;
            }
            AdminRequest::Stage { node, change: StagedChange::RemoveDead }
                if self.facts.facts().is_leaving(node) =>
            {
                // It is off the ring already: all there is to say is that nobody waits for it.
                return self.declare_dead(turn, id, [node].into(), deadline);
            }
            AdminRequest::Stage { node, change } => self.stage(turn, node, change),
            AdminRequest::Discard => self.discard(turn),
            AdminRequest::SetBucket { bucket, n, conflicts, mutable } => {
                self.set_bucket(turn, BucketWish { bucket, n, conflicts, mutable })
            }
        };
        match answer {
            Ok(Answer { facts, done }) => {
                let longest = turn.now.instant.after(PUSH_PATIENCE);
                let deadline = deadline.at().min(longest);
                let waiting = Waiting { asker: id, done, enough: Enough::Majority, deadline };
                self.push(turn, facts, waiting);
            }
            Err(error) => reply(turn, id, Err(error)),
        }
    }

    fn member_ring(&self) -> Result<&Ring, AdminError> {
        self.ring_as_member().map(AsRef::as_ref).ok_or(AdminError::NotMember)
    }

    /// What committing everything staged would do; with nothing staged, a plan without changes.
    pub(super) fn plan(&self) -> Result<Plan, AdminError> {
        let ring = self.member_ring()?;
        let changes = staging::pending(self.facts.facts());
        if changes.is_empty() {
            let ring = Ring { version: ring.version.next(), ..ring.clone() };
            return Ok(Plan { ring, changes, moves: Vec::new(), warnings: Vec::new() });
        }
        Ok(plan(ring, &changes)?)
    }

    fn stage(
        &self,
        turn: &Turn<'_>,
        node: NodeId,
        change: StagedChange,
    ) -> Result<Answer, AdminError> {
        self.member_ring()?;
        if let Some(objection) = staging::objection(self.facts.facts(), node, &change) {
            return Err(AdminError::InvalidChange(objection));
        }
        let key = (node, change.slot());
        let fact = StagedFact { at: self.mint(turn.now), change: Some(change) };
        let facts = Facts { staged: [(key, fact)].into(), ..Facts::default() };
        Ok(Answer { facts, done: AdminDone::Staged })
    }

    fn discard(&self, turn: &Turn<'_>) -> Result<Answer, AdminError> {
        self.member_ring()?;
        let facts = staging::withdrawn(self.facts.facts(), self.mint(turn.now));
        Ok(Answer { facts, done: AdminDone::Discarded })
    }

    fn bucket(&self, bucket: &BucketName) -> AdminReply {
        let ring = self.member_ring()?;
        let fact = self.facts.facts().buckets.get(bucket).copied();
        let defaults = || BucketProperties::defaults(bucket, ring.replicas);
        let properties = fact.as_ref().map_or_else(defaults, BucketFact::properties);
        Ok(AdminDone::Bucket { properties, fact })
    }

    /// A bucket was made by its first write, with the default properties.
    pub(super) fn bucket_made(&mut self, turn: &mut Turn<'_>, bucket: &BucketName) {
        let Ok(ring) = self.member_ring() else { return };
        if self.facts.facts().buckets.contains_key(bucket) {
            return;
        }
        let BucketProperties { fixed, mutable } = BucketProperties::defaults(bucket, ring.replicas);
        let at = self.mint(turn.now);
        let fact = BucketFact { fixed, made: at, mutable, changed: at };
        self.learn(turn, &Facts { buckets: [(bucket.clone(), fact)].into(), ..Facts::default() });
    }

    fn set_bucket(&self, turn: &Turn<'_>, wish: BucketWish) -> Result<Answer, AdminError> {
        let ring = self.member_ring()?;
        let at = self.mint(turn.now);
        let known = self.facts.facts().buckets.get(&wish.bucket);
        let (fixed, made) = match known {
            Some(fact) => (unchanged(&wish, fact.fixed)?, fact.made),
            None => (fixed_by(&wish, ring)?, at),
        };
        check_mutable(fixed, &wish.mutable)?;
        let fact = BucketFact { fixed, made, mutable: wish.mutable, changed: at };
        let done = AdminDone::BucketSet(fact.properties());
        let facts = Facts { buckets: [(wish.bucket, fact)].into(), ..Facts::default() };
        Ok(Answer { facts, done })
    }
}

fn reply(turn: &mut Turn<'_>, id: AdminId, reply: AdminReply) {
    turn.act(MembershipEffect::Reply { id, reply });
}

/// What was fixed when the bucket was made, if the wish does not differ from it.
fn unchanged(wish: &BucketWish, fixed: FixedProperties) -> Result<FixedProperties, AdminError> {
    let same_n = wish.n.is_none_or(|n| n == fixed.n);
    let same_conflicts = wish.conflicts.is_none_or(|conflicts| conflicts == fixed.conflicts);
    if same_n && same_conflicts {
        return Ok(fixed);
    }
    Err(AdminError::BucketFixed { bucket: wish.bucket.clone(), fixed })
}

/// What is fixed for a bucket that the wish makes.
fn fixed_by(wish: &BucketWish, ring: &Ring) -> Result<FixedProperties, AdminError> {
    let defaults = BucketProperties::defaults(&wish.bucket, ring.replicas).fixed;
    let n = wish.n.unwrap_or(defaults.n);
    if n == 0 || n > ring.replicas {
        let most = ring.replicas;
        let text = format!("n={n} can't be: this cluster keeps from 1 to {most} replicas");
        return Err(AdminError::InvalidBucket(text));
    }
    let conflicts = wish.conflicts.unwrap_or(defaults.conflicts);
    if wish.bucket.is_redis_database() && conflicts != defaults.conflicts {
        let text = "the buckets redis.0 to redis.15 are lww: use another bucket for siblings";
        return Err(AdminError::InvalidBucket(text.to_owned()));
    }
    Ok(FixedProperties { n, conflicts })
}

/// Default quorums of a bucket must be possible with its n.
fn check_mutable(fixed: FixedProperties, mutable: &MutableProperties) -> Result<(), AdminError> {
    let count = ReplicaCount { wanted: fixed.n, existing: fixed.n };
    let defaults = QuorumOptions::default();
    let read = ReadQuorum::resolve(count, &mutable.quorum, &defaults).map(drop);
    let write = WriteQuorum::resolve(count, &mutable.quorum, &defaults).map(drop);
    read.and(write).map_err(|error| AdminError::InvalidBucket(error.to_string()))?;
    if mutable.max_siblings == 0 {
        let text = "max_siblings=0 would refuse every write: name at least 1";
        return Err(AdminError::InvalidBucket(text.to_owned()));
    }
    Ok(())
}
