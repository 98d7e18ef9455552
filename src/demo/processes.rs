//! The demo's nodes: processes of this same binary, each with its directory and its log.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::commands::Ended;
use crate::config::generate;
use crate::demo::ports::NodePorts;
use crate::failure::Failure;

/// How long a node may take to stop by itself.
const STOPS_WITHIN: Duration = Duration::from_secs(10);
/// How often it is looked whether all nodes still run.
const LOOK: Duration = Duration::from_millis(500);

/// One node's process. Dropping it kills the process.
struct NodeProcess {
    name: String,
    child: Child,
    log: PathBuf,
}

/// All processes.
pub(super) struct Cluster {
    nodes: Vec<NodeProcess>,
    data: PathBuf,
}

impl Cluster {
    /// Starts all nodes: the first founds the cluster, the others ask to join it.
    pub(super) fn start(data: &Path, ports: &[NodePorts]) -> Result<Self, Failure> {
        let secret = secret_file(data)?;
        let mut cluster = Self { nodes: Vec::new(), data: data.to_owned() };
        for node in ports {
            let join = (node != &ports[0]).then_some(&ports[0]);
            cluster.nodes.push(cluster.spawn(node, join, &secret)?);
        }
        Ok(cluster)
    }

    /// The processes' ids.
    pub(super) fn pids(&self) -> Vec<u32> {
        self.nodes.iter().filter_map(|node| node.child.id()).collect()
    }

    /// Where a node's log is.
    pub(super) fn log(&self, node: &NodePorts) -> String {
        self.data.join(format!("{}.log", node.name)).display().to_string()
    }

    /// An error if a node has ended by itself.
    pub(super) fn check(&mut self) -> Result<(), Failure> {
        for node in &mut self.nodes {
            if let Ok(Some(status)) = node.child.try_wait() {
                return Err(node.ended(status));
            }
        }
        Ok(())
    }

    /// Waits until a node ends by itself, which it should not.
    pub(super) async fn watch(&mut self) -> Ended {
        loop {
            self.check()?;
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Asks all nodes to stop, waits, and kills those that do not.
    pub(super) async fn stop(&mut self) {
        for node in &self.nodes {
            let pid = node.child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
            // A process that has ended by itself needs no signal.
            let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
        }
        let deadline = tokio::time::Instant::now() + STOPS_WITHIN;
        for node in &mut self.nodes {
            if tokio::time::timeout_at(deadline, node.child.wait()).await.is_err() {
                let _ = node.child.kill().await;
            }
        }
    }

    fn spawn(
        &self,
        node: &NodePorts,
        join: Option<&NodePorts>,
        secret: &Path,
    ) -> Result<NodeProcess, Failure> {
        let failed = |what: &str, error: std::io::Error| {
            Failure::new(format!("{} can't be started: {what}: {error}", node.name))
        };
        let log = self.data.join(format!("{}.log", node.name));
        let written = File::create(&log).map_err(|error| failed("its log", error))?;
        let binary = std::env::current_exe().map_err(|error| failed("its binary", error))?;
        let mut command = Command::new(binary);
        command.arg("serve").args(["--name", &node.name, "--data"]);
        command.arg(self.data.join(&node.name));
        command.args(["--peer", &node.peer.to_string(), "--http", &node.http.to_string()]);
        // Even a demo that is killed outright leaves no node behind.
        command.args(["--shards", "1", "--stop-with-parent", &std::process::id().to_string()]);
        match join {
            Some(first) => command.args(["--join", &first.peer.to_string()]),
            None => command.arg("--init"),
        };
        // What this shell sets for a node of its own is not meant for these.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("STATOR_") {
                command.env_remove(name);
            }
        }
        command.env("STATOR_SECRET_FILE", secret);
        // A group of its own: Ctrl-C reaches the demo alone, which then stops its nodes in order.
        command.process_group(0).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(written);
        let child = command.spawn().map_err(|error| failed("its process", error))?;
        Ok(NodeProcess { name: node.name.clone(), child, log })
    }
}

impl NodeProcess {
    fn ended(&self, status: ExitStatus) -> Failure {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(5).collect();
        let last = lines.into_iter().rev().collect::<Vec<_>>().join("\n  ");
        Failure::new(format!("{} ended by itself ({status}); its log's end:\n  {last}", self.name))
            .try_next(format!("see {}", self.log.display()))
    }
}

/// The cluster's secret, kept beside the data so that the same cluster can be started again.
fn secret_file(data: &Path) -> Result<PathBuf, Failure> {
    let path = data.join("secret");
    if path.exists() {
        return Ok(path);
    }
    let secret = generate()?;
    File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| writeln!(file, "{secret}"))
        .map_err(|error| Failure::new(format!("{} can't be written: {error}", path.display())))?;
    Ok(path)
}
