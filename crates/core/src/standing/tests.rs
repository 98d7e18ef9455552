use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::bucket::{BucketFact, FixedProperties, MutableProperties};
use crate::object::{BucketName, ConflictRule};
use crate::quorum::Level;
use crate::time::Stamp;

const P: Partition = Partition::new(3);

fn view_with_w(levels: &[u8]) -> View {
    let mut buckets = std::collections::BTreeMap::new();
    for (number, &w) in levels.iter().enumerate() {
        let quorum = QuorumOptions { w: Some(Level::Count(w)), ..QuorumOptions::default() };
        let by = (Stamp::default(), NodeId::new(1));
        let fact = BucketFact {
            fixed: FixedProperties { n: 3, conflicts: ConflictRule::Siblings },
            made: by,
            mutable: MutableProperties { quorum, ..MutableProperties::default() },
            changed: by,
        };
        let name = BucketName::new(format!("b{number}").into()).expect("a bucket");
        buckets.insert(name, fact);
    }
    View { buckets: Arc::new(buckets), ..View::alone(NodeId::new(1)) }
}

#[test]
fn so_many_others_that_no_write_quorum_avoids_them() {
    assert_eq!(others_needed(&view_with_w(&[]), 1), 0);
    assert_eq!(others_needed(&view_with_w(&[]), 2), 1);
    assert_eq!(others_needed(&view_with_w(&[]), 3), 2);
    assert_eq!(others_needed(&view_with_w(&[]), 5), 4);
    assert_eq!(others_needed(&view_with_w(&[3]), 5), 4, "another bucket may be made with w=2");
    assert_eq!(others_needed(&view_with_w(&[3, 1]), 3), 2, "never more than there are");
}

fn lost() -> Standing {
    let (mut journal, mut out) = (Journal::default(), Effects::new());
    let mut standing = Standing::default();
    standing.lost(Instant::default(), [P], &mut journal, &mut out);
    assert!(matches!(out.drain().next(), Some(Effect::Write { .. })), "it is written down");
    standing
}

fn ended() -> ExchangeEnded {
    let began = Instant::default().after(Deadline::MAX_TIMEOUT);
    let peer = NodeId::new(2);
    ExchangeEnded { peer, partition: P, began, counts: true, pulled: true, healed: Some(1) }
}

#[test]
fn only_complete_late_exchanges_with_those_who_count_are_remembered() {
    let agrees = |ended: ExchangeEnded| {
        let mut standing = lost();
        standing.compared(&ended);
        !standing.wants(P, ended.peer)
    };
    assert!(agrees(ended()));
    assert!(agrees(ExchangeEnded { healed: None, ..ended() }), "what was pushed is no matter");
    assert!(!agrees(ExchangeEnded { counts: false, ..ended() }));
    assert!(!agrees(ExchangeEnded { pulled: false, ..ended() }));
    let early = Instant::default().after(Duration::from_micros(9_999_999));
    assert!(!agrees(ExchangeEnded { began: early, ..ended() }));
}

#[test]
fn rows_name_their_partition() {
    assert_eq!(partition_of(&row(P)), Some(P));
    assert_eq!(partition_of(&Bytes::from_static(b"unsettled/")), None);
    assert_eq!(partition_of(&Bytes::from_static(b"owner")), None);
}
