//! Objects that are there before anything is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use futures_util::{StreamExt, TryStreamExt, stream};
use stator_client::{ClientError, Fetched, NewObject, ObjectName, RequestOptions};

use crate::Failed;
use crate::doors::Doors;
use crate::report::Report;
use crate::values::Values;

/// Puts under way at a time.
const AT_ONCE: u64 = 64;
/// How often a put is tried again.
const TRIES: u32 = 40;
/// How long after a put that was not acknowledged it is tried again.
const AGAIN: Duration = Duration::from_millis(100);
/// How often it is told how far it is.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// The bucket that is filled.
pub(crate) const BUCKET: &[u8] = b"measured";

/// The key of an object.
pub(crate) fn key(number: u64) -> String {
    format!("object/{number:09}")
}

/// Stores each of `count` objects, with the value of its number, and says so.
pub(crate) async fn fill(
    report: &mut Report,
    doors: &Arc<Doors>,
    count: u64,
    values: Values,
) -> Result<(), Failed> {
    let begun = Instant::now();
    report.progress(&format!("storing {count} objects of {} bytes", values.len()));
    let (next, again) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let told = {
        let next = Arc::clone(&next);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(TOLD_EVERY).await;
                eprintln!("            {} of {count}", next.load(Ordering::Relaxed).min(count));
            }
        })
    };
    let workers = (0..AT_ONCE).map(|_| {
        let (doors, next, again) = (Arc::clone(doors), Arc::clone(&next), Arc::clone(&again));
        tokio::spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok(());
                }
                let tries = put(&doors, number, values).await?;
                again.fetch_add(u64::from(tries), Ordering::Relaxed);
            }
        })
    });
    let ended = try_join_all(workers).await;
    told.abort();
    ended?.into_iter().collect::<Result<(), ClientError>>()?;
    report.count("objects", count);
    report.count("value_bytes", values.len() as u64);
    report.seconds("loading", begun.elapsed());
    report.count("loading_puts_tried_again", again.load(Ordering::Relaxed));
    Ok(())
}

/// What reading the stored objects back came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReadBack {
    pub(crate) missing: u64,
    /// Objects with a value that is not as it was written, byte for byte. A put that was tried again
    /// may have left the same value twice.
    pub(crate) wrong: u64,
}

/// Reads each of `count` objects through the next door.
pub(crate) async fn read_back(
    doors: &Arc<Doors>,
    count: u64,
    values: Values,
) -> Result<ReadBack, ClientError> {
    stream::iter(0..count)
        .map(async |number| {
            let key = key(number);
            let name = ObjectName { bucket: BUCKET, key: key.as_bytes() };
            let found = match doors.get(name, &RequestOptions::default()).await? {
                Fetched::NotFound { .. } => return Ok(ReadBack { missing: 1, wrong: 0 }),
                Fetched::Object(object) => vec![object.value],
                Fetched::Siblings(all) => {
                    all.siblings.into_iter().map(|sibling| sibling.value).collect()
                }
            };
            let is_right = found.iter().all(|value| values.number(value) == Some(number));
            Ok(ReadBack { missing: 0, wrong: u64::from(!is_right) })
        })
        .buffer_unordered(AT_ONCE as usize)
        .try_fold(ReadBack::default(), async |sum, one| {
            Ok(ReadBack { missing: sum.missing + one.missing, wrong: sum.wrong + one.wrong })
        })
        .await
}

/// Stores an object, and says how often it had to be tried again.
async fn put(doors: &Doors, number: u64, values: Values) -> Result<u32, ClientError> {
    let (key, options) = (key(number), RequestOptions::default());
    let name = ObjectName { bucket: BUCKET, key: key.as_bytes() };
    let object = NewObject { value: values.of(number), ..NewObject::default() };
    for tries in 0.. {
        match doors.put(name, &object, None, &options).await {
            Ok(_) => return Ok(tries),
            Err(error) if tries >= TRIES => return Err(error),
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    }
    Ok(TRIES)
}
