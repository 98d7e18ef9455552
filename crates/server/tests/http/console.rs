//! The console as a browser without script meets it: what pages say, under which headers, and what
//! forms do. With a real browser: `tests/stator/console.rs`.

use std::time::Duration;

use stator_core::context::SealedContext;
use stator_core::membership::admin::{
    AdminDone, AdminReply, AdminRequest, MemberState, MemberStatus,
};
use stator_core::membership::facts::{Addresses, StagedChange};
use stator_core::object::Content;
use stator_core::quorum::Level;
use stator_core::request::{ClientReply, Done, Operation, PutOrder};
use stator_core::ring::{RingVersion, Weight};
use stator_server::{ConnectionLimits, HttpConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::{Answer, Door};
use crate::fake::{self, Fake, ME, SEALED, acknowledged, sealed, value};
use crate::replica::copy;

fn members() -> Vec<MemberStatus> {
    vec![MemberStatus {
        id: ME,
        name: "n1".to_owned(),
        zone: "<zone>".to_owned(),
        weight: Weight::DEFAULT,
        addresses: Addresses::default(),
        state: MemberState::Up,
        phi: 0.0,
        share: 1.0,
        ring: RingVersion(1),
        silent_for: None,
    }]
}

fn administered(request: &AdminRequest) -> AdminReply {
    match request {
        AdminRequest::Status => Ok(fake::status(members())),
        AdminRequest::Discard => Ok(AdminDone::Discarded),
        AdminRequest::Stage { .. } => Ok(AdminDone::Staged),
        _ => Err(stator_core::membership::admin::AdminError::NothingStaged),
    }
}

/// A node whose objects all have these versions.
fn having(versions: Vec<Content>) -> std::sync::Arc<Fake> {
    let fake = Fake::administered(administered);
    fake.set_answers(move |operation: &Operation| -> ClientReply {
        match operation {
            Operation::Get { .. } => Ok(Done::Got(fake::found(fake::state(versions.clone())))),
            other => Ok(acknowledged(other)),
        }
    });
    fake
}

const OWN: [(&str, &str); 2] = [("Host", "127.0.0.1:7411"), ("Origin", "http://127.0.0.1:7411")];

async fn send(door: &Door, page: &str, form: &str) -> Answer {
    door.send(&format!("POST /console/{page}"), &OWN, form.as_bytes()).await
}

fn put_order(fake: &Fake) -> PutOrder {
    let last = fake.operations().pop().expect("something was asked");
    let Operation::Put(order) = last else { panic!("{last:?}") };
    order
}

#[tokio::test]
async fn every_page_is_whole_without_script_and_lets_nothing_foreign_in() {
    let fake = having(vec![value(b"milk")]);
    fake.set_own_copy(copy(value(b"milk")));
    let door = Door::open(fake).await;
    for (page, says) in [
        ("", "4 partitions"),
        ("/", "4 partitions"),
        ("?partition=3", "Partition 3"),
        ("?partition=4", "There is no partition 4"),
        ("/nodes", "this node"),
        ("/key", "Bucket"),
        ("/key?bucket=carts&key=alice", "all replicas agree"),
        ("/changes", "Nothing is staged."),
        ("/traffic", "Staleness"),
        ("/traffic?node=n1", "Staleness"),
    ] {
        let answer = door.get(&format!("/console{page}")).await;
        assert_eq!(answer.status, 200, "{page}: {}", answer.text());
        assert!(answer.text().contains(says), "{page} does not say {says}: {}", answer.text());
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
        for inline in [" style=", "<style", "onclick", "javascript:", "http://", "https://"] {
            assert!(!answer.text().contains(inline), "{page} has {inline}");
        }
    }
}

#[tokio::test]
async fn what_users_have_stored_or_ask_for_is_text_and_nothing_else() {
    let hostile = b"<script>alert(1)</script>";
    let fake = having(vec![value(hostile), value(b"\"'><img src=x>")]);
    fake.set_own_copy(copy(value(hostile)));
    let door = Door::open(fake).await;
    let key = "%3Cscript%3E%22'%3E";
    for page in [
        format!("/console/key?bucket={key}&key={key}"),
        format!("/console/key?bucket={key}&key={key}&edit=yes"),
        format!("/console/key?key=x&form={key}"),
        format!("/console/traffic?node={key}"),
        format!("/console/changes?done={key}"),
        format!("/console/key?key=x&acked={key}&primaries=1&fallbacks=1&durable=1"),
        "/console/nodes".to_owned(),
    ] {
        let answer = door.get(&page).await;
        let text = answer.text();
        // Scripts of the console's own name their source.
        for live in ["<script>", "<img", "<zone>"] {
            assert!(!text.contains(live), "{page} has {live}: {text}");
        }
    }
    assert!(door.get("/console/nodes").await.text().contains("&lt;zone&gt;"));
}

#[tokio::test]
async fn looking_at_a_key_reads_nothing_by_quorum() {
    let fake = having(vec![value(b"milk")]);
    fake.set_own_copy(copy(value(b"milk")));
    let door = Door::open(fake.clone()).await;
    door.get("/console/key?bucket=carts&key=alice").await;
    first_event(&door, "/console/events/key?bucket=carts&key=alice&edit=yes").await;
    assert!(fake.operations().is_empty(), "it might repair what is looked at");
    let edited = door.get("/console/key?bucket=carts&key=alice&edit=yes").await;
    assert!(edited.text().contains(SEALED), "the form carries the context of what is shown");
    assert!(matches!(fake.operations()[..], [Operation::Get { .. }]));
}

#[tokio::test]
async fn a_put_carries_the_context_that_was_shown_and_what_was_typed() {
    let fake = having(Vec::new());
    let door = Door::open(fake.clone()).await;
    let form = format!(
        "bucket=carts&key=a+b&form=text&context={SEALED}&action=put&w=all\
         &content_type=text%2Fplain&value=one%0D%0Atwo+%26+three"
    );
    let answer = send(&door, "key", &form).await;
    let place = answer.header("location").expect("where to look").to_owned();
    assert_eq!(answer.status, 303);
    assert_eq!(
        place,
        "/console/key?bucket=carts&key=a+b&acked=3&primaries=2&fallbacks=1&durable=3"
    );
    let order = put_order(&fake);
    assert_eq!(order.key, fake::key("carts", b"a b"));
    assert_eq!((order.context, order.quorum.w), (Some(sealed()), Some(Level::All)));
    let Content::Value(stored) = order.value else { panic!("a value") };
    assert_eq!(stored.bytes, "one\ntwo & three", "line ends as they were typed");
    assert_eq!(stored.metadata.content_type, "text/plain");
    let told = door.get(&place).await;
    assert!(told.text().contains("2 primaries and 1 fallbacks"), "{}", told.text());
}

#[tokio::test]
async fn siblings_are_resolved_by_keeping_one_or_deleting_all() {
    let fake = having(vec![value(b"milk"), value(b"\xff\x00tea")]);
    let door = Door::open(fake.clone()).await;
    let page = door.get("/console/key?bucket=carts&key=alice&edit=yes").await;
    let tags: Vec<&str> = page.text().split("name=\"etag\" value=\"").skip(1).collect();
    let tags: Vec<&str> =
        tags.iter().filter_map(|rest| rest.split_once("\">")).map(|t| t.0).collect();
    assert_eq!(tags.len(), 2, "{}", page.text());
    let tag = tags[1].replace("&quot;", "%22");
    let form = format!("bucket=carts&key=alice&context=AAEC&action=keep&etag={tag}");
    assert_eq!(send(&door, "key", &form).await.status, 303);
    let order = put_order(&fake);
    let shown = SealedContext(vec![0, 1, 2].into());
    assert_eq!(order.context, Some(shown), "of what was shown, not of what is there now");
    assert_eq!(order.value, value(b"\xff\x00tea"), "byte for byte, with its metadata");

    let gone = format!("bucket=carts&key=alice&context={SEALED}&action=keep&etag=%22x%22");
    let answer = send(&door, "key", &gone).await;
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("read the object again"));

    let form = format!("bucket=carts&key=alice&context={SEALED}&action=delete");
    assert_eq!(send(&door, "key", &form).await.status, 303);
    let order = put_order(&fake);
    assert_eq!((order.value, order.context), (Content::Tombstone, Some(sealed())));
}

