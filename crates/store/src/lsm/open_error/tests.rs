use super::*;

fn of(kind: io::ErrorKind) -> OpenError {
    OpenError::from_engine(Path::new("/data/store"), fjall::Error::Io(kind.into()))
}

#[test]
fn each_failure_of_the_system_is_named_with_its_remedy() {
    let cases = [
        (io::ErrorKind::PermissionDenied, "check the owner and the permissions"),
        (io::ErrorKind::ReadOnlyFilesystem, "not mounted read-only"),
        (io::ErrorKind::StorageFull, "free some space"),
        (io::ErrorKind::QuotaExceeded, "free some space"),
        (io::ErrorKind::NotADirectory, "is not a directory"),
        (io::ErrorKind::UnexpectedEof, "is damaged"),
        (io::ErrorKind::NotFound, "is damaged"),
        (io::ErrorKind::TimedOut, "did not open"),
    ];
    for (kind, remedy) in cases {
        let text = of(kind).to_string();
        assert!(text.contains(remedy), "{kind:?}: {text}");
        assert!(text.contains("/data/store"), "{kind:?}: {text}");
    }
}

#[test]
fn failures_of_the_engine_are_told_apart() {
    let dir = Path::new("/data/store");
    let of = |error| OpenError::from_engine(dir, error);
    assert!(matches!(of(fjall::Error::Locked), OpenError::InUse { .. }));
    assert!(matches!(of(fjall::Error::InvalidVersion(None)), OpenError::Format { .. }));
    assert!(matches!(of(fjall::Error::Unrecoverable), OpenError::Damaged { .. }));
    let full = fjall::LsmError::Io(io::ErrorKind::StorageFull.into());
    assert!(matches!(of(fjall::Error::Storage(full)), OpenError::DiskFull { .. }));
}
