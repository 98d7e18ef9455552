use stator_core::identity::ActorId;
use stator_core::object::{Content, Metadata};
use stator_core::time::Stamp;
use stator_core::version::Dot;

use super::*;

fn sibling(bytes: &[u8]) -> Sibling {
    let value = Value { bytes: Bytes::copy_from_slice(bytes), metadata: Metadata::default() };
    let dot = Dot { actor: ActorId::new(1), counter: 1 };
    Sibling { dot, stamp: Stamp::default(), content: Content::Value(value) }
}

#[test]
fn a_boundary_occurs_in_no_value() {
    let digest = ObjectDigest::new([7; 16]);
    let first = boundary(&[sibling(b"innocent")], &digest);
    let second = boundary(&[sibling(b"innocent"), sibling(first.as_bytes())], &digest);
    let both = [sibling(second.as_bytes()), sibling(format!("x{first}y").as_bytes())];
    let third = boundary(&both, &digest);
    assert!(first != second && third != first && third != second);
}

#[test]
fn a_boundary_is_one_that_mime_allows() {
    let boundary = boundary(&[], &ObjectDigest::new([255; 16]));
    assert!(boundary.len() <= 70, "RFC 2046 allows 70 characters");
    assert!(boundary.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
}

#[test]
fn header_names_are_written_as_people_write_them() {
    for (name, shown) in [("etag", "ETag"), ("content-type", "Content-Type"), ("x", "X")] {
        let name = HeaderName::from_static(name);
        assert_eq!(written_out(&name), shown);
    }
}
