use std::ffi::OsString;
use std::io::Write;

use super::*;

fn read(variables: &[(&str, &str)]) -> Result<SecretSource, Failure> {
    let variables = variables.iter().map(|(name, value)| (OsString::from(name), (*value).into()));
    SecretSource::read(&Layers::read(&ServeArgs::default(), variables).expect("text"))
}

fn file(mode: u32) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(b"the-current-secret\n\nthe-older-secret-1\n").expect("it is writable");
    let permissions = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(file.path(), permissions).expect("it is ours");
    file
}

fn from_file(file: &tempfile::NamedTempFile) -> Result<SecretSource, Failure> {
    read(&[("STATOR_SECRET_FILE", file.path().to_str().expect("a plain path"))])
}

#[test]
fn a_file_gives_the_current_secret_first_and_older_ones_behind() {
    let secret = from_file(&file(0o600)).expect("only its owner can read it");
    assert_eq!(secret.current.as_deref(), Some("the-current-secret"));
    assert_eq!(secret.older, ["the-older-secret-1"]);
}

#[test]
fn a_file_that_others_can_read_is_refused() {
    for mode in [0o640, 0o604, 0o620] {
        let failure = from_file(&file(mode)).err().expect("refused");
        assert!(failure.to_string().contains(&format!("{mode:03o}")), "{failure}");
    }
}

#[test]
fn short_empty_and_doubled_secrets_are_refused() {
    assert!(read(&[("STATOR_SECRET", "short")]).is_err());
    assert!(read(&[("STATOR_SECRET", "  ")]).is_err());
    assert!(read(&[("STATOR_SECRET", "x"), ("STATOR_SECRET_FILE", "y")]).is_err());
    assert!(read(&[("STATOR_SECRET_FILE", "/nonexistent/secret")]).is_err());
    assert!(read(&[]).expect("none is fine").current.is_none());
}

#[test]
fn new_secrets_differ_and_are_long_enough() {
    let (first, second) = (generate().expect("random"), generate().expect("random"));
    assert_ne!(first, second);
    assert_eq!(first.len(), 43);
    assert!(read(&[("STATOR_SECRET", &first)]).is_ok());
}

#[test]
fn the_admin_token_depends_on_the_secret_and_does_not_show_it() {
    let token = admin_token("the-current-secret");
    assert_eq!(token, admin_token("the-current-secret"));
    assert_ne!(token, admin_token("the-older-secret-1"));
    assert_eq!(token.len(), 43);
}
