//! `stator bucket`: properties shown and set.

use std::os::unix::ffi::OsStrExt;

use serde_json::Value;
use stator_client::{BucketDocument, BucketSettings};

use crate::cli::BucketCommand;
use crate::commands::Ended;
use crate::exit::Exit;
use crate::output;

/// Shows or sets a bucket's properties.
pub(super) async fn run(command: BucketCommand) -> Ended {
    let (document, json) = match command {
        BucketCommand::Get { bucket, connection } => {
            (connection.client().bucket(bucket.bucket.as_bytes()).await?, connection.json)
        }
        BucketCommand::Set { bucket, settings, connection } => {
            let name = bucket.bucket.as_bytes();
            let settings: BucketSettings =
                settings.into_iter().map(|(name, text)| (name, value(&text))).collect();
            let client = connection.administrator()?;
            let document = match client.set_bucket(name, &settings).await? {
                Some(document) => document,
                None => client.bucket(name).await?,
            };
            (document, connection.json)
        }
    };
    if json {
        output::json(&document)?;
    } else {
        print(&document)?;
    }
    Ok(Exit::Done)
}

/// A property's value as JSON: `null` for none, a number, or a word.
fn value(text: &str) -> Value {
    match text {
        "none" | "null" => Value::Null,
        _ => text.parse::<u64>().map_or_else(|_| Value::from(text), Value::from),
    }
}

fn print(document: &BucketDocument) -> Result<(), crate::failure::Failure> {
    let mut table = output::table(["property", "value"]);
    for (name, value) in document {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Null => "none".to_owned(),
            other => other.to_string(),
        };
        table.add_row([name.clone(), value]);
    }
    output::print_table(&table)
}

#[cfg(test)]
mod tests;
