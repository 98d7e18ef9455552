//! One object: where it lives, what each of its nodes has of it, side by side; and, on demand, what
//! a read finds, with forms to put, merge and delete.
//!
//! Looking must not change what is looked at: nodes are asked for their own copies
//! ([`super::super::replica`]), which repairs nothing. A read by quorum, which may repair, is made
//! only where somebody asks to edit, never by a page that keeps itself up to date.

mod edit;
mod send;
mod side;

use maud::{Markup, html};
use stator_core::object::ObjectKey;

use super::super::front::Front;
use super::super::problem::Problem;
use super::form::{self, Form, KeyForm};
use super::sheet::Sheet;

pub(super) use send::posted;

/// Which object is looked at, if any; whether it is to be edited; and what was just done to it.
pub(super) struct Asked {
    form: Form,
}

impl Asked {
    pub(super) fn read(form: &Form) -> Self {
        Self { form: form.clone() }
    }

    fn key(&self, front: &Front) -> Result<Option<ObjectKey>, Problem> {
        form::object(&self.form, front.config.max_key_bytes)
    }

    /// Names the object and nothing else: what keeps the page up to date reads nothing by quorum.
    pub(super) fn query(&self) -> String {
        let words = ["bucket", "key", "form"].map(|name| (name, self.form.get(name)));
        form::query(&words)
    }
}

pub(super) async fn sheet(front: &Front, asked: &Asked) -> Result<Sheet, Problem> {
    let key = asked.key(front)?;
    let sheet = Sheet::new("Key").still(search(asked));
    let Some(key) = key else { return Ok(sheet.still(nothing_asked(front))) };
    let sheet = sheet.still(done(asked)).live("replicas", side::by_side(front, &key).await?);
    if asked.form.get("edit").is_some() {
        return Ok(sheet.still(edit::forms(front, &key).await?));
    }
    let address = form::key_address(key.bucket().as_bytes(), key.key().as_bytes());
    Ok(sheet.still(html! {
        p class="actions" {
            a class="button strong" href={ (address) "&edit=yes#edit" } { "Read, put, merge or delete" }
            span class="quiet" { "Reading by quorum may repair replicas that are behind." }
        }
    }))
}

fn search(asked: &Asked) -> Markup {
    let form = KeyForm::of(&asked.form).unwrap_or_default();
    html! {
        form class="line" action="/console/key" method="get" {
            span class="field" {
                label for="bucket" { "Bucket" }
                input id="bucket" name="bucket" value=(asked.form.get("bucket").unwrap_or("default")) autocapitalize="none";
            }
            span class="field" {
                label for="key" { "Key" }
                input id="key" name="key" required value=[asked.form.get("key")] autocapitalize="none" autofocus[asked.form.get("key").is_none()];
            }
            span class="field" {
                label for="form" { "as" }
                select id="form" name="form" {
                    option value="text" selected[form == KeyForm::Text] { "text" }
                    option value="hex" selected[form == KeyForm::Hex] { "hex" }
                }
                button { "Locate" }
            }
        }
    }
}

/// The keys that this node was asked for most, to begin with.
fn nothing_asked(front: &Front) -> Markup {
    let top = front.backend.top(8);
    html! {
        p { "Names an object, and shows where it lives and what each of its nodes has of it. It need not exist." }
        @if !top.reads.is_empty() || !top.writes.is_empty() {
            h2 { "Busy here" }
            ul class="plain" {
                @for busy in top.writes.iter().chain(&top.reads).take(12) {
                    @let (_, text) = form::written(&busy.key);
                    li {
                        @if busy.is_cut { (String::from_utf8_lossy(&busy.bucket)) " / " (text) "…" }
                        @else {
                            a href=(form::key_address(&busy.bucket, &busy.key)) {
                                (String::from_utf8_lossy(&busy.bucket)) " / " (text)
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What was just done, as the address says it: numbers alone, whatever somebody writes there.
fn done(asked: &Asked) -> Markup {
    let number = |name: &str| asked.form.get(name).and_then(|text| text.parse::<u8>().ok());
    let [Some(acked), Some(primaries), Some(fallbacks), Some(durable)] =
        ["acked", "primaries", "fallbacks", "durable"].map(number)
    else {
        return html! {};
    };
    html! {
        div class="notice good" role="status" {
            strong { "Acknowledged" }
            p {
                "by " (acked) @if acked == 1 { " node" } @else { " nodes" } ": "
                (primaries) " primaries and " (fallbacks) " fallbacks; " (durable) " have it on disk."
            }
        }
    }
}
