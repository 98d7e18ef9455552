//! Staged changes and buckets' properties, which gossip spreads.

use std::time::Duration;

use bytes::Bytes;

use super::world::{World, assert_nothing_planned, assert_refused, id};
use crate::bucket::MutableProperties;
use crate::membership::admin::{AdminDone, AdminError, AdminRequest};
use crate::membership::effect::MembershipInput;
use crate::membership::facts::StagedChange;
use crate::object::{BucketName, ConflictRule};
use crate::quorum::{Level, QuorumOptions};
use crate::ring::Weight;

fn carts() -> BucketName {
    BucketName::new(Bytes::from_static(b"carts")).expect("a name")
}

fn set(bucket: BucketName, n: Option<u8>, conflicts: Option<ConflictRule>) -> AdminRequest {
    AdminRequest::SetBucket { bucket, n, conflicts, mutable: MutableProperties::default() }
}

fn is_invalid(error: &AdminError) -> bool {
    matches!(error, AdminError::InvalidBucket(_))
}

#[test]
fn a_buckets_properties_come_to_all_nodes() {
    let mut world = World::cluster(1, 3);
    let reply = world.get(id(2), set(carts(), Some(2), Some(ConflictRule::LastWriteWins)));
    let Ok(AdminDone::BucketSet(properties)) = reply else { panic!("{reply:?}") };
    assert_eq!(properties.fixed.n, 2);
    world.run(Duration::from_secs(3));
    for number in 1..=3 {
        let view = world.nodes[&id(number)].view.clone().expect("a view was shown");
        assert_eq!(view.bucket(&carts()), properties);
        let reply = world.get(id(number), AdminRequest::Bucket(carts()));
        assert!(matches!(reply, Ok(AdminDone::Bucket { fact: Some(_), .. })));
    }
}

#[test]
fn what_is_fixed_when_a_bucket_is_made_stays() {
    let mut world = World::cluster(1, 3);
    world.step(id(1), MembershipInput::BucketMade(carts()));
    world.run(Duration::from_secs(5));
    for wish in [set(carts(), Some(2), None), set(carts(), None, Some(ConflictRule::LastWriteWins))]
    {
        let reply = world.get(id(3), wish);
        assert_refused(
            &reply,
            |error| matches!(error, AdminError::BucketFixed { fixed, .. } if fixed.n == 3),
        );
    }
    let reply = world.get(id(3), set(carts(), Some(3), Some(ConflictRule::Siblings)));
    assert!(matches!(reply, Ok(AdminDone::BucketSet(_))));
}

#[test]
fn two_makings_of_one_bucket_end_in_the_earlier() {
    let mut world = World::cluster(1, 3);
    world.split(&[1], &[2, 3]);
    world.step(id(1), MembershipInput::BucketMade(carts()));
    world.run(Duration::from_millis(10));
    let reply = world.get(id(2), set(carts(), Some(1), None));
    assert!(matches!(reply, Ok(AdminDone::BucketSet(_))));
    world.heal();
    world.run(Duration::from_secs(10));
    for number in 1..=3 {
        let view = world.nodes[&id(number)].view.clone().expect("a view was shown");
        assert_eq!(view.bucket(&carts()).fixed.n, 3);
    }
}

#[test]
fn impossible_buckets_are_refused() {
    let mut world = World::cluster(1, 3);
    assert_refused(&world.get(id(1), set(carts(), Some(0), None)), is_invalid);
    assert_refused(&world.get(id(1), set(carts(), Some(4), None)), is_invalid);
    let redis = BucketName::new(Bytes::from_static(b"redis.3")).expect("a name");
    let reply = world.get(id(1), set(redis, None, Some(ConflictRule::Siblings)));
    assert_refused(&reply, is_invalid);
    let quorum = QuorumOptions { w: Some(Level::Count(4)), ..QuorumOptions::default() };
    let never = MutableProperties { max_siblings: 0, ..MutableProperties::default() };
    for mutable in [MutableProperties { quorum, ..MutableProperties::default() }, never] {
        let bucket = carts();
        let wish = AdminRequest::SetBucket { bucket, n: None, conflicts: None, mutable };
        assert_refused(&world.get(id(1), wish), is_invalid);
    }
}

#[test]
fn an_operator_on_the_small_side_is_told_who_did_not_hear() {
    let mut world = World::cluster(1, 5);
    world.split(&[1, 2], &[3, 4, 5]);
    let reply = world.get(id(1), set(carts(), None, None));
    let names = ["n3", "n4", "n5"].map(str::to_owned).to_vec();
    assert_refused(&reply, |error| *error == AdminError::Unreachable { names: names.clone() });
    world.heal();
    world.run(Duration::from_secs(10));
    assert!(world.facts(id(5)).buckets.contains_key(&carts()), "it spread all the same");
}

#[test]
fn changes_that_make_no_sense_are_refused_when_they_are_staged() {
    let mut world = World::with_joiners(1, 2);
    let join = |name: &str| StagedChange::Join {
        name: name.to_owned(),
        zone: String::new(),
        weight: Weight::DEFAULT,
    };
    let nonsense = [
        (id(99), StagedChange::Leave),
        (id(99), StagedChange::Weight(Weight::DEFAULT)),
        (id(99), join("n99")),
        (id(1), join("n1")),
        (id(2), join("n1")),
        (id(2), join(" ")),
        (id(1), StagedChange::ReplaceBy(id(99))),
        (id(1), StagedChange::ReplaceBy(id(1))),
        (id(1), StagedChange::Zone(String::new())),
    ];
    for (node, change) in nonsense {
        let reply = world.get(id(1), AdminRequest::Stage { node, change: change.clone() });
        let refused = |error: &AdminError| matches!(error, AdminError::InvalidChange(_));
        assert!(reply.as_ref().is_err_and(refused), "{change:?}: {reply:?}");
    }
}

#[test]
fn a_later_change_takes_the_place_of_an_earlier_and_discard_of_all() {
    let mut world = World::cluster(1, 3);
    for weight in [200, 300] {
        let change = StagedChange::Weight(Weight::new(weight).expect("it is possible"));
        let reply = world.get(id(2), AdminRequest::Stage { node: id(3), change });
        assert_eq!(reply, Ok(AdminDone::Staged));
    }
    world.run(Duration::from_secs(3));
    let Ok(AdminDone::Plan(plan)) = world.get(id(1), AdminRequest::Plan) else { panic!("no plan") };
    assert_eq!(plan.changes.len(), 1);
    assert_eq!(plan.ring.members[&id(3)].weight.get(), 300);
    assert_eq!(world.get(id(3), AdminRequest::Discard), Ok(AdminDone::Discarded));
    world.run(Duration::from_secs(3));
    let reply = world.get(id(1), AdminRequest::Plan);
    assert_nothing_planned(&reply);
}
