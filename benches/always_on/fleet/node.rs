//! One node: a process of the binary, its directory, its ports.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use stator_client::Client;

use super::{until, until_within};
use crate::Failed;
use crate::process::{free_ports, stator};

/// How long a node may take to stop by itself.
const STOPS_WITHIN: Duration = Duration::from_mins(1);

/// A process's memory, in KiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// Resident now.
    pub(crate) now: u64,
    /// The most that was resident since that was last forgotten.
    pub(crate) peak: u64,
}

/// A node. Dropping it kills its process.
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) peer: String,
    pub(crate) client: Client,
    data: PathBuf,
    log: PathBuf,
    settings: Vec<String>,
    child: Option<Child>,
}

impl Node {
    /// A node that is not started yet, with a directory and a log below `dir`.
    pub(super) fn new(dir: &Path, name: &str, settings: &[&str]) -> Result<Self, Failed> {
        let port = free_ports(2);
        Ok(Self {
            name: name.to_owned(),
            peer: format!("127.0.0.1:{port}"),
            client: Client::new(format!("http://127.0.0.1:{}", port + 1).parse()?),
            data: dir.join(name),
            log: dir.join(format!("{name}.log")),
            settings: settings.iter().map(|&setting| setting.to_owned()).collect(),
            child: None,
        })
    }

    /// Starts its process.
    pub(crate) fn start(&mut self, more: &[&str]) -> Result<(), Failed> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut command = stator();
        command.args(["serve", "--name", &self.name, "--peer", &self.peer]);
        command.args(["--http", self.client.endpoint().authority(), "--data"]).arg(&self.data);
        command.args(["--stop-with-parent", &std::process::id().to_string()]);
        command.args(&self.settings).args(more);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn()?);
        Ok(())
    }

    /// Waits until its HTTP door answers at all.
    pub(super) async fn answers(&self) -> Result<(), Failed> {
        until(&format!("{} answers", self.name), async || self.client.cluster().await.ok())
            .await
            .map(drop)
    }

    /// Kills it as a power cut would: no signal that it could handle.
    pub(crate) fn kill(&mut self) -> Result<(), Failed> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Stops it as an operator does, and waits for its end.
    pub(crate) async fn stop(&mut self) -> Result<(), Failed> {
        let Some(child) = &mut self.child else { return Ok(()) };
        let pid = Pid::from_raw(child.id().cast_signed()).ok_or("a process has an id")?;
        kill_process(pid, Signal::TERM)?;
        let what = format!("{} stops", self.name);
        until_within(STOPS_WITHIN, &what, async || child.try_wait().ok().flatten()).await?;
        self.child = None;
        Ok(())
    }

    /// Starts it again if it has ended by itself, as a supervisor does; whether it had.
    pub(crate) fn restart_if_ended(&mut self) -> Result<bool, Failed> {
        let Some(child) = &mut self.child else { return Ok(false) };
        if child.try_wait()?.is_none() {
            return Ok(false);
        }
        self.start(&[])?;
        Ok(true)
    }

    /// What its process has in memory.
    pub(crate) fn memory(&self) -> Result<Memory, Failed> {
        let status = std::fs::read_to_string(self.proc("status")?)?;
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB"));
            kilobytes.and_then(|number| number.trim().parse().ok()).ok_or(format!("no {name}"))
        };
        Ok(Memory { now: of("VmRSS")?, peak: of("VmHWM")? })
    }

    /// Counts the most that is in memory anew from now on.
    pub(crate) fn forget_peak_memory(&self) -> Result<(), Failed> {
        Ok(std::fs::write(self.proc("clear_refs")?, "5")?)
    }

    /// A file that the system shows of its process.
    fn proc(&self, name: &str) -> Result<PathBuf, Failed> {
        let child = self.child.as_ref().ok_or("the node has no process")?;
        Ok(PathBuf::from(format!("/proc/{}/{name}", child.id())))
    }

    /// Whether it has a process.
    pub(crate) fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// Everything that it has on disk is gone, and with it who it was.
    pub(crate) fn lose_all(&self) -> Result<(), Failed> {
        Ok(std::fs::remove_dir_all(&self.data)?)
    }

    /// What its store takes up on disk.
    pub(crate) fn disk_bytes(&self) -> u64 {
        let files = walkdir::WalkDir::new(self.store()).into_iter().filter_map(Result::ok);
        let metadata = files.filter_map(|file| file.metadata().ok());
        metadata.map(|file| file.blocks() * 512).sum()
    }

    /// Where its objects are.
    pub(crate) fn store(&self) -> PathBuf {
        self.data.join("store")
    }

    /// Another way to start it than before.
    pub(crate) fn set(&mut self, settings: &[&str]) {
        self.settings.extend(settings.iter().map(|&setting| setting.to_owned()));
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
