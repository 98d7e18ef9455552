//! What became of the requests in each part of the run, and what must hold of it.

use super::phases::{PHASES, Phase};
use super::updating::Seen;
use crate::report::Report;

/// Tells it, and judges it.
pub(super) fn tell(report: &mut Report, seen: &Seen) {
    let measured = &PHASES[1..];
    for phase in measured {
        let part = &seen.parts[*phase as usize];
        let name = phase.name();
        report.say(&format!("updates_{name}"), part.updates.document(), &part.updates);
        report.say(&format!("gets_{name}"), part.gets.document(), &part.gets);
    }
    let all = seen.during(measured);
    report.count("gets_that_lacked_an_acknowledged_append", all.behind);
    report.count("gets_cut_off_by_the_kill", all.cut_off.gets);
    report.count("puts_cut_off_by_the_kill", all.cut_off.puts);
    report.count("gets_and_puts_refused", all.refused());
    report.count("puts_in_doubt_elsewhere", all.in_doubt());

    let before = seen.during(&[Phase::Three]).updates.millis(99.0);
    let growing = [Phase::Growing, Phase::Dead, Phase::GrowingOn];
    let parts = [
        ("growing", &growing[..]),
        ("growing_on", &[Phase::GrowingOn]),
        ("shrinking", &[Phase::Shrinking]),
    ];
    for (name, phases) in parts {
        let slower = seen.during(phases).updates.millis(99.0) / before;
        report.ratio(&format!("p99_{name}_over_p99_before"), slower);
    }
    report.must(all.refused() == 0, "no get and no put is refused");
    report.must(all.in_doubt() == 0, "no put is in doubt but those in flight to the killed node");
}
