//! Puts that other nodes forwarded here: a repeated one is answered, not minted again (rule 2).

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::identity::NodeId;
use crate::message::RequestId;
use crate::request::{PutReply, RequestError};
use crate::time::Instant;

/// How long an outcome is remembered: its node can't repeat the put any longer.
pub const REMEMBER_FORWARDED: Duration = Duration::from_secs(30);

/// The most forwarded puts remembered; past it, further ones are refused.
const MAX_REMEMBERED: usize = 65_536;

/// What is known of one forwarded put.
#[derive(Clone, Debug)]
enum Remembered {
    UnderWay,
    Ended(Result<PutReply, RequestError>),
}

/// What to do with a forwarded put that came in.
#[derive(Debug)]
pub enum Admission {
    /// It is new: mint it.
    New,
    /// It is under way already: its outcome will be sent once.
    Repeated,
    /// It has ended: this was its outcome.
    Ended(Result<PutReply, RequestError>),
    /// Too many are remembered.
    Full,
}

/// The forwarded puts of the last [`REMEMBER_FORWARDED`].
#[derive(Clone, Debug, Default)]
pub struct ForwardedPuts {
    puts: BTreeMap<(NodeId, RequestId), Remembered>,
    by_age: VecDeque<(Instant, (NodeId, RequestId))>,
}

impl ForwardedPuts {
    /// Looks a put up, and remembers it if it is new.
    pub fn admit(&mut self, now: Instant, from: NodeId, request: RequestId) -> Admission {
        match self.puts.get(&(from, request)) {
            Some(Remembered::UnderWay) => Admission::Repeated,
            Some(Remembered::Ended(result)) => Admission::Ended(result.clone()),
            None if self.puts.len() >= MAX_REMEMBERED => Admission::Full,
            None => {
                self.puts.insert((from, request), Remembered::UnderWay);
                self.by_age.push_back((now, (from, request)));
                Admission::New
            }
        }
    }

    /// Whether this is the only put remembered: a timer to forget it is to be set.
    pub fn is_first(&self) -> bool {
        self.by_age.len() == 1
    }

    /// A put has ended.
    pub fn ended(
        &mut self,
        from: NodeId,
        request: RequestId,
        result: &Result<PutReply, RequestError>,
    ) {
        if let Some(remembered) = self.puts.get_mut(&(from, request)) {
            *remembered = Remembered::Ended(result.clone());
        }
    }

    /// Forgets what nobody can repeat any more. Returns when to come back, if anything is left.
    pub fn forget(&mut self, now: Instant) -> Option<Instant> {
        while let Some(&(since, put)) = self.by_age.front() {
            if now.since(since) < REMEMBER_FORWARDED {
                return Some(since.after(REMEMBER_FORWARDED));
            }
            self.by_age.pop_front();
            self.puts.remove(&put);
        }
        None
    }
}
