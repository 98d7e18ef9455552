use bytes::Bytes;

use super::*;
use crate::object::{BucketName, Key, ObjectKey, ObjectState};

fn entry(name: &str) -> ListEntry {
    let key = Key::new(Bytes::copy_from_slice(name.as_bytes())).expect("a key");
    ListEntry {
        position: ListPosition(Bytes::copy_from_slice(name.as_bytes())),
        key: ObjectKey::new(BucketName::new("b".into()).expect("a bucket"), key),
        outline: ObjectState::default(),
    }
}

fn page(names: &[&str], next: Option<&str>) -> ListPage {
    let next = next.map(|next| ListPosition(Bytes::copy_from_slice(next.as_bytes())));
    ListPage { entries: names.iter().map(|name| entry(name)).collect(), next }
}

fn names(page: &ListPage) -> Vec<String> {
    page.entries.iter().map(|entry| entry.key.key().to_string()).collect()
}

/// One replica has got as far as c, the other as far as e: what lies beyond c is left for the next
/// page, since the first may have keys there that the second lacks.
#[test]
fn a_page_ends_where_all_replicas_have_got() {
    let merged = merge_pages(vec![page(&["a", "c"], Some("c")), page(&["b", "e"], Some("e"))], 10);
    assert_eq!(names(&merged), ["a", "b", "c"]);
    assert_eq!(merged.next, Some(ListPosition("c".into())));
}

#[test]
fn pages_that_are_done_end_the_listing() {
    let merged = merge_pages(vec![page(&["a"], None), page(&["a", "b"], None)], 10);
    assert_eq!(names(&merged), ["a", "b"]);
    assert_eq!(merged.next, None);
}

#[test]
fn a_union_above_the_limit_is_cut_where_it_can_go_on() {
    let merged = merge_pages(vec![page(&["a", "c"], None), page(&["b", "d"], None)], 3);
    assert_eq!(names(&merged), ["a", "b", "c"]);
    assert_eq!(merged.next, Some(ListPosition("c".into())));
}
