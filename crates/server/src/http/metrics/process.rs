//! The process itself, under the names that every Prometheus client uses, as Linux tells it.

use std::fmt;
use std::fs;

use super::page::{Labels, Page, seconds};
use super::reading::Reading;

/// What the system says of this process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Process {
    cpu_seconds: f64,
    resident_bytes: u64,
    threads: u64,
    open_files: u64,
}

impl Process {
    /// Reads `/proc/self`; none where there is none.
    pub(super) fn read() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        let (user_ticks, system_ticks, threads, pages) = fields(&stat)?;
        let ticks = (user_ticks + system_ticks) as f64;
        let open_files = fs::read_dir("/proc/self/fd").ok()?.count() as u64;
        Some(Self {
            cpu_seconds: ticks / rustix::param::clock_ticks_per_second() as f64,
            resident_bytes: pages * rustix::param::page_size() as u64,
            threads,
            // The folder itself is open while it is read.
            open_files: open_files.saturating_sub(1),
        })
    }
}

/// Times, threads and pages from `/proc/PID/stat`. The name, in parentheses, may hold anything.
fn fields(stat: &str) -> Option<(u64, u64, u64, u64)> {
    let behind_the_name = stat.rsplit_once(") ")?.1;
    let fields: Vec<&str> = behind_the_name.split(' ').collect();
    // The state, field 3 of proc(5), is the first here.
    let number = |field: usize| fields.get(field - 3)?.trim().parse().ok();
    Some((number(14)?, number(15)?, number(20)?, number(24)?))
}

pub(super) fn write(reading: &Reading, page: &mut Page<'_>) -> fmt::Result {
    page.gauges(
        "stator_build_info",
        "1; the node's name and the version of its program.",
        [(
            vec![("node", reading.name.clone()), ("version", env!("CARGO_PKG_VERSION").to_owned())],
            1.0,
        )],
    )?;
    page.gauge("stator_uptime_seconds", "Since the node started.", seconds(reading.stats.uptime))?;
    let one = |of: fn(&Process) -> f64| {
        reading.process.as_ref().map(|process| (Labels::new(), of(process)))
    };
    page.counters(
        "process_cpu_seconds",
        "Time on processors, user and system.",
        one(|process| process.cpu_seconds),
    )?;
    page.gauges(
        "process_resident_memory_bytes",
        "Memory in use.",
        one(|process| process.resident_bytes as f64),
    )?;
    page.gauges("process_threads", "Threads.", one(|process| process.threads as f64))?;
    page.gauges(
        "process_open_fds",
        "Open files and connections.",
        one(|process| process.open_files as f64),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_moves_no_field() {
        // After the name each field holds its own number, as proc(5) counts them.
        let rest: Vec<String> = (4..=30).map(|number| number.to_string()).collect();
        let stat = format!("4711 (stator (a) b) S {}\n", rest.join(" "));
        assert_eq!(fields(&stat), Some((14, 15, 20, 24)));
        assert_eq!(fields("4711 (stator) S 1 2"), None);
        assert_eq!(fields(""), None);
    }

    #[test]
    fn this_process_uses_memory_and_threads() {
        let Some(process) = Process::read() else { return };
        assert!(process.resident_bytes > 1 << 20, "{process:?}");
        assert!(process.threads >= 1 && process.open_files >= 1, "{process:?}");
    }
}
