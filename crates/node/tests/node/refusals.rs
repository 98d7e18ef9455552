//! Starts that must be refused, each with its cause and what to do.

use std::fs;
use std::path::Path;

use stator_node::{Founding, Node, NodeConfig, StartError};

use crate::rig::{config, directory, on_disk, put, serving};

async fn refused(config: NodeConfig) -> StartError {
    Node::start(config).await.expect_err("the start is refused")
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("known").is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}

#[tokio::test]
async fn a_directory_in_use_is_refused() {
    let dir = directory();
    let node = serving(config("n1", dir.path())).await;
    let error = refused(config("n2", dir.path())).await;
    assert!(matches!(error, StartError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("--data"), "{error}");
    put(&node.handle(), "cart", b"milk").await.expect("the first goes on");
    node.stop().await;
    serving(config("n1", dir.path())).await.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let (dir1, dir2) = (directory(), directory());
    let node = serving(config("n1", dir1.path())).await;
    let address = node.peer_address();
    let error = refused(NodeConfig { peer_listen: address, ..config("n2", dir2.path()) }).await;
    assert!(matches!(error, StartError::Listen { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(&address.to_string()) && text.contains("--peer"), "{text}");
    node.stop().await;
}

#[tokio::test]
async fn the_store_of_another_node_is_refused() {
    let (dir1, dir2) = (directory(), directory());
    for dir in [&dir1, &dir2] {
        serving(on_disk("n", dir.path())).await.stop().await;
    }
    fs::remove_dir_all(dir2.path().join("store")).expect("removed");
    copy_tree(&dir1.path().join("store"), &dir2.path().join("store"));
    let error = refused(on_disk("n", dir2.path())).await;
    assert!(matches!(error, StartError::OtherNodesStore { .. }), "{error}");
}

#[tokio::test]
async fn an_old_copy_of_the_store_is_set_aside_and_an_empty_one_takes_its_place() {
    let dir = directory();
    serving(on_disk("n1", dir.path())).await.stop().await;
    let (store, copy) = (dir.path().join("store"), dir.path().join("copy"));
    copy_tree(&store, &copy);
    serving(on_disk("n1", dir.path())).await.stop().await;
    fs::remove_dir_all(&store).expect("removed");
    fs::rename(&copy, &store).expect("renamed");
    serving(on_disk("n1", dir.path())).await.stop().await;
    let aside = dir.path().join("store.aside-1-0");
    assert!(aside.is_dir(), "nothing of it is deleted");
    serving(on_disk("n1", dir.path())).await.stop().await;
}

#[tokio::test]
async fn a_damaged_identity_is_named() {
    let dir = directory();
    serving(config("n1", dir.path())).await.stop().await;
    for name in ["cluster", "node"] {
        let file = dir.path().join("identity").join(name);
        let mut bytes = fs::read(&file).expect("readable");
        *bytes.last_mut().expect("not empty") ^= 1;
        fs::write(&file, &bytes).expect("written");
        let error = refused(config("n1", dir.path())).await;
        assert!(
            matches!(&error, StartError::DamagedIdentity { path, .. } if *path == file),
            "{error}"
        );
        *bytes.last_mut().expect("not empty") ^= 1;
        fs::write(&file, &bytes).expect("written");
    }
    serving(config("n1", dir.path())).await.stop().await;
}

#[tokio::test]
async fn a_path_that_is_a_file_is_refused() {
    let dir = directory();
    let file = dir.path().join("file");
    fs::write(&file, b"not a directory").expect("written");
    for path in [file.clone(), file.join("below")] {
        let error = refused(config("n1", &path)).await;
        assert!(matches!(error, StartError::Unwritable { .. }), "{error}");
        assert!(error.to_string().contains("choose a directory"), "{error}");
    }
}

#[tokio::test]
async fn an_empty_directory_without_a_cluster_to_be_in_is_refused() {
    let dir = directory();
    let error = refused(NodeConfig { found: Founding::No, ..config("n1", dir.path()) }).await;
    assert!(matches!(error, StartError::NoCluster { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("--init") && text.contains("--join"), "{text}");
}

#[tokio::test]
async fn init_on_a_directory_that_has_a_cluster_changes_nothing() {
    let dir = directory();
    let init = || NodeConfig { found: Founding::Init, ..config("n1", dir.path()) };
    let node = serving(init()).await;
    let cluster = node.handle().view().ring.as_ref().expect("a ring").cluster;
    node.stop().await;
    let node = serving(init()).await;
    assert_eq!(node.handle().view().ring.as_ref().expect("a ring").cluster, cluster);
    node.stop().await;
}

#[tokio::test]
async fn impossible_settings_are_refused() {
    let dir = directory();
    let base = || config("n1", dir.path());
    for config in [
        NodeConfig { shards: 0, ..base() },
        NodeConfig { max_requests: 0, ..base() },
        NodeConfig { replicas: 0, ..base() },
        NodeConfig { name: String::new(), ..base() },
    ] {
        assert!(matches!(refused(config).await, StartError::Config(_)));
    }
}
