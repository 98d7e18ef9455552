use super::*;

fn sibling(value: &'static [u8], deleted: bool) -> Sibling {
    Sibling {
        value: value.into(),
        content_type: None,
        etag: None,
        written_at: None,
        deleted,
        meta: std::collections::BTreeMap::new(),
    }
}

#[test]
fn siblings_are_shown_with_their_context_and_without_raw_control_bytes() {
    let siblings = Siblings {
        context: Some(Context("ctx".into())),
        siblings: vec![sibling(b"milk", false), sibling(b"\x1b[2J", false), sibling(b"", true)],
    };
    let text = readable("carts/a", &siblings);
    assert!(text.starts_with("3 siblings of carts/a\n"), "{text}");
    assert!(text.contains("\nmilk\n") && text.contains("\\x1b[2J"), "{text}");
    assert!(text.contains("--- 3: deleted"), "{text}");
    assert!(text.ends_with("--- context: ctx"), "{text}");
    assert!(!text.contains('\x1b'));
}

#[test]
fn long_values_that_are_no_text_are_cut() {
    assert_eq!(preview(&[0; 65]), format!("{}…", "\\x00".repeat(64)));
    assert_eq!(preview("a\tb\nö".as_bytes()), "a\tb\nö");
}
