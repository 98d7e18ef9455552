//! Puts that other nodes forwarded here: one that comes again is not minted again (rule 2).

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use crate::identity::NodeId;
use crate::message::RequestId;
use crate::time::Instant;

/// How long a put is remembered: its node can't repeat it any longer.
pub const REMEMBER_FORWARDED: Duration = Duration::from_secs(30);

/// The most puts remembered; past it, further ones are refused. It is some 35,000 a second, which take
/// about 60 MiB.
const MAX_REMEMBERED: usize = 1 << 20;

/// What to do with a forwarded put that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is new: mint it.
    New,
    /// It came before: its node is told the outcome once, or was.
    Repeated,
    /// Too many are remembered.
    Full,
}

/// The forwarded puts of the last [`REMEMBER_FORWARDED`].
#[derive(Clone, Debug, Default)]
pub struct ForwardedPuts {
    puts: BTreeSet<(NodeId, RequestId)>,
    by_age: VecDeque<(Instant, (NodeId, RequestId))>,
}

impl ForwardedPuts {
    /// Looks a put up, and remembers it if it is new.
    pub fn admit(&mut self, now: Instant, from: NodeId, request: RequestId) -> Admission {
        let put = (from, request);
        if self.puts.contains(&put) {
            return Admission::Repeated;
        }
        if self.puts.len() >= MAX_REMEMBERED {
            return Admission::Full;
        }
        self.puts.insert(put);
        self.by_age.push_back((now, put));
        Admission::New
    }

    /// Whether this is the only put remembered: a timer to forget it is to be set.
    pub fn is_first(&self) -> bool {
        self.by_age.len() == 1
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_put_is_new_once_until_it_is_forgotten() {
        let mut forwarded = ForwardedPuts::default();
        let (from, start) = (NodeId::new(1), Instant::from_micros(1));
        let request = |number| RequestId::new(0, number);
        assert_eq!(forwarded.admit(start, from, request(1)), Admission::New);
        assert!(forwarded.is_first());
        assert_eq!(forwarded.admit(start, NodeId::new(2), request(1)), Admission::New);
        let later = start.after(REMEMBER_FORWARDED / 2);
        assert_eq!(forwarded.admit(later, from, request(1)), Admission::Repeated);
        assert_eq!(forwarded.admit(later, from, request(2)), Admission::New);
        let next = forwarded.forget(start.after(REMEMBER_FORWARDED));
        assert_eq!(next, Some(later.after(REMEMBER_FORWARDED)));
        assert_eq!(forwarded.admit(later, from, request(2)), Admission::Repeated);
        assert_eq!(forwarded.admit(later, from, request(1)), Admission::New);
    }

    #[test]
    fn too_many_are_refused_and_room_comes_back() {
        let mut forwarded = ForwardedPuts::default();
        let (from, start) = (NodeId::new(1), Instant::from_micros(1));
        for number in 0..MAX_REMEMBERED as u64 {
            assert_eq!(forwarded.admit(start, from, RequestId::new(0, number)), Admission::New);
        }
        let more = RequestId::new(0, u64::MAX);
        assert_eq!(forwarded.admit(start, from, more), Admission::Full);
        assert_eq!(forwarded.admit(start, from, RequestId::new(0, 0)), Admission::Repeated);
        assert_eq!(forwarded.forget(start.after(REMEMBER_FORWARDED)), None);
        assert_eq!(forwarded.admit(start, from, more), Admission::New);
    }
}
