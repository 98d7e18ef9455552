//! What the servers use: processes by `/proc`, syncs by the nodes' metrics.

mod metrics;
mod process;

use stator_client::Endpoint;

use self::process::Process;
use crate::failure::Failure;

/// What is looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Servers {
    /// Processes.
    pub(crate) pids: Vec<u32>,
    /// Nodes whose metrics tell syncs.
    pub(crate) nodes: Vec<Endpoint>,
}

/// What all of them have used since they began, and hold now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Look {
    processes: Option<Process>,
    syncs: Option<u64>,
}

/// What they used between two looks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Used {
    /// If processes were named.
    pub(crate) processes: Option<UsedByProcesses>,
    /// If all nodes told.
    pub(crate) syncs: Option<u64>,
}

/// What processes used.
#[derive(Clone, Debug)]
pub(crate) struct UsedByProcesses {
    /// Of their own code.
    pub(crate) user_micros: u64,
    /// Of the system's for them.
    pub(crate) system_micros: u64,
    /// What went to disks, and came from there; where the system tells it.
    pub(crate) disk: Option<process::Disk>,
    /// How often a thread of theirs gave up or lost its processor.
    pub(crate) context_switches: u64,
    /// Memory before.
    pub(crate) resident_before: u64,
    /// Memory after.
    pub(crate) resident_after: u64,
}

impl UsedByProcesses {
    /// Both together.
    pub(crate) const fn cpu_micros(&self) -> u64 {
        self.user_micros + self.system_micros
    }
}

impl Servers {
    /// Reads it all.
    pub(crate) async fn look(&self) -> Result<Look, Failure> {
        let syncs = if self.nodes.is_empty() { None } else { metrics::syncs(&self.nodes).await };
        let processes = self.pids.iter().map(|&pid| Process::read(pid));
        let processes: Vec<Process> = processes.collect::<Result<_, _>>()?;
        Ok(Look { processes: processes.into_iter().reduce(Process::and), syncs })
    }
}

impl Look {
    /// What was used from an earlier look to this one.
    pub(crate) fn since(&self, earlier: &Self) -> Used {
        let both = self.processes.as_ref().zip(earlier.processes.as_ref());
        let syncs = self.syncs.zip(earlier.syncs);
        Used {
            processes: both.map(|(after, before)| after.since(before)),
            syncs: syncs.map(|(after, before)| after.saturating_sub(before)),
        }
    }
}
