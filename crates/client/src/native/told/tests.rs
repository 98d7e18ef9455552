use bytes::Bytes;
use stator_core::identity::ActorId;
use stator_core::object::ObjectDigest;
use stator_core::request::Answered;
use stator_core::version::Dot;

use super::*;

fn value(bytes: &'static [u8]) -> Content {
    let metadata = Metadata {
        content_type: Bytes::from_static(b"text/x"),
        user: vec![(Bytes::from_static(b"colour"), Bytes::from_static(b"red"))],
        expires_at: None,
    };
    Content::Value(Value { bytes: Bytes::from_static(bytes), metadata })
}

fn got(contents: impl IntoIterator<Item = Content>) -> Got {
    let sibling = |(counter, content)| GotSibling {
        dot: Dot { actor: ActorId::new(10), counter },
        written_at: WallTime::from_millis(784_111_777_000),
        content,
    };
    Got {
        siblings: (1..).zip(contents).map(sibling).collect(),
        context: Some(SealedContext(Bytes::from_static(b"\xff\xfecontext"))),
        digest: ObjectDigest::new([0xd1; 16]),
        answered: Answered::default(),
    }
}

fn context() -> Context {
    Context("__5jb250ZXh0".to_owned())
}

#[test]
fn one_value_is_an_object_as_over_http() {
    let Fetched::Object(object) = fetched(got([value(b"milk")])) else { panic!("one value") };
    assert_eq!(object.value, "milk");
    let head = Head {
        context: Some(context()),
        content_type: Some("text/x".to_owned()),
        etag: Some(format!("\"{}\"", "d1".repeat(16))),
        written_at: Some("Sun, 06 Nov 1994 08:49:37 GMT".to_owned()),
        meta: vec![("colour".to_owned(), "red".to_owned())],
    };
    assert_eq!(object.head, head);
}

#[test]
fn a_value_beside_a_tombstone_is_two_siblings() {
    let found = fetched(got([value(b"milk"), Content::Tombstone]));
    let Fetched::Siblings(Siblings { context: with, siblings }) = found else { panic!("two") };
    assert_eq!(with, Some(context()));
    assert_eq!(siblings[0].value, "milk");
    assert_eq!(siblings[0].etag.as_deref(), Some("\"000000000000000a-1\""));
    assert_eq!(siblings[0].written_at.as_deref(), Some("1994-11-06T08:49:37.000Z"));
    assert!(siblings[1].deleted && siblings[1].content_type.is_none());
}

#[test]
fn tombstones_alone_are_nothing_with_a_context() {
    for tombstones in [1, 2] {
        let found = fetched(got(std::iter::repeat_n(Content::Tombstone, tombstones)));
        assert_eq!(found, Fetched::NotFound { context: Some(context()) });
    }
    let never = Got { context: None, ..got([]) };
    assert_eq!(fetched(never), Fetched::NotFound { context: None });
}

#[test]
fn contexts_are_read_with_padding_and_without() {
    for text in ["_w", "_w=="] {
        assert_eq!(sealed(&Context(text.to_owned())).expect("base64url").0, b"\xff"[..]);
    }
    for text in ["", "!", "a b"] {
        let refused = sealed(&Context(text.to_owned())).expect_err("no context");
        assert!(refused.to_string().contains("context-invalid"), "{refused}");
    }
}

#[test]
fn metadata_is_stored_as_http_would_store_it() {
    let object = NewObject {
        meta: vec![
            ("Size".to_owned(), "large".to_owned()),
            ("colour".to_owned(), "red".to_owned()),
            ("COLOUR".to_owned(), "blue".to_owned()),
        ],
        ..NewObject::default()
    };
    let Ok(Content::Value(value)) = content(&object) else { panic!("it can be stored") };
    let user: Vec<_> =
        value.metadata.user.iter().map(|(name, text)| (&name[..], &text[..])).collect();
    assert_eq!(user, [(&b"colour"[..], &b"red, blue"[..]), (b"size", b"large")]);
    for (name, text) in [("no name", "x"), ("", "x"), ("name", "two\nlines")] {
        let meta = vec![(name.to_owned(), text.to_owned())];
        let refused = content(&NewObject { meta, ..NewObject::default() });
        assert!(matches!(refused, Err(ClientError::Invalid(_))), "{name:?}: {refused:?}");
    }
}

#[test]
fn deadlines_and_times_to_live_are_checked_as_over_http() {
    let options = |timeout| RequestOptions { timeout, ..RequestOptions::default() };
    assert_eq!(timeout(&options(None)).expect("the usual"), SERVER_TIMEOUT);
    for wrong in [Duration::ZERO, Duration::from_millis(10_001)] {
        let refused = timeout(&options(Some(wrong))).expect_err("out of bounds");
        assert!(refused.to_string().contains("1 to 10000"), "{refused}");
    }
    let lives = |ttl| ttl_of(Duration::from_millis(ttl));
    assert_eq!(lives(1999).expect("whole seconds"), Some(Duration::from_secs(1)));
    assert!(lives(999).is_err());
}

fn ttl_of(ttl: Duration) -> Result<Option<Duration>, ClientError> {
    super::ttl(&NewObject { ttl: Some(ttl), ..NewObject::default() })
}
