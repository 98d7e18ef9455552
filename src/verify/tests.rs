use stator_client::{ClusterDocument, HintsDocument, MemberDocument, PartitionDocument};

use super::*;

/// Two partitions, both nodes replicas of both.
fn said(roots: [Option<&str>; 2]) -> NodeDocument {
    let partitions = roots.iter().zip(0..).map(|(root, partition)| PartitionDocument {
        partition,
        root: root.map(str::to_owned),
        counts: true,
        ..PartitionDocument::default()
    });
    NodeDocument {
        ring_version: 2,
        ring_partitions: 2,
        shards: 1,
        replicas: 2,
        trees_building: roots.iter().filter(|root| root.is_none()).count() as u64,
        partitions: partitions.collect(),
        ..NodeDocument::default()
    }
}

fn survey(said: impl IntoIterator<Item = Result<NodeDocument, String>>) -> Survey {
    let nodes: Vec<Surveyed> = said
        .into_iter()
        .zip(1..)
        .map(|(said, number)| Surveyed { member: member(&format!("n{number}"), "up"), said })
        .collect();
    let members = nodes.iter().map(|node| node.member.clone()).collect();
    Survey {
        cluster: ClusterDocument {
            ring_version: 2,
            members,
            forced_versions: Vec::new(),
            transition: None,
            endures: None,
        },
        nodes,
    }
}

fn member(name: &str, state: &str) -> MemberDocument {
    serde_json::from_value(serde_json::json!({ "name": name, "id": name, "state": state }))
        .expect("a member needs no more")
}

const ALIKE: [Option<&str>; 2] = [Some("a0"), Some("b0")];

#[test]
fn nodes_that_are_alike_and_hold_no_hints_have_converged() {
    assert_eq!(judge(&survey([Ok(said(ALIKE)), Ok(said(ALIKE))])), []);
}

#[test]
fn a_node_that_can_not_be_asked_is_named() {
    let reasons = judge(&survey([Ok(said(ALIKE)), Err("it is down".to_owned())]));
    let expected = Reason::NotAsked { node: "n2".to_owned(), cause: "it is down".to_owned() };
    assert_eq!(reasons, [expected]);
}

#[test]
fn hints_are_told_with_who_holds_them_for_whom() {
    let mut holding = said(ALIKE);
    let held = HintsDocument {
        owner: "n2".to_owned(),
        objects: 3,
        bytes: 2048,
        ..HintsDocument::default()
    };
    holding.hints.push(held);
    let reasons = judge(&survey([Ok(holding), Ok(said(ALIKE))]));
    assert_eq!(reasons.len(), 1);
    assert_eq!(reasons[0].to_string(), "n1 holds 3 hints for n2 (2.0 KiB)");
}

#[test]
fn a_partition_that_differs_is_told_with_who_is_alike() {
    let other = [Some("a0"), Some("ffffffffffff")];
    let reasons = judge(&survey([Ok(said(ALIKE)), Ok(said(other)), Ok(said(ALIKE))]));
    assert_eq!(reasons.len(), 1);
    assert_eq!(reasons[0].to_string(), "partition 1 differs: n1, n3 at b0; n2 at ffffffff");
}

#[test]
fn what_is_not_known_yet_is_no_agreement() {
    let not_yet = |change: fn(&mut NodeDocument)| {
        let mut node = said(ALIKE);
        change(&mut node);
        let reasons = judge(&survey([Ok(said(ALIKE)), Ok(node)]));
        assert_eq!(reasons.len(), 1, "{reasons:?}");
        reasons[0].to_string()
    };
    assert!(not_yet(|node| node.ring_version = 1).contains("n2 knows ring version 1"));
    assert!(not_yet(|node| node.silent_shards = 1).contains("1 shards of n2"));
    assert!(not_yet(|node| node.counting_hints = true).contains("n2 still counts"));
    assert!(not_yet(|node| node.set_aside = 4).contains("n2 has 4 damaged objects"));
    let building = judge(&survey([Ok(said(ALIKE)), Ok(said([Some("a0"), None]))]));
    assert_eq!(
        building,
        [Reason::BuildingTrees { node: "n2".to_owned(), partitions: 1 }],
        "a tree that is being built is neither alike nor different"
    );
}

#[test]
fn a_partition_that_nobody_tells_of_is_missed() {
    let mut node = said(ALIKE);
    node.partitions.pop();
    assert_eq!(judge(&survey([Ok(node)])), [Reason::Unowned { partitions: 1 }]);
}

#[test]
fn a_node_that_only_wants_to_join_is_not_waited_for() {
    let mut found = survey([Ok(said(ALIKE)), Err("not started".to_owned())]);
    found.nodes[1].member = member("n2", "joining");
    assert_eq!(judge(&found), []);
}

#[test]
fn without_a_ring_nothing_has_converged() {
    let mut found = survey([Ok(NodeDocument::default())]);
    found.cluster.ring_version = 0;
    assert_eq!(judge(&found), [Reason::NoRing]);
}

#[test]
fn one_look_is_not_believed_since_a_hint_may_be_on_its_way_between_two_answers() {
    let seen = |root: &str| roots(&survey([Ok(said([Some(root), Some("b0")]))]).nodes);
    let mut looks = Looks::default();
    assert_eq!(looks.look(vec![], seen("a0")), Seen::Alike);
    assert_eq!(looks.look(vec![], seen("a1")), Seen::Changed, "a hint went home since");
    assert_eq!(looks.look(vec![], seen("a1")), Seen::Converged);
    assert_eq!(looks.look(vec![Reason::NoRing], seen("a1")), Seen::Apart(vec![Reason::NoRing]));
    assert_eq!(looks.look(vec![], seen("a1")), Seen::Alike, "it has to be seen twice again");
}
