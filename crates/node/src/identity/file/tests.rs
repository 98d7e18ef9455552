use super::*;

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

#[test]
fn what_was_written_is_read() {
    let dir = directory();
    assert!(read(dir.path(), FileKind::Votes).expect("readable").is_none());
    write(dir.path(), FileKind::Votes, b"first").expect("written");
    write(dir.path(), FileKind::Votes, b"second").expect("replaced");
    let found = read(dir.path(), FileKind::Votes).expect("readable");
    assert_eq!(found.as_deref(), Some(&b"second"[..]));
    assert!(!temporary(dir.path(), FileKind::Votes).exists());
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    let dir = directory();
    write(dir.path(), FileKind::Node, b"payload").expect("written");
    let path = dir.path().join(FileKind::Node.name());
    let whole = fs::read(&path).expect("readable");
    for bit in 0..whole.len() * 8 {
        let mut broken = whole.clone();
        broken[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, broken).expect("written");
        assert!(
            matches!(read(dir.path(), FileKind::Node), Err(ReadError::Damaged(_))),
            "bit {bit}"
        );
    }
    for len in 0..whole.len() {
        fs::write(&path, &whole[..len]).expect("written");
        assert!(
            matches!(read(dir.path(), FileKind::Node), Err(ReadError::Damaged(_))),
            "cut {len}"
        );
    }
}

#[test]
fn one_kind_is_not_read_as_another() {
    let dir = directory();
    write(dir.path(), FileKind::Node, b"payload").expect("written");
    let from = dir.path().join(FileKind::Node.name());
    fs::copy(from, dir.path().join(FileKind::Cluster.name())).expect("copied");
    let error = read(dir.path(), FileKind::Cluster).expect_err("not a cluster file");
    assert!(error.to_string().contains("another file of identity/"), "{error}");
}

#[test]
fn a_leftover_of_an_interrupted_write_does_no_harm() {
    let dir = directory();
    write(dir.path(), FileKind::Cluster, b"old").expect("written");
    fs::write(temporary(dir.path(), FileKind::Cluster), b"half").expect("written");
    let found = read(dir.path(), FileKind::Cluster).expect("readable");
    assert_eq!(found.as_deref(), Some(&b"old"[..]));
    write(dir.path(), FileKind::Cluster, b"new").expect("replaced");
    let found = read(dir.path(), FileKind::Cluster).expect("readable");
    assert_eq!(found.as_deref(), Some(&b"new"[..]));
}
