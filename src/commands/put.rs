//! `stator put`.

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use bytes::Bytes;
use serde_json::json;
use stator_client::{NewObject, ObjectName, Written};

use crate::cli::PutArgs;
use crate::commands::Ended;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::key_format::show;
use crate::output;

/// Stores an object.
pub(super) async fn run(args: PutArgs) -> Ended {
    let (bucket, key) = args.object.name()?;
    let object = NewObject {
        value: value(&args.value)?,
        content_type: args.content_type,
        meta: args.meta,
        ttl: args.ttl,
    };
    let name = ObjectName { bucket: &bucket, key: &key };
    let client = args.connection.ring_client()?;
    let context = args.write.context();
    let written = client.put(name, object, context.as_ref(), &args.write.options()).await?;
    if args.connection.json {
        return print_json(&written);
    }
    output::line(&format!("stored {}/{}: {}", show(&bucket), show(&key), replicas(&written)))?;
    print_context(&written)
}

/// Its own bytes, what stands on stdin, or a file's content.
fn value(argument: &OsStr) -> Result<Bytes, Failure> {
    let given = argument.as_bytes();
    if given == b"-" {
        let mut value = Vec::new();
        std::io::stdin()
            .read_to_end(&mut value)
            .map_err(|error| Failure::new(format!("stdin can't be read: {error}")))?;
        return Ok(value.into());
    }
    let Some(path) = given.strip_prefix(b"@") else { return Ok(Bytes::copy_from_slice(given)) };
    let path = Path::new(OsStr::from_bytes(path));
    let content = std::fs::read(path).map_err(|error| {
        Failure::new(format!("{} can't be read: {error}", path.display()))
            .try_next("give a value that begins with @ on stdin, with - in its place")
    })?;
    Ok(content.into())
}

/// Who has it, for people.
pub(super) fn replicas(written: &Written) -> String {
    let counts = written.replicas;
    format!(
        "{} replicas ({} primaries, {} fallbacks), {} on disk",
        counts.acked, counts.primaries, counts.fallbacks, counts.durable
    )
}

/// What scripts get of a write.
pub(super) fn print_json(written: &Written) -> Ended {
    output::json(&json!({ "context": written.context, "replicas": written.replicas }))?;
    Ok(Exit::Done)
}

/// The context that covers what was written.
pub(super) fn print_context(written: &Written) -> Ended {
    if let Some(context) = &written.context {
        output::line(&format!("context {}", context.0))?;
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests;
