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
use crate::demo::narrator::Narrator;
use crate::demo::ports::NodePorts;
use crate::failure::Failure;

/// How long a node may take to stop by itself.
const STOPS_WITHIN: Duration = Duration::from_secs(10);
/// How often it is looked whether all nodes still run.
const LOOK: Duration = Duration::from_millis(500);
/// Several nodes share this machine, and nobody means to give them most of its memory.
const CACHE_BYTES: &str = "67108864";

/// One node and its process. Dropping it kills the process.
struct NodeProcess {
    ports: NodePorts,
    /// None while it is killed.
    child: Option<Child>,
    log: PathBuf,
}

/// All processes.
pub(super) struct Cluster {
    nodes: Vec<NodeProcess>,
    data: PathBuf,
    secret: PathBuf,
}

impl Cluster {
    /// The file with the cluster's secret.
    pub(super) fn secret(&self) -> &Path {
        &self.secret
    }

    /// Starts all nodes: the first founds the cluster, the others ask to join it.
    pub(super) fn start(data: &Path, ports: &[NodePorts]) -> Result<Self, Failure> {
        let secret = secret_file(data)?;
        let mut cluster = Self { nodes: Vec::new(), data: data.to_owned(), secret };
        for node in ports {
            cluster.add(node)?;
        }
        Ok(cluster)
    }

    /// Starts a node: the first one founds a cluster, any other asks to join it.
    pub(super) fn add(&mut self, node: &NodePorts) -> Result<(), Failure> {
        let founding = match self.nodes.first() {
            None => vec!["--init".to_owned()],
            Some(founder) => vec!["--join".to_owned(), founder.ports.peer.to_string()],
        };
        let child = Some(self.spawn(node, &founding)?);
        let log = self.data.join(format!("{}.log", node.name));
        self.nodes.push(NodeProcess { ports: node.clone(), child, log });
        Ok(())
    }

    /// A node's place by its name.
    pub(super) fn place_of(&self, name: &str) -> Result<usize, Failure> {
        let found = self.nodes.iter().position(|node| node.ports.name == name);
        found.ok_or_else(|| Failure::new(format!("{name} is no node of this demo")))
    }

    /// A node's name.
    pub(super) fn name(&self, node: usize) -> &str {
        &self.nodes[node].ports.name
    }

    /// Ends a node as a power cut would: it is told nothing.
    pub(super) async fn kill(&mut self, node: usize) -> Result<(), Failure> {
        let node = &mut self.nodes[node];
        let Some(mut child) = node.child.take() else { return Ok(()) };
        let name = &node.ports.name;
        child.kill().await.map_err(|error| Failure::new(format!("{name} can't be killed: {error}")))
    }

    /// Starts a node that was killed. It needs to be told nothing but its addresses.
    pub(super) fn start_again(&mut self, node: usize) -> Result<(), Failure> {
        if self.nodes[node].child.is_none() {
            let child = self.spawn(&self.nodes[node].ports, &[])?;
            self.nodes[node].child = Some(child);
        }
        Ok(())
    }

    /// Deletes everything that a killed node has stored, but for who it is.
    pub(super) fn lose_store(&self, node: usize) -> Result<PathBuf, Failure> {
        let store = self.data.join(&self.nodes[node].ports.name).join("store");
        std::fs::remove_dir_all(&store).map_err(|error| {
            Failure::new(format!("{} can't be deleted: {error}", store.display()))
        })?;
        Ok(store)
    }

    /// The processes' ids.
    pub(super) fn pids(&self) -> Vec<u32> {
        self.nodes.iter().filter_map(|node| node.child.as_ref()?.id()).collect()
    }

    /// Where a node's log is.
    pub(super) fn log(&self, node: &NodePorts) -> String {
        self.data.join(format!("{}.log", node.name)).display().to_string()
    }

    /// An error if a node has ended by itself: not one that was killed.
    pub(super) fn check(&mut self) -> Result<(), Failure> {
        for node in &mut self.nodes {
            let ended = node.child.as_mut().map(Child::try_wait);
            if let Some(Ok(Some(status))) = ended {
                return Err(node.ended(status));
            }
        }
        Ok(())
    }

    /// Waits until no node is left. Whoever tries out what a dead node does kills one: it is told of,
    /// with the command that starts it again, and the others go on.
    pub(super) async fn watch(&mut self, narrator: &Narrator) -> Ended {
        loop {
            for node in &mut self.nodes {
                let ended = node.child.as_mut().map(Child::try_wait);
                let Some(Ok(Some(status))) = ended else { continue };
                node.child = None;
                narrator.say(&format!("\n{}", node.ended(status)))?;
                narrator.say(&format!("  start it again with: {}", node.command(&self.data)))?;
            }
            if self.nodes.iter().all(|node| node.child.is_none()) {
                return Err(Failure::new("no node is left"));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Asks all nodes to stop, waits, and kills those that do not.
    pub(super) async fn stop(&mut self) {
        for node in &self.nodes {
            let pid = node
                .child
                .as_ref()
                .and_then(Child::id)
                .and_then(|id| Pid::from_raw(id.cast_signed()));
            // A process that has ended by itself needs no signal.
            let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
        }
        let deadline = tokio::time::Instant::now() + STOPS_WITHIN;
        for child in self.nodes.iter_mut().filter_map(|node| node.child.as_mut()) {
            if tokio::time::timeout_at(deadline, child.wait()).await.is_err() {
                let _ = child.kill().await;
            }
        }
    }

    fn spawn(&self, node: &NodePorts, founding: &[String]) -> Result<Child, Failure> {
        let failed = |what: &str, error: std::io::Error| {
            Failure::new(format!("{} can't be started: {what}: {error}", node.name))
        };
        let log = self.data.join(format!("{}.log", node.name));
        let written = File::options().create(true).append(true).open(&log);
        let written = written.map_err(|error| failed("its log", error))?;
        let binary = std::env::current_exe().map_err(|error| failed("its binary", error))?;
        let mut command = Command::new(binary);
        command.arg("serve").args(["--name", &node.name, "--data"]);
        command.arg(self.data.join(&node.name));
        command.args(["--peer", &node.peer.to_string(), "--http", &node.http.to_string()]);
        command.args(["--resp", &node.resp.to_string()]);
        // Even a demo that is killed outright leaves no node behind.
        command.args(["--shards", "1", "--cache-bytes", CACHE_BYTES]);
        command.args(["--stop-with-parent", &std::process::id().to_string()]);
        command.args(founding);
        // What this shell sets for a node of its own is not meant for these.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("STATOR_") {
                command.env_remove(name);
            }
        }
        command.env("STATOR_SECRET_FILE", &self.secret);
        // A group of its own: Ctrl-C reaches the demo alone, which then stops its nodes in order.
        command.process_group(0).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(written);
        command.spawn().map_err(|error| failed("its process", error))
    }
}

impl NodeProcess {
    /// What to type to start the node by hand.
    fn command(&self, data: &Path) -> String {
        let NodePorts { name, peer, http, resp } = &self.ports;
        let (secret, data) = (data.join("secret"), data.join(name));
        format!(
            "STATOR_SECRET_FILE={} stator serve --name {name} --data {} --peer {peer} --http {http} \
             --resp {resp}",
            secret.display(),
            data.display()
        )
    }

    fn ended(&self, status: ExitStatus) -> Failure {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(5).collect();
        let last = lines.into_iter().rev().collect::<Vec<_>>().join("\n  ");
        Failure::new(format!(
            "{} ended by itself ({status}); its log's end:\n  {last}",
            self.ports.name
        ))
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
