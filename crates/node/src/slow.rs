//! The slow log: requests that took longer than a threshold, each on one line with where the time
//! went. Bounded in lines a second, and in what a line may hold of a key.

use std::time::Duration;

use stator_core::object::ObjectKey;
use stator_core::time::Instant;

use crate::request_tag::RequestTag;
use crate::shard::Stages;
use crate::sparing::Sparing;
use crate::stats::{Asked, Came, Door};

/// Lines a second at most.
const LINES: u32 = 10;
/// Characters of a key that are shown.
const SHOWN: usize = 100;

/// A node's slow log.
#[derive(Debug)]
pub(crate) struct SlowLog {
    after: Option<Duration>,
    lines: Sparing,
}

/// A request of a front door that has been answered.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) door: Door,
    pub(crate) asked: Asked,
    pub(crate) came: Came,
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    /// None if no shard has answered.
    pub(crate) stages: Option<Stages>,
}

impl SlowLog {
    /// A log of what takes longer than this; of nothing, if there is no threshold.
    pub(crate) fn new(after: Option<Duration>) -> Self {
        Self { after, lines: Sparing::new(LINES) }
    }

    /// Whether a request that took so long belongs in the log.
    pub(crate) fn is_slow(&self, took: Duration) -> bool {
        self.after.is_some_and(|after| took >= after)
    }

    /// Writes a line, if there is room for one.
    pub(crate) fn log(&self, slow: &Finished, subject: Option<&ObjectKey>) {
        let Some(left_out) = self.lines.may_write(std::time::Instant::now()) else { return };
        let tag = RequestTag::current();
        let [queued, at_shard, back] = slow.times().map(|time| time.map(millis));
        tracing::warn!(
            request_id = tag.as_ref().map(RequestTag::as_str),
            door = slow.door.name(),
            operation = slow.asked.name(),
            key = subject.map(shown),
            outcome = slow.came.name(),
            took_ms = millis(slow.ended.since(slow.began)),
            queued_ms = queued,
            at_shard_ms = at_shard,
            back_ms = back,
            left_out,
            "a slow request"
        );
    }
}

impl Finished {
    /// How long it waited for its shard, was under way there, and took to come back.
    fn times(&self) -> [Option<Duration>; 3] {
        let Some(Stages { taken, answered, .. }) = self.stages else { return [None; 3] };
        [taken.since(self.began), answered.since(taken), self.ended.since(answered)].map(Some)
    }
}

fn millis(time: Duration) -> u64 {
    time.as_millis() as u64
}

/// A key's beginning, as text.
pub(crate) fn shown(key: &ObjectKey) -> String {
    let name = key.to_string();
    match name.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{}…", &name[..cut]),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use stator_core::object::{BucketName, Key};

    use super::*;

    fn key(name: &str) -> ObjectKey {
        let bucket = BucketName::new(Bytes::from_static(b"carts")).expect("a bucket");
        ObjectKey::new(bucket, Key::new(Bytes::copy_from_slice(name.as_bytes())).expect("a key"))
    }

    #[test]
    fn the_threshold_decides_and_without_one_nothing_is_slow() {
        let log = SlowLog::new(Some(Duration::from_millis(500)));
        assert!(
            log.is_slow(Duration::from_millis(500)) && !log.is_slow(Duration::from_millis(499))
        );
        let off = SlowLog::new(None);
        assert!(!off.is_slow(Duration::MAX));
    }

    #[test]
    fn the_stages_add_up_to_the_whole() {
        let at = |millis| Instant::default().after(Duration::from_millis(millis));
        let slow = Finished {
            door: Door::Http,
            asked: Asked::Get,
            came: Came::Done,
            began: at(10),
            ended: at(1_000),
            stages: Some(Stages { taken: at(15), answered: at(990), trace: None }),
        };
        assert_eq!(slow.times().map(|time| time.map(millis)), [Some(5), Some(975), Some(10)]);
        assert_eq!(Finished { stages: None, ..slow }.times(), [None; 3]);
    }

    #[test]
    fn of_a_long_key_the_beginning_is_shown() {
        assert_eq!(shown(&key("milk")), key("milk").to_string());
        assert_eq!(shown(&key(&"k".repeat(5000))).chars().count(), SHOWN + 1);
    }
}
