use stator_core::ring::{Member, Ring, Weight};
use stator_core::token::PartitionCount;
use stator_wire::secret::Secret;

use super::*;

const ME: NodeId = NodeId::new(1);
const PEER: NodeId = NodeId::new(2);

pub(crate) fn me(node: NodeId, secret: &[u8]) -> Me {
    Me {
        node,
        name: format!("n{}", node.get()),
        boot: BootNumber(1),
        nonce: BootNonce(node.get()),
        shards: 2,
        keyring: Keyring::new(&Secret::new(secret), &[]),
        clock: Clock::start(),
        cluster: OnceLock::new(),
        view: ArcSwap::from_pointee(View::alone(node)),
        failure: Failure::none(),
        clients: ClientDoor::default(),
        traces: Traces::default(),
        met: Mutex::default(),
    }
}

fn peer() -> Hello {
    me(PEER, b"").hello(Lane::Membership)
}

#[test]
fn a_peer_of_no_cluster_or_of_the_same_is_welcome() {
    let me = me(ME, b"");
    assert_eq!(me.judge(&peer()), Ok(()));
    me.cluster.set(ClusterId::new(7)).expect("unset");
    assert_eq!(me.judge(&peer()), Ok(()));
    assert_eq!(me.judge(&Hello { cluster: Some(ClusterId::new(7)), ..peer() }), Ok(()));
}

#[test]
fn a_peer_of_another_cluster_is_refused_with_both_ids() {
    let me = me(ME, b"");
    me.cluster.set(ClusterId::new(7)).expect("unset");
    let theirs = ClusterId::new(8);
    let refusal = me.judge(&Hello { cluster: Some(theirs), ..peer() }).expect_err("foreign");
    assert_eq!(refusal.code, RefusalCode::ForeignCluster);
    assert!(refusal.text.contains(&theirs.to_string()), "{}", refusal.text);
    assert!(refusal.text.contains(&ClusterId::new(7).to_string()), "{}", refusal.text);
}

#[test]
fn a_removed_node_is_refused() {
    let me = me(ME, b"");
    let member = Member { name: "n1".to_owned(), zone: "z".to_owned(), weight: Weight::DEFAULT };
    let partitions = PartitionCount::new(1).expect("a power of two");
    let mut ring = Ring::found(ClusterId::new(7), partitions, 3, ME, member.clone());
    ring.members = BTreeMap::from([(ME, member)]);
    ring.removed.insert(PEER);
    me.view.store(Arc::new(View { ring: Some(Arc::new(ring)), ..View::alone(ME) }));
    let refusal = me.judge(&peer()).expect_err("removed");
    assert_eq!(refusal.code, RefusalCode::Removed);
    assert!(refusal.text.contains("removed"), "{}", refusal.text);
}

#[test]
fn a_node_knows_itself_from_a_copy_of_itself() {
    let me = me(ME, b"");
    assert!(me.is_me(&me.hello(Lane::Membership)));
    assert!(!me.is_me(&Hello { nonce: BootNonce(99), ..me.hello(Lane::Membership) }));
}

#[test]
fn an_older_start_or_another_process_of_the_same_start_is_refused() {
    let me = me(ME, b"");
    let start = |boot, nonce| Hello { boot: BootNumber(boot), nonce: BootNonce(nonce), ..peer() };
    me.remember(&start(5, 50));
    me.remember(&start(4, 40));
    assert_eq!(me.judge(&start(5, 50)), Ok(()), "the same process");
    assert_eq!(me.judge(&start(6, 60)), Ok(()), "a later start");
    for other in [start(5, 51), start(4, 40)] {
        let refusal = me.judge(&other).expect_err("a copy");
        assert_eq!(refusal.code, RefusalCode::Identity);
        assert!(refusal.text.contains("copy"), "{}", refusal.text);
    }
    me.remember(&start(6, 60));
    assert!(me.judge(&start(5, 50)).is_err(), "a later start was met");
}
