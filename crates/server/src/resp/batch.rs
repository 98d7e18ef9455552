//! Pipelined commands that are under way at a time. Their replies are sent in the order in which
//! the commands came.
//!
//! The rule: a client sees its own commands carried out one after the other. So two commands go on
//! at a time only if neither writes a key that the other touches.

use std::collections::HashMap;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::stream::{FuturesOrdered, StreamExt};

use super::failure::Answer;

/// The most commands that are under way at a time in one connection.
const MOST_COMMANDS: usize = 64;
/// What their arguments may hold together, before the next one waits.
const MOST_BYTES: usize = 1024 * 1024;

/// A command that is being carried out.
pub(super) type UnderWay = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// What a command does to keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// It reads those that it names.
    Reads,
    /// It writes those that it names.
    Writes,
    /// It looks at all there are.
    Scans,
}

/// What a command touches.
#[derive(Clone, Debug)]
pub(super) struct Touched {
    pub(super) access: Access,
    pub(super) keys: Vec<Bytes>,
    /// What its arguments hold.
    pub(super) bytes: usize,
}

/// Commands that go on at a time, in the order of their replies.
#[derive(Default)]
pub(super) struct Batch {
    /// The only command, which most are: it needs no order, and nothing is in its way.
    alone: Option<(Touched, UnderWay)>,
    under_way: FuturesOrdered<UnderWay>,
    /// Keys that are touched, and whether they are written.
    keys: HashMap<Bytes, Access>,
    scans: bool,
    bytes: usize,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.alone.is_none() && self.under_way.is_empty()
    }

    /// Whether a command may go on beside those that do.
    pub(super) fn has_room_for(&mut self, touched: &Touched) -> bool {
        if self.is_empty() {
            return true;
        }
        self.take_in_the_first();
        let is_in_the_way = |key| match self.keys.get(key) {
            None => false,
            Some(Access::Reads) => touched.access == Access::Writes,
            Some(_) => true,
        };
        !self.scans
            && touched.access != Access::Scans
            && self.under_way.len() < MOST_COMMANDS
            && self.bytes + touched.bytes <= MOST_BYTES
            && !touched.keys.iter().any(is_in_the_way)
    }

    pub(super) fn add(&mut self, touched: Touched, command: UnderWay) {
        if self.is_empty() {
            self.alone = Some((touched, command));
            return;
        }
        self.take_in_the_first();
        self.push(touched, command);
    }

    fn take_in_the_first(&mut self) {
        if let Some((touched, command)) = self.alone.take() {
            self.push(touched, command);
        }
    }

    fn push(&mut self, touched: Touched, command: UnderWay) {
        self.scans |= touched.access == Access::Scans;
        self.bytes += touched.bytes;
        for key in touched.keys {
            self.keys.insert(key, touched.access);
        }
        self.under_way.push_back(command);
    }

    /// The next command's answer, once it has one; none if all were answered.
    pub(super) async fn next(&mut self) -> Option<Answer> {
        if let Some((_, command)) = &mut self.alone {
            let answer = command.await;
            self.alone = None;
            return Some(answer);
        }
        let answer = self.under_way.next().await;
        if answer.is_none() {
            self.keys.clear();
            (self.scans, self.bytes) = (false, 0);
        }
        answer
    }
}

#[cfg(test)]
mod tests;
