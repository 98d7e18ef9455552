use percent_encoding::percent_decode_str;

use super::*;

#[test]
fn every_byte_value_survives_the_way_to_the_server() {
    let key: Vec<u8> = (0..=255).collect();
    let path = object_path(b"carts", &key);
    let encoded = path.strip_prefix("/v1/kv/carts/").expect("the path begins so");
    assert!(encoded.bytes().all(|byte| byte.is_ascii_graphic()));
    assert_eq!(percent_decode_str(encoded).collect::<Vec<u8>>(), key);
    assert!(path.parse::<http::uri::PathAndQuery>().is_ok());
}

#[test]
fn dots_and_slashes_of_a_key_are_no_segments() {
    assert_eq!(object_path(b"b", b"../a//b"), "/v1/kv/b/..%2Fa%2F%2Fb");
    assert_eq!(object_path(b"a/b", b"100%"), "/v1/kv/a%2Fb/100%25");
}

#[test]
fn a_query_holds_only_what_has_a_value() {
    let query = Query::default().with("r", None).with("w", Some("2".into()));
    assert_eq!(query.with("after", Some("a+b=".into())).after("/p"), "/p?w=2&after=a%2Bb%3D");
    assert_eq!(Query::default().with("r", None).after("/p"), "/p");
}
