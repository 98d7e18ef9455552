//! What a read by quorum finds of an object, and the forms to change it: each carries the context of
//! that read, so that only what was shown is replaced.

use maud::{Markup, PreEscaped, html};
use stator_core::object::{ObjectKey, Sibling};
use stator_core::quorum::QuorumOptions;
use stator_core::request::{Done, GetReply, Operation};
use stator_core::time::WallTime;

use super::super::super::front::Front;
use super::super::super::kv::headers;
use super::super::super::problem::{Intent, Problem};
use super::super::super::when;
use super::super::form;
use super::super::show;
use crate::backend::DEFAULT_TIMEOUT;
use crate::{clock, context};

/// Reads an object as anybody does who says nothing of quorums.
pub(super) async fn read(front: &Front, key: &ObjectKey) -> Result<GetReply, Problem> {
    let get = Operation::Get { key: key.clone(), quorum: QuorumOptions::default() };
    match front.ask(get, DEFAULT_TIMEOUT, Intent::Read).await? {
        Done::Got(reply) => Ok(reply),
        _ => Err(Problem::mismatched(Intent::Read)),
    }
}

pub(super) async fn forms(front: &Front, key: &ObjectKey) -> Result<Markup, Problem> {
    let found = read(front, key).await?;
    let at = clock::now();
    let live: Vec<&Sibling> =
        found.state.siblings().iter().filter(|sibling| sibling.live(at).is_some()).collect();
    let names = Names {
        bucket: String::from_utf8_lossy(key.bucket().as_bytes()).into_owned(),
        key: form::written(key.key().as_bytes()),
        context: found.context.as_ref().map(context::text),
    };
    let answered = found.answered;
    Ok(html! {
        section id="edit" class="panel" {
            h2 { "As a read finds it" }
            p class="quiet" {
                (answered.primaries) " primaries and " (answered.fallbacks) " fallbacks answered. What is sent \
                 from here replaces what is shown here and nothing else."
            }
            @if found.state.is_unwritten() { p { "It was never written." } }
            @else if live.is_empty() { p { "It was deleted, or has expired." } }
            @else if live.len() > 1 {
                p class="warn" { (live.len()) " siblings: keep one of them, or put what they are together." }
            }
            @for sibling in &live { (version(&names, sibling, at, live.len() > 1)) }
            (put(&names, &live, at))
            @if !found.state.is_unwritten() && !live.is_empty() {
                form class="line" action="/console/key" method="post" {
                    (names.hidden()) button name="action" value="delete" class="danger" { "Delete it" }
                    span class="quiet" { "leaves a tombstone that covers what is shown" }
                }
            }
        }
    })
}

/// What all forms carry.
struct Names {
    bucket: String,
    key: (form::KeyForm, String),
    context: Option<String>,
}

impl Names {
    fn hidden(&self) -> Markup {
        html! {
            input type="hidden" name="bucket" value=(self.bucket);
            input type="hidden" name="key" value=(self.key.1);
            input type="hidden" name="form" value=(self.key.0.name());
            @if let Some(context) = &self.context { input type="hidden" name="context" value=(context); }
        }
    }
}

fn version(names: &Names, sibling: &Sibling, at: WallTime, one_of_several: bool) -> Markup {
    let Some(value) = sibling.live(at) else { return html! {} };
    let kind = String::from_utf8_lossy(&value.metadata.content_type);
    html! {
        div class="version" {
            (show::value(&value.bytes, value.bytes.len()))
            p class="quiet" {
                (show::bytes(value.bytes.len() as u64)) " " (kind) ", written " (when::rfc3339(sibling.stamp.wall()))
            }
            @if one_of_several {
                form class="line" action="/console/key" method="post" {
                    (names.hidden())
                    input type="hidden" name="etag" value=(headers::sibling_etag(sibling));
                    button name="action" value="keep" { "Keep this one" }
                }
            }
        }
    }
}

fn put(names: &Names, live: &[&Sibling], at: WallTime) -> Markup {
    let values: Vec<_> = live.iter().filter_map(|sibling| sibling.live(at)).collect();
    let texts: Vec<Option<&str>> =
        values.iter().map(|value| show::editable(&value.bytes)).collect();
    let united = united(&texts);
    let first = || texts.first().copied().flatten().map(str::to_owned);
    let text = united.clone().or_else(first).unwrap_or_default();
    let kind = values.first().map(|value| String::from_utf8_lossy(&value.metadata.content_type));
    let kind = kind.filter(|kind| !kind.is_empty()).unwrap_or("text/plain; charset=utf-8".into());
    html! {
        form class="put" action="/console/key" method="post" {
            (names.hidden())
            label for="value" {
                @if live.len() > 1 { "Put in place of all siblings" }
                @else if live.is_empty() { "Put a value" }
                @else { "Put in place of it" }
            }
            @if united.is_some() { p class="quiet" { "Filled in with all that the siblings’ lists hold." } }
            @else if texts.iter().any(Option::is_none) {
                p class="quiet" { "What is there can’t be edited as text; what you write takes its place." }
            }
            // A browser takes the first line end of a field away.
            textarea id="value" name="value" rows="5" spellcheck="false" { (PreEscaped("\n")) (text) }
            div class="line" {
                span class="field" {
                    label for="content_type" { "Content-Type" }
                    input id="content_type" name="content_type" value=(kind);
                }
                span class="field" {
                    label for="w" { "W" }
                    select id="w" name="w" {
                        option value="" { "as the bucket says" }
                        option value="1" { "1" } option value="quorum" { "quorum" } option value="all" { "all" }
                    }
                }
                button class="strong" name="action" value="put" { "Put" }
            }
        }
    }
}

/// What several lists hold together, each element once; none if not all are lists.
fn united(texts: &[Option<&str>]) -> Option<String> {
    if texts.len() < 2 {
        return None;
    }
    let mut all: Vec<serde_json::Value> = Vec::new();
    for text in texts {
        let list: Vec<serde_json::Value> = serde_json::from_str((*text)?).ok()?;
        for element in list {
            if !all.contains(&element) {
                all.push(element);
            }
        }
    }
    serde_json::to_string(&all).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_united_and_nothing_else_is() {
        let lists = [Some("[\"milk\",\"eggs\"]"), Some("[\"milk\", \"tea\"]")];
        assert_eq!(united(&lists).as_deref(), Some("[\"milk\",\"eggs\",\"tea\"]"));
        assert_eq!(united(&lists[..1]), None, "there is nothing to unite");
        assert_eq!(united(&[lists[0], Some("tea")]), None);
        assert_eq!(united(&[lists[0], None]), None);
    }
}
