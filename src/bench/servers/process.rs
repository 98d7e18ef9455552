//! What a process has used since it began, from `/proc`.

use std::path::PathBuf;

use crate::bench::servers::UsedByProcesses;
use crate::failure::Failure;

/// What one process has used, or several together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Process {
    user_micros: u64,
    system_micros: u64,
    /// None where the system does not tell it.
    disk: Option<Disk>,
    context_switches: u64,
    resident: u64,
}

/// Bytes that went to disks, and came from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Disk {
    /// Handed to the system to be written.
    pub(crate) written: u64,
    /// Fetched, and not found in memory.
    pub(crate) read: u64,
}

impl Process {
    /// Reads what a process has used.
    pub(super) fn read(pid: u32) -> Result<Self, Failure> {
        let process = PathBuf::from(format!("/proc/{pid}"));
        let text = |name: &str| {
            std::fs::read_to_string(process.join(name)).map_err(|error| {
                Failure::new(format!("{name} of process {pid} can't be read: {error}"))
                    .try_next("name running server processes with --pid")
            })
        };
        let wrong = |name: &str| {
            Failure::new(format!("/proc/{pid}/{name} is not of the form that Linux gives it"))
        };
        let (user_micros, system_micros) =
            processor_time(&text("stat")?).ok_or_else(|| wrong("stat"))?;
        let status = text("status")?;
        let resident = field(&status, "VmRSS:").ok_or_else(|| wrong("status"))? * 1024;
        // Of foreign processes the system tells everything but this.
        let disk = text("io").ok().and_then(|io| disk(&io));
        Ok(Self {
            user_micros,
            system_micros,
            disk,
            context_switches: context_switches(&process),
            resident,
        })
    }

    /// Both together.
    pub(super) fn and(self, other: Self) -> Self {
        let disk = self.disk.zip(other.disk).map(|(one, other)| Disk {
            written: one.written + other.written,
            read: one.read + other.read,
        });
        Self {
            user_micros: self.user_micros + other.user_micros,
            system_micros: self.system_micros + other.system_micros,
            disk,
            context_switches: self.context_switches + other.context_switches,
            resident: self.resident + other.resident,
        }
    }

    /// What was used since an earlier look.
    pub(super) fn since(&self, earlier: &Self) -> UsedByProcesses {
        let disk = self.disk.zip(earlier.disk).map(|(after, before)| Disk {
            written: after.written.saturating_sub(before.written),
            read: after.read.saturating_sub(before.read),
        });
        UsedByProcesses {
            user_micros: self.user_micros.saturating_sub(earlier.user_micros),
            system_micros: self.system_micros.saturating_sub(earlier.system_micros),
            disk,
            context_switches: self.context_switches.saturating_sub(earlier.context_switches),
            resident_before: earlier.resident,
            resident_after: self.resident,
        }
    }
}

/// Fields 14 and 15 of `stat`, counted behind the name, which may itself hold blanks and parentheses.
fn processor_time(stat: &str) -> Option<(u64, u64)> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let user: u64 = fields.nth(11)?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    let micros = |ticks: u64| ticks * 1_000_000 / rustix::param::clock_ticks_per_second().max(1);
    Some((micros(user), micros(system)))
}

/// A number behind its name at the beginning of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_ascii_whitespace().next()?.parse().ok()
}

fn disk(io: &str) -> Option<Disk> {
    Some(Disk { written: field(io, "write_bytes:")?, read: field(io, "read_bytes:")? })
}

/// Those of all threads that there are: a process's own line tells of its first one only.
fn context_switches(process: &std::path::Path) -> u64 {
    let Ok(threads) = std::fs::read_dir(process.join("task")) else { return 0 };
    let of_thread = |thread: std::fs::DirEntry| {
        let status = std::fs::read_to_string(thread.path().join("status")).ok()?;
        let voluntary = field(&status, "voluntary_ctxt_switches:")?;
        Some(voluntary + field(&status, "nonvoluntary_ctxt_switches:")?)
    };
    threads.filter_map(|thread| of_thread(thread.ok()?)).sum()
}

#[cfg(test)]
mod tests;
