//! The checkers bite: a history in which everything holds, and for each rule one that breaks it
//! alone.

use bytes::Bytes;
use stator_core::identity::{ActorId, NodeId};
use stator_core::object::{BucketName, ConflictRule, Key, ObjectKey};
use stator_core::quorum::QuorumMode;
use stator_core::time::{Instant, Stamp, WallTime};
use stator_core::version::Dot;

use super::*;
use crate::history::{
    Author, Begun, CallId, Fate, Mint, Reading, Seen, Version, WriteKind, WriteNeeds,
};

/// A history of one key with three replicas, written down event by event.
struct Script {
    history: History,
    at: u64,
}

impl Script {
    fn of(rule: ConflictRule) -> Self {
        let bucket = BucketName::new(Bytes::from_static(b"bucket")).expect("it is short");
        let name = ObjectKey::new(bucket, Key::new(Bytes::from_static(b"k")).expect("it is short"));
        let keys = vec![KeyHistory::new(name, rule, 3)];
        Self { history: History { keys, ..History::default() }, at: 0 }
    }

    fn siblings() -> Self {
        Self::of(ConflictRule::Siblings)
    }

    fn now(&mut self) -> Instant {
        self.at += 1;
        Instant::from_micros(self.at)
    }

    fn begun(&mut self) -> Begun {
        Begun { key: 0, client: 0, node: 0, at: self.now() }
    }

    /// A strict write with dw=2 by a client that has been shown these writes.
    fn write(&mut self, seen: &[usize], fate: Fate) -> usize {
        let seen = self.history.keys[0].seen_in(seen.iter().copied());
        self.write_as(WriteKind::Value(3), &seen, fate)
    }

    fn write_as(&mut self, kind: WriteKind, seen: &Seen, fate: Fate) -> usize {
        let begun = self.begun();
        let needs = WriteNeeds { w: 2, dw: 2, pw: 0, mode: QuorumMode::Strict };
        let call = self.history.begin_write(begun, kind, needs, seen);
        if !matches!(fate, Fate::Refused(_)) {
            self.mint(call);
        }
        let at = self.now();
        self.history.end(call, at, fate);
        self.history.keys[0].writes.len() - 1
    }

    fn mint(&mut self, call: CallId) {
        let at = self.now();
        let dot = Dot { actor: ActorId::new(1), counter: self.at };
        let stamp = Some(Stamp::at(WallTime::from_millis(self.at)));
        let mint = Mint { dot, node: NodeId::new(1), at, stamp };
        self.history.minted(0, Some(call), mint, &[dot]);
    }

    /// A strict get with r=2 that returns these writes.
    fn read(&mut self, places: &[usize]) {
        let versions = places.iter().map(|&place| self.version(place)).collect();
        self.read_versions(versions, false);
    }

    fn read_last(&mut self, places: &[usize]) {
        let versions = places.iter().map(|&place| self.version(place)).collect();
        self.read_versions(versions, true);
    }

    fn version(&self, place: usize) -> Version {
        let mint = self.history.keys[0].writes[place].mints.first();
        Version {
            dot: mint.map_or(Dot { actor: ActorId::new(9), counter: 1 }, |mint| mint.dot),
            stamp: mint.and_then(|mint| mint.stamp).unwrap_or_default(),
            author: Author::Write(place),
        }
    }

    fn read_versions(&mut self, versions: Vec<Version>, last: bool) {
        let begun = self.begun();
        let (r, mode) = (2, QuorumMode::Strict);
        let call = self.history.begin_get(begun, (r, 0), mode);
        let vector_len = self.history.keys[0].dots.len().min(1);
        let reading = Reading { call, began: begun.at, r, mode, last, versions, vector_len };
        self.history.keys[0].readings.push(reading);
        let at = self.now();
        self.history.end(call, at, Fate::Done);
    }

    fn found_by(&self) -> Vec<&'static str> {
        let mut checkers: Vec<_> = check(&self.history).iter().map(|v| v.checker).collect();
        checkers.dedup();
        checkers
    }
}

fn refused() -> Fate {
    Fate::Refused("too few replicas".to_owned())
}

fn in_doubt() -> Fate {
    Fate::Indeterminate("no answer".to_owned())
}

#[test]
fn a_history_in_which_everything_holds_has_no_violation() {
    let mut script = Script::siblings();
    let a = script.write(&[], Fate::Done);
    let b = script.write(&[], Fate::Done);
    script.read(&[a, b]);
    let merged = script.write(&[a, b], Fate::Done);
    script.write(&[merged], refused());
    let doubtful = script.write(&[merged], in_doubt());
    script.read(&[merged]);
    script.read(&[doubtful]);
    script.read_last(&[doubtful]);
    assert_eq!(check(&script.history), []);
}

#[test]
fn acknowledged_finds_a_lost_write() {
    let mut script = Script::siblings();
    let a = script.write(&[], Fate::Done);
    let b = script.write(&[], Fate::Done);
    script.read(&[a, b]);
    script.read_last(&[b]);
    assert!(script.found_by().contains(&"acknowledged"));
}

#[test]
fn acknowledged_finds_a_write_superseded_by_one_that_is_lost_itself() {
    let mut script = Script::siblings();
    let a = script.write(&[], Fate::Done);
    script.write(&[a], in_doubt());
    script.read_last(&[]);
    assert!(script.found_by().contains(&"acknowledged"));
}

#[test]
fn acknowledged_finds_an_older_version_that_won() {
    let mut script = Script::of(ConflictRule::LastWriteWins);
    let old = script.write(&[], Fate::Done);
    script.write(&[], Fate::Done);
    script.read_last(&[old]);
    assert!(script.found_by().contains(&"acknowledged"));
}

