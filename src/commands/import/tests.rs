use std::cell::Cell;

use super::*;

fn unreachable() -> ClientError {
    ClientError::Unreachable { endpoint: "e".into(), cause: "c".into() }
}

fn doubtful() -> ClientError {
    ClientError::Broken { endpoint: "e".into(), cause: "c".into(), outcome: Outcome::Indeterminate }
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_is_tried_again_and_then_reported() {
    let tried = Cell::new(0);
    let result = retried(|| async {
        tried.set(tried.get() + 1);
        if tried.get() < 3 { Err(unreachable()) } else { Ok(()) }
    });
    assert!(result.await.is_ok());
    assert_eq!(tried.get(), 3);

    tried.set(0);
    let result = retried::<(), _>(|| async {
        tried.set(tried.get() + 1);
        Err(unreachable())
    });
    assert!(result.await.is_err());
    assert_eq!(tried.get(), ATTEMPTS);
}

#[tokio::test(start_paused = true)]
async fn a_write_in_doubt_is_not_sent_twice() {
    let tried = Cell::new(0);
    let result = retried::<(), _>(|| async {
        tried.set(tried.get() + 1);
        Err(doubtful())
    });
    assert_eq!(result.await.err().map(|error| error.outcome), Some(Outcome::Indeterminate));
    assert_eq!(tried.get(), 1);
}

#[test]
fn symbolic_links_are_counted_and_not_followed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir(folder.path().join("a")).expect("writable");
    std::fs::write(folder.path().join("a/b"), b"x").expect("writable");
    std::os::unix::fs::symlink("b", folder.path().join("a/link")).expect("writable");
    std::os::unix::fs::symlink("..", folder.path().join("a/loop")).expect("writable");
    let found = walk(folder.path()).expect("a folder");
    assert_eq!(found.files, [folder.path().join("a/b")]);
    assert_eq!((found.symlinks, found.other, found.failures.len()), (2, 0, 0));
    assert!(walk(&folder.path().join("a/b")).is_err());
}
