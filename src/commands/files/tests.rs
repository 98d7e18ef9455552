use super::*;

#[test]
fn keys_that_are_no_path_below_the_folder_are_refused() {
    let keys: [&[u8]; 9] =
        [b"/etc/passwd", b"../a", b"a/../../b", b"a/..", b".", b"a//b", b"a/", b"", b"a\0b"];
    for key in keys {
        assert!(path_of(key).is_err(), "{}", key.escape_ascii());
    }
    assert!(path_of(&[b'a'; 256]).is_err());
}

#[test]
fn odd_names_stay_as_they_are() {
    let keys: [&[u8]; 6] = [b"a", b"a/b", b"..a/b..", b"\xff\xfe", b"a b\nc%", b"..."];
    for key in keys {
        let path = path_of(key).expect("a path");
        let folder = Path::new("/folder");
        assert_eq!(key_of(folder, &folder.join(path)).as_deref(), Some(key));
    }
}
