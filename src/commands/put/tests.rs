use std::io::Write;

use super::*;

#[test]
fn a_value_is_its_bytes_or_a_files() {
    assert_eq!(value(OsStr::new("@")).err().map(|_| ()), Some(()));
    assert_eq!(value(OsStr::new("")).expect("empty is a value"), Bytes::new());
    assert_eq!(value(OsStr::new("a@b")).expect("text"), Bytes::from("a@b"));
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(b"\x00milk").expect("it is writable");
    let argument = format!("@{}", file.path().display());
    assert_eq!(value(OsStr::new(&argument)).expect("readable"), Bytes::from("\x00milk"));
}
