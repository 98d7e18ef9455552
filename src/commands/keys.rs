//! `stator keys`: a scan of a bucket, printed as it comes.

use std::os::unix::ffi::OsStrExt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use stator_client::KeysQuery;

use crate::cli::KeysArgs;
use crate::commands::Ended;
use crate::exit::Exit;
use crate::key_format::show;
use crate::output;

/// Lists keys, one a line.
pub(super) async fn run(args: KeysArgs) -> Ended {
    let query = KeysQuery { limit: args.limit, after: args.after, include: args.include };
    let mut keys = args.connection.client().keys(args.bucket.bucket.as_bytes(), query);
    while let Some(entry) = keys.next().await? {
        if args.connection.json {
            output::json(&json!({
                "key": show(&entry.key),
                "key_base64": STANDARD.encode(&entry.key),
                "state": entry.state,
                "cursor": entry.cursor,
            }))?;
        } else {
            output::line(&show(&entry.key))?;
        }
    }
    Ok(Exit::Done)
}
