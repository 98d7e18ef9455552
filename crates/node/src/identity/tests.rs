use stator_core::membership::effect::SaveId;
use stator_core::register::Ballot;
use stator_core::ring::RingVersion;

use super::*;
use crate::failure::Failure;

const FRESH: NodeId = NodeId::new(0xabc);
const NONCE: BootNonce = BootNonce(9);

fn start(directory: &Path) -> Result<Identity, StartError> {
    Identity::begin_start(directory, FRESH, NONCE)
}

#[test]
fn a_start_is_counted_and_the_id_stays() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let first = start(dir.path()).expect("new");
    assert!(!first.had_store());
    assert_eq!((first.node, first.boot), (FRESH, BootNumber(1)));
    let mut second =
        Identity::begin_start(dir.path(), NodeId::new(0xdef), NONCE).expect("there already");
    assert_eq!(
        (second.node, second.boot, second.store_boot),
        (FRESH, BootNumber(2), BootNumber(0))
    );
    second.store_is_marked().expect("written");
    assert_eq!(start(dir.path()).expect("third").store_boot, BootNumber(2));
}

#[test]
fn what_was_saved_is_there_at_the_next_start() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    start(dir.path()).expect("new");
    let (told, saved) = std::sync::mpsc::channel();
    let (saver, thread) = spawn_saver(dir.path().to_owned(), Failure::none(), move |id| {
        told.send(id).expect("open");
    })
    .expect("a thread");
    let votes = Votes {
        sequence: 3,
        base: RingVersion(4),
        promised: Ballot { round: 5, node: 6 },
        accepted: None,
    };
    let cluster = ClusterId::new(7);
    saver.save(SaveId(1), Save::Cluster { cluster, facts: Box::default() });
    saver.save(SaveId(2), Save::Votes(votes.clone()));
    drop(saver);
    thread.join().expect("ended");
    assert_eq!(saved.iter().collect::<Vec<_>>(), [SaveId(1), SaveId(2)]);
    let again = start(dir.path()).expect("there already");
    assert_eq!(again.cluster, Some((cluster, Facts::default())));
    assert_eq!(again.votes, Some(votes));
}

#[test]
fn a_save_that_fails_fails_the_node() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let failure = Failure::none();
    let gone = dir.path().join("gone");
    let (saver, thread) =
        spawn_saver(gone, failure.clone(), |_| panic!("nothing was saved")).expect("a thread");
    saver.save(SaveId(1), Save::Votes(Votes::default()));
    thread.join().expect("ended without a panic");
    assert!(failure.happened());
}

#[test]
fn a_damaged_file_is_named() {
    for kind in [FileKind::Node, FileKind::Cluster, FileKind::Votes] {
        let dir = tempfile::tempdir().expect("a temporary directory");
        start(dir.path()).expect("new");
        let path = dir.path().join(kind.name());
        fs::write(&path, b"not what was written").expect("written");
        let error = start(dir.path()).expect_err("damaged");
        assert!(
            matches!(&error, StartError::DamagedIdentity { path: named, .. } if *named == path)
        );
        assert!(error.to_string().contains("join again as a new node"), "{error}");
    }
}

#[test]
fn an_identity_without_its_node_file_is_no_new_identity() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    start(dir.path()).expect("new");
    write_save(dir.path(), &Save::Votes(Votes::default())).expect("written");
    fs::remove_file(dir.path().join(FileKind::Node.name())).expect("removed");
    assert!(matches!(start(dir.path()), Err(StartError::DamagedIdentity { .. })));
}

#[test]
fn a_directory_is_held_by_one_process() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let held = DataDir::hold(dir.path()).expect("free");
    let error = DataDir::hold(dir.path()).expect_err("in use");
    assert!(matches!(error, StartError::InUse { .. }), "{error}");
    drop(held);
    DataDir::hold(dir.path()).expect("free again");
}
