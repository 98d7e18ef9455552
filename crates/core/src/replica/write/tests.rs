use bytes::Bytes;

use super::super::tests::object;
use super::*;
use crate::identity::ActorId;
use crate::object::{Content, Metadata, Value};

/// One replica of an object where the last write wins.
#[derive(Clone, Default)]
struct One {
    actor: u64,
    state: ObjectState,
    stamps: Stamps,
    minted: u64,
}

impl One {
    fn write(&mut self, text: &'static str, millis: u64, context: Context, precedence: Precedence) {
        let key = object("redis.0", b"k");
        let bytes = Bytes::from_static(text.as_bytes());
        let write = Write {
            key: &key,
            partition: Partition::new(0),
            context,
            value: Content::Value(Value { bytes, metadata: Metadata::default() }),
            precedence,
            rule: ConflictRule::LastWriteWins,
            max_siblings: 100,
        };
        self.minted += 1;
        let dot = Dot { actor: ActorId::new(self.actor), counter: self.minted };
        let (state, _) = write.apply(
            std::mem::take(&mut self.state),
            dot,
            WallTime::from_millis(millis),
            &mut self.stamps,
        );
        self.state = state;
    }

    fn holds(&self) -> Bytes {
        let [Sibling { content: Content::Value(value), .. }] = self.state.siblings() else {
            panic!("{:?}", self.state)
        };
        value.bytes.clone()
    }
}

/// Somebody reads, somebody else sets, and the first writes back what was read with a new expiry:
/// an acknowledged value would be lost if that counted as the newest. In whatever order replicas
/// learn of the two.
#[test]
fn a_value_set_meanwhile_stays_where_what_was_read_is_amended() {
    let mut here = One { actor: 1, ..One::default() };
    here.write("old", 10, Context::default(), Precedence::Newest);
    let (seen, mut there) = (Context::of(&here.state), One { actor: 2, ..here.clone() });
    here.write("set", 20, Context::default(), Precedence::Newest);
    there.write("old, expiring", 30, seen.clone(), Precedence::AboveSeen);
    assert_eq!(there.holds(), "old, expiring", "alone, it takes the place of what it has seen");
    for merged in
        [here.state.clone().merge(there.state.clone()), there.state.merge(here.state.clone())]
    {
        assert_eq!(One { state: merged, ..One::default() }.holds(), "set");
    }
    here.write("old, expiring", 30, seen, Precedence::AboveSeen);
    assert_eq!(here.holds(), "set", "at the replica that has the new value already");
    here.write("newest", 0, Context::default(), Precedence::Newest);
    assert_eq!(here.holds(), "newest", "stamps go on from the newest, whatever was amended");
}
