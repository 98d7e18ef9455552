//! h. With sloppy quorums, while at least W of the key's primaries and fallbacks can be reached from
//! the coordinator (and as many primaries as were asked for), no write is refused once the detector
//! has had time to notice. While a partition moves, no write is told to wait if all of its owners,
//! before and after, can be reached.

use crate::history::History;

pub(super) fn check(history: &History) -> Vec<String> {
    let refused = history.unavailable.iter().map(|&call| {
        let (node, name) =
            (history.call(call).node + 1, &history.keys[history.call(call).key].name);
        format!(
            "the put #{} of {name} was refused by n{node}, although enough nodes could be reached",
            call.0
        )
    });
    refused.collect()
}
