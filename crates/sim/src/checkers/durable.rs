//! a, at the moment itself: when a coordinator acknowledges a write, at least `dw` disks hold it, or
//! a state that has seen it. (What a crash destroys later is found by `acknowledged`, but only if
//! it destroys the last copy.) And enough nodes have answered, enough of them primaries; of a ring
//! that has fewer nodes than that, all.

use super::writes_of;
use crate::history::KeyHistory;

pub(super) fn check(key: &KeyHistory) -> Vec<String> {
    let mut found = Vec::new();
    for (place, write) in key.writes.iter().enumerate() {
        if let Some(answers) = write.answers_at_ack
            && answers < write.needs.w.min(write.existing_at_ack)
        {
            found.push(format!(
                "the write {} was acknowledged when {answers} nodes had answered, of w={}",
                writes_of(key, [place]),
                write.needs.w
            ));
        }
        if let Some(primaries) = write.primaries_at_ack
            && primaries < write.needs.pw.min(write.existing_at_ack)
        {
            found.push(format!(
                "the write {} was acknowledged when {primaries} primaries had answered, of pw={}",
                writes_of(key, [place]),
                write.needs.pw
            ));
        }
        let Some(disks) = write.durable_at_ack else { continue };
        if disks < write.needs.dw.min(write.existing_at_ack) {
            found.push(format!(
                "the write {} was acknowledged when {disks} disks held it, of dw={}",
                writes_of(key, [place]),
                write.needs.dw
            ));
        }
    }
    found
}
