use super::*;
use crate::http::problem::Intent;

fn object(raw: &[u8]) -> ObjectKey {
    match named(raw, Key::MAX_LEN) {
        Ok(Named::Object(key)) => key,
        other => panic!("{raw:?} names {other:?}"),
    }
}

#[test]
fn every_byte_can_be_escaped_and_is_decoded_once() {
    let raw = (0..=255).map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
    let all: Vec<u8> = (0..=255).collect();
    assert_eq!(decode(raw.as_bytes()).unwrap(), all);
    assert_eq!(decode(raw.to_uppercase().as_bytes()).unwrap(), all);
    assert_eq!(decode(b"%2525+%2B").unwrap(), &b"%25++"[..]);
}

#[test]
fn what_is_no_escape_is_refused() {
    for raw in ["%", "%4", "%zz", "%4g", "a%", "%%41", "%+1", "% 1"] {
        let problem = decode(raw.as_bytes()).expect_err(raw);
        let name = problem.document(Intent::Read).r#type;
        assert!(name.ends_with("path-malformed"), "{name}");
    }
}

#[test]
fn slashes_after_the_first_belong_to_the_key() {
    for (raw, bucket, key) in [
        ("b/k", "b", "k"),
        ("b//k", "b", "/k"),
        ("b/k/", "b", "k/"),
        ("b/a/../b/./c//", "b", "a/../b/./c//"),
        ("b%2Fc/k", "b/c", "k"),
        ("b/%2F", "b", "/"),
    ] {
        let named = object(raw.as_bytes());
        assert_eq!(named.bucket().as_bytes(), bucket.as_bytes(), "{raw}");
        assert_eq!(named.key().as_bytes(), key.as_bytes(), "{raw}");
    }
}

#[test]
fn without_a_slash_a_bucket_is_named_and_empty_names_are_refused() {
    assert!(matches!(named(b"b", 9), Ok(Named::Bucket(bucket)) if bucket.as_bytes() == "b"));
    for (raw, slug) in [("", "bucket-empty"), ("/k", "bucket-empty"), ("b/", "key-empty")] {
        let problem = named(raw.as_bytes(), 9).expect_err(raw);
        let name = problem.document(Intent::Read).r#type;
        assert!(name.contains(slug), "{raw}: {name}");
    }
}

#[test]
fn the_limit_on_keys_counts_decoded_bytes_and_is_inclusive() {
    assert!(named(b"b/%41%42%43", 3).is_ok());
    assert!(named(b"b/%41%42%43D", 3).is_err());
    let longest = [b"b/".to_vec(), vec![b'k'; Key::MAX_LEN]].concat();
    assert!(named(&longest, usize::MAX).is_ok());
    assert!(named(&[longest, vec![b'k']].concat(), usize::MAX).is_err());
}

#[test]
fn an_over_long_target_is_read_from_where_it_was_put_aside() {
    let mut request = Request::builder().uri("/v1/kv/b/kk").body(()).expect("a request");
    let whole = Bytes::from_static(b"/v1/kv/b/kkkk?w=1?2");
    request.extensions_mut().insert(LongTarget(whole));
    let target = Target::of(&request);
    assert_eq!(target, Target { path: b"/v1/kv/b/kkkk", query: b"w=1?2" });
    assert_eq!(target.behind("/v1/kv/"), b"b/kkkk");
}
