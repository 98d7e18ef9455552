use super::*;

async fn placed(dir: &Path, key: &[u8], value: &'static [u8]) -> Result<(), String> {
    let path = dir.join(files::path_of(key).expect("a path"));
    place(dir, &path, &Bytes::from_static(value)).await
}

#[tokio::test]
async fn files_are_placed_whole_and_take_the_place_of_older_ones() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    placed(dir.path(), b"a/b/c", b"one").await.expect("written");
    placed(dir.path(), b"a/b/c", b"two").await.expect("written over");
    assert_eq!(std::fs::read(dir.path().join("a/b/c")).expect("there"), b"two");
    let names = std::fs::read_dir(dir.path().join("a/b")).expect("there").count();
    assert_eq!(names, 1, "nothing is left beside it");
}

#[tokio::test]
async fn a_key_below_another_keys_file_is_named() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    placed(dir.path(), b"a", b"file").await.expect("written");
    let why = placed(dir.path(), b"a/b", b"x").await.expect_err("a is a file");
    assert!(why.contains("needs a folder"), "{why}");
    placed(dir.path(), b"c/d", b"x").await.expect("written");
    let why = placed(dir.path(), b"c", b"x").await.expect_err("c is a folder");
    assert!(why.contains("the other way round"), "{why}");
}

#[tokio::test]
async fn a_link_does_not_lead_a_key_out_of_the_folder() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let outside = tempfile::tempdir().expect("a temporary folder");
    std::os::unix::fs::symlink(outside.path(), dir.path().join("link")).expect("writable");
    let why = placed(dir.path(), b"link/a", b"x").await.expect_err("a link");
    assert!(why.contains("symbolic link"), "{why}");
    assert_eq!(std::fs::read_dir(outside.path()).expect("there").count(), 0);
}