#[tokio::test]
async fn forms_of_other_pages_are_refused_and_nothing_is_written() {
    let fake = having(Vec::new());
    let door = Door::open(fake.clone()).await;
    let form = b"bucket=carts&key=alice&action=put&value=x";
    let host = ("Host", "127.0.0.1:7411");
    for headers in [
        vec![host],
        vec![host, ("Origin", "null")],
        vec![host, ("Origin", "http://127.0.0.1:8000")],
        vec![host, ("Origin", "http://evil.example")],
        vec![("Host", "evil.example"), ("Origin", "http://evil.example")],
    ] {
        let answer = door.send("POST /console/key", &headers, form).await;
        assert_eq!(
            (answer.status, answer.outcome().as_deref()),
            (403, Some("refused")),
            "{headers:?}"
        );
        let answer = door.send("POST /console/changes", &headers, b"action=discard").await;
        assert_eq!(answer.status, 403);
    }
    assert!(fake.operations().is_empty() && fake.orders().is_empty());
    assert_eq!(send(&door, "changes", "action=discard").await.status, 303);
    assert_eq!(fake.orders(), [AdminRequest::Discard]);
}

#[tokio::test]
async fn a_change_is_staged_as_the_form_says() {
    let fake = having(Vec::new());
    let door = Door::open(fake.clone()).await;
    // The fields that the kind has no use for are there, as a browser sends them.
    let form = format!("action=stage&node={ME}&kind=weight&weight=50&zone=z&with=");
    let answer = send(&door, "changes", &form).await;
    assert_eq!(answer.header("location"), Some("/console/changes?done=staged"));
    let change = StagedChange::Weight(Weight::new(50).expect("a weight"));
    assert_eq!(fake.orders(), [AdminRequest::Stage { node: ME, change }]);
    let bad = send(&door, "changes", &format!("action=stage&node={ME}&kind=weight&weight=")).await;
    assert_eq!(bad.status, 400);
    assert!(bad.text().contains("whole number"), "{}", bad.text());
    assert_eq!(fake.orders().len(), 1);
}

