//! `stator export`: a bucket's objects become files, at the path that the key is.
//!
//! Parallel, and resumable: a file whose content has the digest kept beside the object is left
//! alone. Keys that are no path below the folder are named and passed over, as are objects with
//! several values: which of them the file should hold is the application's to say.

use std::fs::Permissions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde::Serialize;
use stator_client::{Client, Fetched, KeyStream, KeysQuery, ObjectName, RequestOptions};

use crate::cli::ExportArgs;
use crate::commands::{Ended, files};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::key_format::show;
use crate::output;

/// What an export did.
#[derive(Default, Serialize)]
struct Totals {
    objects: u64,
    bytes: u64,
    skipped: u64,
    /// Keys listed whose object was gone when it was read.
    gone: u64,
    /// Keys with several values.
    siblings: u64,
    failed: u64,
    seconds: f64,
}

enum Written {
    File(u64),
    Unchanged,
    Gone,
}

enum NotWritten {
    Siblings(usize),
    Failed(String),
}

/// Writes every object of the bucket below the folder.
pub(super) async fn run(args: ExportArgs) -> Ended {
    let started = Instant::now();
    std::fs::create_dir_all(&args.dir).map_err(|error| {
        Failure::new(format!("the folder {} can't be made: {error}", args.dir.display()))
    })?;
    let client = args.connection.client();
    let bucket = Bytes::copy_from_slice(args.bucket.bucket.as_bytes());
    let bar = files::progress_bar(None);
    let keys = listed(client.keys(&bucket, KeysQuery::default()));
    let mut written = std::pin::pin!(
        keys.map(|key| {
            let (client, bucket, dir) = (client.clone(), bucket.clone(), args.dir.clone());
            async move {
                let key = key?;
                let result = tokio::spawn(write(client, bucket, dir, key.clone())).await;
                let result = result.unwrap_or_else(|error| Err(failed(&error)));
                Ok::<_, Failure>((key, result))
            }
        })
        .buffer_unordered(args.jobs.get())
    );
    let mut totals = Totals::default();
    let mut failures = Vec::new();
    while let Some(item) = written.next().await {
        let (key, result) = item?;
        bar.inc(1);
        match result {
            Ok(Written::File(bytes)) => {
                totals.objects += 1;
                totals.bytes += bytes;
            }
            Ok(Written::Unchanged) => totals.skipped += 1,
            Ok(Written::Gone) => totals.gone += 1,
            Err(NotWritten::Siblings(count)) => {
                totals.siblings += 1;
                failures.push((show(&key), format!("it has {count} values: merge them first")));
            }
            Err(NotWritten::Failed(why)) => {
                totals.failed += 1;
                failures.push((show(&key), why));
            }
        }
    }
    bar.finish_and_clear();
    totals.seconds = started.elapsed().as_secs_f64();
    report(&totals, &failures, args.connection.json)
}

fn listed(keys: KeyStream) -> impl futures_util::Stream<Item = Result<Bytes, Failure>> {
    stream::try_unfold(keys, async |mut keys| {
        let next = keys.next().await?;
        Ok(next.map(|entry| (entry.key, keys)))
    })
}

fn failed(error: &impl ToString) -> NotWritten {
    NotWritten::Failed(error.to_string())
}

async fn write(
    client: Client,
    bucket: Bytes,
    dir: PathBuf,
    key: Bytes,
) -> Result<Written, NotWritten> {
    let path = dir.join(files::path_of(&key).map_err(|why| failed(&why))?);
    let name = ObjectName { bucket: &bucket, key: &key };
    if is_unchanged(&client, name, &path).await? {
        return Ok(Written::Unchanged);
    }
    let options = RequestOptions::default();
    let object = match client.get(name, &options).await.map_err(|error| failed(&error))? {
        Fetched::Object(object) => object,
        Fetched::Siblings(siblings) => return Err(NotWritten::Siblings(siblings.siblings.len())),
        Fetched::NotFound { .. } => return Ok(Written::Gone),
    };
    place(&dir, &path, &object.value).await.map_err(NotWritten::Failed)?;
    Ok(Written::File(object.value.len() as u64))
}

/// Only a file that is there already is worth a question to the cluster.
async fn is_unchanged(
    client: &Client,
    name: ObjectName<'_>,
    path: &Path,
) -> Result<bool, NotWritten> {
    let Ok(metadata) = tokio::fs::symlink_metadata(path).await else { return Ok(false) };
    if !metadata.is_file() {
        return Ok(false);
    }
    let Ok(content) = tokio::fs::read(path).await else { return Ok(false) };
    let head = client.head(name, &RequestOptions::default()).await;
    let Fetched::Object(object) = head.map_err(|error| failed(&error))? else { return Ok(false) };
    let digest = files::digest(&content);
    let same = |(name, value): &(String, String)| {
        name.eq_ignore_ascii_case(files::DIGEST_META) && *value == digest
    };
    Ok(object.head.meta.iter().any(same))
}

/// Writes a file whole or not at all: beside its place first, then moved there.
async fn place(dir: &Path, path: &Path, value: &Bytes) -> Result<(), String> {
    let told = |error: std::io::Error, what: &Path| match error.kind() {
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists | ErrorKind::IsADirectory => format!(
            "{} is a file where this key needs a folder, or the other way round",
            show(what.as_os_str().as_bytes())
        ),
        _ => format!("{} can't be written: {error}", show(what.as_os_str().as_bytes())),
    };
    let parent = path.parent().unwrap_or(dir);
    has_no_link(dir, parent).await?;
    tokio::fs::create_dir_all(parent).await.map_err(|error| told(error, parent))?;
    let (folder, target, value) = (parent.to_owned(), path.to_owned(), value.clone());
    let moved = tokio::task::spawn_blocking(move || {
        let mut builder = tempfile::Builder::new();
        // The umask takes away what it takes away from any new file.
        builder.prefix(".stator-").permissions(Permissions::from_mode(0o666));
        let mut beside = builder.tempfile_in(&folder)?;
        beside.write_all(&value)?;
        beside.persist(&target).map(drop).map_err(|error| error.error)
    });
    moved.await.map_err(|error| error.to_string())?.map_err(|error| told(error, path))
}

/// A symbolic link below the folder could lead a key out of it.
async fn has_no_link(dir: &Path, parent: &Path) -> Result<(), String> {
    let Ok(below) = parent.strip_prefix(dir) else { return Ok(()) };
    let mut path = dir.to_owned();
    for component in below.components() {
        path.push(component);
        let Ok(metadata) = tokio::fs::symlink_metadata(&path).await else { return Ok(()) };
        if metadata.is_symlink() {
            let shown = show(path.as_os_str().as_bytes());
            return Err(format!("{shown} is a symbolic link, which may lead out of the folder"));
        }
    }
    Ok(())
}

fn report(totals: &Totals, failures: &[(String, String)], json: bool) -> Ended {
    files::report_failures(failures);
    if json {
        output::json(totals)?;
    } else {
        output::line(&format!(
            "{} objects, {} in {:.1} s; {} skipped as unchanged",
            totals.objects,
            output::size(totals.bytes),
            totals.seconds,
            totals.skipped,
        ))?;
    }
    if failures.is_empty() {
        return Ok(Exit::Done);
    }
    let failure = Failure::new(format!("{} objects were not written as files", failures.len()));
    if totals.failed == 0 {
        let failure = failure.try_next("merge the values of the objects named, and export again");
        return Err(failure.exit_with(Exit::Siblings));
    }
    Err(failure.try_next("see above for why; what was written is skipped the next time"))
}

#[cfg(test)]
mod tests;
