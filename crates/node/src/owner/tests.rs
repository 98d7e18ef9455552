use std::path::Path;

use stator_core::identity::BootNonce;
use stator_core::membership::facts::Facts;
use stator_store::MemoryStore;

use super::*;

const ME: NodeId = NodeId::new(1);

struct Rig {
    root: tempfile::TempDir,
    store: MemoryStore,
}

impl Rig {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary directory");
        Self { root, store: MemoryStore::new() }
    }

    /// One start of a node on the directory, as far as the claim.
    fn start(&self) -> Result<(Identity, Found), StartError> {
        self.start_as(ME, None)
    }

    fn start_as(
        &self,
        fresh: NodeId,
        cluster: Option<ClusterId>,
    ) -> Result<(Identity, Found), StartError> {
        let data = DataDir::hold(self.root.path())?;
        let mut identity = Identity::begin_start(&data.identity(), fresh, BootNonce(1))?;
        identity.cluster = cluster.map(|id| (id, Facts::default()));
        let found = claim(&data, &mut identity, &self.store)?;
        Ok((identity, found))
    }

    fn set_owner(&self, owner: Owner) {
        self.store.write(vec![owner.batch()]).expect("written");
    }

    fn identity_dir(&self) -> impl AsRef<Path> {
        self.root.path().join("identity")
    }
}

#[test]
fn a_store_is_claimed_and_known_again() {
    let rig = Rig::new();
    assert_eq!(rig.start().expect("new").1, Found::New);
    let (identity, found) = rig.start().expect("again");
    assert_eq!((found, identity.boot), (Found::Ours, BootNumber(2)));
    let owner = Owner::read(&rig.store).expect("readable");
    assert_eq!(owner, Some(Owner { node: ME, cluster: None, boot: BootNumber(2) }));
}

#[test]
fn a_lost_store_is_noticed() {
    let mut rig = Rig::new();
    rig.start().expect("new");
    rig.store = MemoryStore::new();
    assert_eq!(rig.start().expect("empty is allowed").1, Found::Lost);
}

#[test]
fn another_nodes_store_is_refused() {
    let rig = Rig::new();
    rig.set_owner(Owner { node: NodeId::new(2), cluster: None, boot: BootNumber(1) });
    let error = rig.start().expect_err("not ours");
    assert!(matches!(error, StartError::OtherNodesStore { .. }), "{error}");
    let owner = Owner::read(&rig.store).expect("readable").expect("untouched");
    assert_eq!(owner.node, NodeId::new(2));
}

#[test]
fn another_clusters_store_is_refused() {
    let rig = Rig::new();
    let (theirs, ours) = (ClusterId::new(7), ClusterId::new(8));
    rig.start_as(ME, Some(theirs)).expect("new");
    let error = rig.start_as(ME, Some(ours)).expect_err("of another cluster");
    assert!(matches!(error, StartError::OtherClustersStore { .. }), "{error}");
    rig.start_as(ME, Some(theirs)).expect("of its own");
}

#[test]
fn a_store_restored_from_an_old_copy_is_refused() {
    let rig = Rig::new();
    rig.start().expect("first");
    rig.start().expect("second");
    rig.set_owner(Owner { node: ME, cluster: None, boot: BootNumber(1) });
    let error = rig.start().expect_err("older");
    assert!(matches!(error, StartError::OlderStore { .. }), "{error}");
}

#[test]
fn an_identity_restored_from_an_old_copy_is_refused() {
    let rig = Rig::new();
    rig.start().expect("first");
    let file = rig.identity_dir().as_ref().join("node");
    let copy = std::fs::read(&file).expect("readable");
    rig.start().expect("second");
    std::fs::write(&file, copy).expect("written");
    let error = rig.start().expect_err("rolled back");
    assert!(matches!(error, StartError::OlderIdentity { .. }), "{error}");
}

#[test]
fn a_start_that_failed_before_it_marked_the_store_does_no_harm() {
    let rig = Rig::new();
    rig.start().expect("first");
    // Counted, and then ended before the store was opened: a port taken, a full disk, a crash.
    Identity::begin_start(rig.identity_dir().as_ref(), ME, BootNonce(1)).expect("counted");
    let (identity, found) = rig.start().expect("third");
    assert_eq!((found, identity.boot), (Found::Ours, BootNumber(3)));
}
