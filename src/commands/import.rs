//! `stator import`: a folder's files become objects, one each, with the relative path as key.
//!
//! Parallel, and resumable: each object keeps the BLAKE3 of its content beside it, and a file
//! whose object has the same is skipped. A changed file is put with the context that was read, so
//! that it takes the old version's place.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde::Serialize;
use stator_client::{
    Client, ClientError, Context, Fetched, NewObject, ObjectName, Outcome, RequestOptions,
};
use walkdir::WalkDir;

use crate::cli::ImportArgs;
use crate::commands::{Ended, files};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::key_format::show;
use crate::output;

/// How often a refused put is tried in all.
const ATTEMPTS: u32 = 6;
/// How long the first wait is; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// What an import did.
#[derive(Default, Serialize)]
struct Totals {
    objects: u64,
    bytes: u64,
    skipped: u64,
    symlinks: u64,
    other_files: u64,
    failed: u64,
    /// Of those failed, puts that may appear later.
    indeterminate: u64,
    seconds: f64,
}

/// What a folder holds.
#[derive(Default)]
struct Found {
    files: Vec<PathBuf>,
    symlinks: u64,
    other: u64,
    failures: Vec<(String, String)>,
}

enum Stored {
    Put(u64),
    Skipped,
}

struct NotStored {
    why: String,
    outcome: Outcome,
}

/// Stores every regular file below the folder.
pub(super) async fn run(args: ImportArgs) -> Ended {
    let started = Instant::now();
    let mut found = walk(&args.path)?;
    let mut totals =
        Totals { symlinks: found.symlinks, other_files: found.other, ..Totals::default() };
    let client = args.connection.client();
    client.ready().await?;
    let bucket = Bytes::copy_from_slice(args.bucket.bucket.as_bytes());
    let bar = files::progress_bar(Some(found.files.len() as u64));
    let mut stored = stream::iter(std::mem::take(&mut found.files))
        .map(|file| {
            let (client, bucket, folder) = (client.clone(), bucket.clone(), args.path.clone());
            async move {
                let result = tokio::spawn(store(client, bucket, folder, file.clone())).await;
                (file, result)
            }
        })
        .buffer_unordered(args.jobs.get());
    while let Some((file, result)) = stored.next().await {
        bar.inc(1);
        let result = result.unwrap_or_else(|error| Err(NotStored::refused(error.to_string())));
        match result {
            Ok(Stored::Put(bytes)) => {
                totals.objects += 1;
                totals.bytes += bytes;
            }
            Ok(Stored::Skipped) => totals.skipped += 1,
            Err(failure) => {
                totals.indeterminate += u64::from(failure.outcome == Outcome::Indeterminate);
                found.failures.push((show(file.as_os_str().as_bytes()), failure.why));
            }
        }
    }
    bar.finish_and_clear();
    totals.failed = found.failures.len() as u64;
    totals.seconds = started.elapsed().as_secs_f64();
    report(&totals, &found.failures, args.connection.json)
}

fn walk(folder: &Path) -> Result<Found, Failure> {
    if !folder.is_dir() {
        return Err(Failure::usage(format!("{} is no folder", folder.display())));
    }
    let mut found = Found::default();
    // The folder itself may be a symbolic link; what lies below is not followed.
    for entry in WalkDir::new(folder).min_depth(1) {
        match entry {
            Ok(entry) if entry.file_type().is_file() => found.files.push(entry.into_path()),
            Ok(entry) if entry.file_type().is_symlink() => found.symlinks += 1,
            Ok(entry) if entry.file_type().is_dir() => {}
            Ok(_) => found.other += 1,
            Err(error) => {
                let path = error.path().unwrap_or(folder).as_os_str().as_bytes();
                found.failures.push((show(path), error.to_string()));
            }
        }
    }
    Ok(found)
}

async fn store(
    client: Client,
    bucket: Bytes,
    folder: PathBuf,
    file: PathBuf,
) -> Result<Stored, NotStored> {
    let content = tokio::fs::read(&file)
        .await
        .map_err(|error| NotStored::refused(format!("can't be read: {error}")))?;
    let key = files::key_of(&folder, &file)
        .ok_or_else(|| NotStored::refused("lies outside of the folder".to_owned()))?;
    let name = ObjectName { bucket: &bucket, key: &key };
    let digest = files::digest(&content);
    let Some(context) = covered(&client, name, &digest).await? else { return Ok(Stored::Skipped) };
    let bytes = content.len() as u64;
    let object = NewObject {
        value: content.into(),
        meta: vec![(files::DIGEST_META.to_owned(), digest)],
        ..NewObject::default()
    };
    let options = RequestOptions::default();
    retried(|| client.put(name, object.clone(), context.as_ref(), &options)).await?;
    Ok(Stored::Put(bytes))
}

/// The context that a put must send back; none if the object is there already as it should be.
async fn covered(
    client: &Client,
    name: ObjectName<'_>,
    digest: &str,
) -> Result<Option<Option<Context>>, NotStored> {
    let options = RequestOptions::default();
    match retried(|| client.head(name, &options)).await? {
        Fetched::Object(object) => {
            let same = |(name, value): &(String, String)| {
                name.eq_ignore_ascii_case(files::DIGEST_META) && value == digest
            };
            Ok((!object.head.meta.iter().any(same)).then_some(object.head.context))
        }
        Fetched::Siblings(siblings) => Ok(Some(siblings.context)),
        Fetched::NotFound { context } => Ok(Some(context)),
    }
}

/// Tries again what was refused for the moment; what is in doubt is never tried twice.
async fn retried<T, Attempt>(mut attempt: impl FnMut() -> Attempt) -> Result<T, NotStored>
where
    Attempt: Future<Output = Result<T, ClientError>>,
{
    let mut wait = FIRST_WAIT;
    for _ in 1..ATTEMPTS {
        match attempt().await {
            Err(error) if error.is_retryable() => {
                tokio::time::sleep(wait).await;
                wait *= 2;
            }
            result => return result.map_err(NotStored::from),
        }
    }
    attempt().await.map_err(NotStored::from)
}

impl NotStored {
    fn refused(why: String) -> Self {
        Self { why, outcome: Outcome::Refused }
    }
}

impl From<ClientError> for NotStored {
    fn from(error: ClientError) -> Self {
        Self { why: error.to_string(), outcome: error.outcome() }
    }
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
        if totals.symlinks > 0 {
            output::line(&format!("{} symbolic links were not followed", totals.symlinks))?;
        }
        if totals.other_files > 0 {
            output::line(&format!("{} were neither files nor folders", totals.other_files))?;
        }
    }
    if failures.is_empty() {
        return Ok(Exit::Done);
    }
    let failure = Failure::new(format!("{} files were not stored", failures.len()));
    let failure = failure.try_next("run the same import again: what is there is skipped");
    let in_doubt = totals.indeterminate > 0 && totals.indeterminate == totals.failed;
    Err(if in_doubt { failure.exit_with(Exit::Indeterminate) } else { failure })
}

#[cfg(test)]
mod tests;
