//! `stator get`: the value's bytes on stdout, or all siblings and status 5.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use stator_client::{Context, Fetched, Object, ObjectName, Sibling, Siblings};

use crate::cli::GetArgs;
use crate::commands::Ended;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::key_format::show;
use crate::output;

/// Bytes of a sibling that is no text, shown to people.
const SHOWN: usize = 64;

/// Prints an object.
pub(super) async fn run(args: GetArgs) -> Ended {
    let (bucket, key) = args.object.name()?;
    let name = ObjectName { bucket: &bucket, key: &key };
    let fetched = args.connection.ring_client()?.get(name, &args.read.options()).await?;
    let shown = format!("{}/{}", show(&bucket), show(&key));
    if args.connection.json {
        return print_json(&fetched);
    }
    match fetched {
        Fetched::Object(object) => {
            output::bytes(&object.value)?;
            Ok(Exit::Done)
        }
        Fetched::Siblings(siblings) => {
            output::line(&readable(&shown, &siblings))?;
            Err(unmerged(&shown))
        }
        Fetched::NotFound { context } => {
            let what = if context.is_some() { "was deleted" } else { "was never written" };
            let failure = Failure::new(format!("{shown} is not there: it {what}"));
            Err(failure.try_next("list the bucket with `stator keys`").exit_with(Exit::NotFound))
        }
    }
}

fn unmerged(shown: &str) -> Failure {
    Failure::new(format!("{shown} has several values, none of which is newer than the others"))
        .try_next("merge them, and put the result with --context and the context above")
        .exit_with(Exit::Siblings)
}

/// One shape for one value, several and none: the one in which the server tells siblings.
fn print_json(fetched: &Fetched) -> Ended {
    let (document, exit) = match fetched {
        Fetched::Object(object) => {
            (document(object.head.context.as_ref(), vec![of_object(object)]), Exit::Done)
        }
        Fetched::Siblings(siblings) => {
            let values = siblings.siblings.iter().map(of_sibling).collect();
            (document(siblings.context.as_ref(), values), Exit::Siblings)
        }
        Fetched::NotFound { context } => (document(context.as_ref(), Vec::new()), Exit::NotFound),
    };
    output::json(&document)?;
    Ok(exit)
}

fn document(context: Option<&Context>, siblings: Vec<Value>) -> Value {
    json!({ "context": context, "siblings": siblings })
}

fn of_object(object: &Object) -> Value {
    let meta: serde_json::Map<_, _> =
        object.head.meta.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({
        "value": STANDARD.encode(&object.value),
        "content_type": object.head.content_type,
        "etag": object.head.etag,
        "written_at": object.head.written_at,
        "deleted": false,
        "meta": meta,
    })
}

fn of_sibling(sibling: &Sibling) -> Value {
    json!({
        "value": STANDARD.encode(&sibling.value),
        "content_type": sibling.content_type,
        "etag": sibling.etag,
        "written_at": sibling.written_at,
        "deleted": sibling.deleted,
        "meta": sibling.meta,
    })
}

fn readable(shown: &str, siblings: &Siblings) -> String {
    let mut text = format!("{} siblings of {shown}\n", siblings.siblings.len());
    for (number, sibling) in (1..).zip(&siblings.siblings) {
        let at = sibling.written_at.as_deref().unwrap_or("at an unknown time");
        if sibling.deleted {
            let _ = writeln!(text, "--- {number}: deleted, {at}");
            continue;
        }
        let kind = sibling.content_type.as_deref().unwrap_or("no type");
        let size = output::size(sibling.value.len() as u64);
        let _ = writeln!(text, "--- {number}: {size}, {kind}, {at}\n{}", preview(&sibling.value));
    }
    let context = siblings.context.as_ref().map_or("none", |context| &context.0);
    let _ = write!(text, "--- context: {context}");
    text
}

/// Text as it is; other bytes escaped, and only the first of them.
fn preview(value: &[u8]) -> String {
    let plain = |text: &&str| !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'));
    match std::str::from_utf8(value).ok().filter(plain) {
        Some(text) => text.to_owned(),
        None if value.len() > SHOWN => format!("{}…", value[..SHOWN].escape_ascii()),
        None => value.escape_ascii().to_string(),
    }
}

#[cfg(test)]
mod tests;