#[tokio::test]
async fn off_loopback_a_form_must_carry_the_token() {
    let config = HttpConfig {
        is_loopback: false,
        admin_token: Some("t0ken".to_owned()),
        ..HttpConfig::default()
    };
    let fake = having(Vec::new());
    let door = Door::with(fake.clone(), config, ConnectionLimits::default()).await;
    let own = [("Host", "n1.example:7411"), ("Origin", "http://n1.example:7411")];
    let discard =
        async |form: &str| door.send("POST /console/changes", &own, form.as_bytes()).await.status;
    assert_eq!(discard("action=discard").await, 401);
    assert_eq!(discard("action=discard&token=wrong").await, 403);
    assert!(fake.orders().is_empty());
    assert_eq!(discard("action=discard&token=t0ken").await, 303);
    assert_eq!(fake.orders(), [AdminRequest::Discard]);
    let page = door.send("GET /console/changes", &own, b"").await;
    assert!(page.text().contains("type=\"password\""), "there is a field for it");
}

#[tokio::test]
async fn assets_have_strong_tags() {
    let door = Door::open(Fake::new()).await;
    for (name, kind) in [
        ("style.css", "text/css"),
        ("console.js", "text/javascript"),
        ("icon.svg", "image/svg+xml"),
    ] {
        let line = format!("GET /console/{name}");
        let whole = door.send(&line, &[], b"").await;
        let tag = whole.header("etag").expect("a tag").to_owned();
        assert!(whole.header("content-type").is_some_and(|told| told.starts_with(kind)), "{name}");
        assert!(tag.starts_with('"') && !whole.body.is_empty());
        let again = door.send(&line, &[("If-None-Match", &tag)], b"").await;
        assert_eq!((again.status, again.body.len()), (304, 0));
        assert_eq!(door.send(&line, &[("If-None-Match", "\"x\"")], b"").await.status, 200);
        assert_eq!(door.post(&format!("/console/{name}"), "").await.status, 405);
    }
}

/// Opens a stream and reads its first event; none if it is no stream.
async fn first_event(door: &Door, path: &str) -> String {
    let mut stream = door.connect().await;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("the door reads");
    let reading = async {
        let mut text = String::new();
        while !text.contains("event: part") || !text.ends_with("\n\n\r\n") {
            let mut piece = [0; 4096];
            let read = stream.read(&mut piece).await.expect("the door answers");
            assert!(read > 0, "the stream ended: {text}");
            text.push_str(&String::from_utf8_lossy(&piece[..read]));
        }
        text
    };
    tokio::time::timeout(Duration::from_secs(30), reading).await.expect("an event in time")
}

#[tokio::test]
async fn a_stream_carries_the_blocks_of_its_page_and_ends_with_the_door() {
    let mut door = Door::open(having(Vec::new())).await;
    let text = first_event(&door, "/console/events/").await;
    assert!(text.contains("text/event-stream"), "{text}");
    assert!(text.contains("event: part\ndata: {\"id\":\"ring\",\"html\":\"<div"), "{text}");
    let mut open = door.connect().await;
    let request = b"GET /console/events/ HTTP/1.1\r\nHost: localhost\r\n\r\n";
    open.write_all(request).await.expect("the door reads");
    open.read_u8().await.expect("the stream has begun");
    drop(door.stop.take());
    let mut rest = Vec::new();
    let ending = async {
        open.read_to_end(&mut rest).await.expect("it ends in good order");
        (&mut door.served).await.expect("it ends").expect("without an error");
    };
    tokio::time::timeout(Duration::from_secs(5), ending).await.expect("streams hold up no end");
    assert!(rest.ends_with(b"0\r\n\r\n"), "the last piece was sent");
}

#[tokio::test]
async fn only_so_many_pages_are_kept_up_to_date() {
    let door = Door::open(having(Vec::new())).await;
    let mut open = Vec::new();
    for _ in 0..64 {
        let mut stream = door.connect().await;
        let request = b"GET /console/events/ HTTP/1.1\r\nHost: localhost\r\n\r\n";
        stream.write_all(request).await.expect("the door reads");
        stream.read_u8().await.expect("the stream has begun");
        open.push(stream);
    }
    let refused = door.get("/console/events/").await;
    assert_eq!((refused.status, refused.slug().as_str()), (503, "overloaded"));
}