#[test]
fn acknowledged_finds_a_key_that_can_not_be_read_at_the_end() {
    let mut script = Script::siblings();
    script.write(&[], Fate::Done);
    let begun = script.begun();
    let call = script.history.begin_get(begun, (3, 3), QuorumMode::Strict);
    script.history.last_reads.push(call);
    script.history.end(call, begun.at, in_doubt());
    assert_eq!(script.found_by(), ["acknowledged"]);
}

#[test]
fn durable_finds_an_acknowledgement_that_came_too_early() {
    let mut script = Script::siblings();
    let write = script.write(&[], Fate::Done);
    script.history.keys[0].writes[write].durable_at_ack = Some(2);
    assert_eq!(script.found_by(), Vec::<&str>::new());
    script.history.keys[0].writes[write].durable_at_ack = Some(1);
    assert_eq!(script.found_by(), ["durable"]);

    let mut script = Script::siblings();
    let write = script.write(&[], Fate::Done);
    script.history.keys[0].writes[write].needs.pw = 1;
    script.history.keys[0].writes[write].primaries_at_ack = Some(0);
    assert_eq!(script.found_by(), ["durable"]);
}

#[test]
fn resurrection_finds_a_deleted_value() {
    let mut script = Script::siblings();
    let value = script.write(&[], Fate::Done);
    let seen = script.history.keys[0].seen_in([value]);
    let tombstone = script.write_as(WriteKind::Tombstone, &seen, Fate::Done);
    script.read_last(&[value, tombstone]);
    assert!(script.found_by().contains(&"resurrection"));
}

#[test]
fn resurrection_leaves_alone_what_only_a_doubtful_write_superseded() {
    let mut script = Script::siblings();
    let value = script.write(&[], Fate::Done);
    script.write(&[value], in_doubt());
    script.read_last(&[value]);
    assert_eq!(check(&script.history), []);
}

#[test]
fn invention_finds_what_nobody_wrote_and_what_was_minted_twice() {
    let mut script = Script::siblings();
    let version = Version {
        dot: Dot { actor: ActorId::new(5), counter: 1 },
        stamp: Stamp::default(),
        author: Author::Nobody("it is mixed".to_owned()),
    };
    script.read_versions(vec![version], false);
    assert_eq!(script.found_by(), ["invention"]);

    let mut script = Script::siblings();
    let twin = script.write(&[], Fate::Done);
    script.mint(script.history.keys[0].writes[twin].call);
    assert_eq!(script.found_by(), ["invention"]);
}

#[test]
fn fate_finds_a_refused_write_that_appears() {
    let mut script = Script::siblings();
    let write = script.write(&[], refused());
    script.read(&[write]);
    assert_eq!(script.found_by(), ["fate"]);

    let mut script = Script::siblings();
    let write = script.write(&[], refused());
    script.mint(script.history.keys[0].writes[write].call);
    assert_eq!(script.found_by(), ["fate"]);
}

#[test]
fn siblings_finds_a_version_beside_the_one_that_superseded_it() {
    let mut script = Script::siblings();
    let a = script.write(&[], in_doubt());
    let b = script.write(&[a], in_doubt());
    script.read(&[a, b]);
    assert_eq!(script.found_by(), ["siblings"]);

    let mut script = Script::siblings();
    let a = script.write(&[], in_doubt());
    script.read(&[a, a]);
    assert_eq!(script.found_by(), ["siblings"]);

    let mut script = Script::of(ConflictRule::LastWriteWins);
    let (a, b) = (script.write(&[], in_doubt()), script.write(&[], in_doubt()));
    script.read(&[a, b]);
    assert_eq!(script.found_by(), ["siblings"]);
}

#[test]
fn strict_finds_a_stale_read_and_lets_concurrent_writes_be() {
    let mut script = Script::siblings();
    let a = script.write(&[], Fate::Done);
    script.write(&[a], Fate::Done);
    script.read(&[a]);
    assert_eq!(script.found_by(), ["strict"]);

    let mut script = Script::siblings();
    let a = script.write(&[], Fate::Done);
    script.write(&[a], in_doubt());
    script.read(&[a]);
    assert_eq!(script.found_by(), Vec::<&str>::new());

    let mut script = Script::of(ConflictRule::LastWriteWins);
    let a = script.write(&[], Fate::Done);
    script.write(&[], Fate::Done);
    script.read(&[a]);
    assert_eq!(script.found_by(), ["strict"]);

    // By its stamp the version that was overwritten is the newer one.
    let mut script = Script::of(ConflictRule::LastWriteWins);
    let a = script.write(&[], Fate::Done);
    let b = script.write(&[a], Fate::Done);
    script.history.keys[0].writes[b].mints[0].stamp = Some(Stamp::default());
    script.read(&[a]);
    assert_eq!(script.found_by(), ["strict"]);
}

#[test]
fn bounds_finds_each_of_its_rules_broken() {
    let breaks: [fn(&mut History); 6] = [
        |history| history.unanswered.push(CallId(0)),
        |history| history.answered_twice.push(CallId(0)),
        |history| history.unattributed_mints = 1,
        |history| history.restless_frames = 1,
        |history| history.amiss.push("a tree drifted".to_owned()),
        |history| history.keys[0].readings[0].vector_len = 2,
    ];
    for break_it in breaks {
        let mut script = Script::siblings();
        let a = script.write(&[], Fate::Done);
        script.read(&[a]);
        assert_eq!(script.found_by(), Vec::<&str>::new());
        break_it(&mut script.history);
        assert_eq!(script.found_by(), ["bounds"]);
    }
}
