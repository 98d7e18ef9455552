//! Five nodes behind proxies, and the test's runtime.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::network::{Network, PROXIES};
use crate::harness::{Cluster, Node, Request, stderr, stdout, until};

/// How long healing may take: a write that reached two of three and left no hint (its coordinator
/// was killed) waits for the exchange of its partition, which comes every minute, give or take a
/// quarter.
const CONVERGES: Duration = Duration::from_secs(100);

/// Nodes of the cluster.
pub(super) const NODES: usize = 5;

/// The cluster; its processes end with it. When the test fails, its directory stays.
pub(super) struct Five {
    pub(super) nodes: Vec<Node>,
    pub(super) network: Arc<Network>,
    dir: TempDir,
}

impl Five {
    /// Five members behind proxies, all up.
    pub(super) fn new(runtime: &Runtime) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let node = |number| Node::new(dir.path(), &format!("n{number}"));
        let nodes: Vec<Node> = (1..=NODES).map(node).collect();
        let network = runtime.block_on(Network::before(&nodes));
        let mut five = Self { nodes, network, dir };
        five.launch(0, &["--init"]);
        let port = five.nodes[0].peer.rsplit_once(':').expect("an address has a port").1;
        let first = format!("{PROXIES}:{port}");
        for place in 1..NODES {
            five.launch(place, &["--join", &first]);
        }
        let version = five.planned();
        let committed = five.nodes[0].cli(&["cluster", "commit", "--version", &version]);
        assert!(committed.status.success(), "{}", stderr(&committed));
        five.nodes.iter().for_each(Cluster::wait_settled);
        five.wait_ready();
        five
    }

    fn launch(&mut self, place: usize, more: &[&str]) {
        // Nodes must not outlive a test that was killed. The system watches the thread that
        // started them, so that all starting is done on the test's own.
        let parent = std::process::id().to_string();
        let own = ["--advertise", PROXIES, "--stop-with-parent", &parent];
        self.nodes[place].start(&[&own, more].concat());
    }

    /// Starts a node that was killed.
    pub(super) fn restart(&mut self, place: usize) {
        self.launch(place, &[]);
    }

    /// Kills a node, deletes its store, starts it, and waits until all see it.
    pub(super) fn lose_store(&mut self, place: usize) {
        self.nodes[place].kill();
        let store = self.nodes[place].data.join("store");
        std::fs::remove_dir_all(store).expect("a node that ran has a store");
        self.restart(place);
        self.wait_ready();
    }

    /// Sends a signal to a node's process.
    pub(super) fn signal(&self, place: usize, signal: Signal) {
        let pid = Pid::from_raw(self.nodes[place].pid().cast_signed()).expect("not zero");
        kill_process(pid, signal).expect("the process is ours");
    }

    /// Fails if a node that nobody has killed has ended.
    pub(super) fn assert_runs(&self, place: usize) {
        let node = &self.nodes[place];
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", node.pid()));
        let stat = stat.expect("a child that nobody has waited for is listed");
        // The state follows the program's name, which stands in brackets.
        let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
        assert!(state != Some('Z'), "{} ended by itself:\n{}", node.name, node.logged());
    }

    fn planned(&self) -> String {
        until("all joins are staged", || {
            let text = stdout(&self.nodes[0].cli(&["cluster", "plan"]));
            let joins = text.lines().filter(|line| line.starts_with("join ")).count();
            let command = text.lines().find(|line| line.starts_with("commit it with:"))?;
            (joins == NODES - 1).then_some(())?;
            Some(command.rsplit_once("--version ")?.1.to_owned())
        })
    }

    /// Waits until every node serves and sees all members up.
    pub(super) fn wait_ready(&self) {
        for node in &self.nodes {
            until(&format!("{} serves a cluster of five", node.name), || {
                let ready = Request::get("/readyz").try_send(&node.http)?;
                let members = Cluster::states(node)?;
                let all_up = members.iter().all(|(_, state)| state == "up");
                (ready.status == 200 && members.len() == NODES && all_up).then_some(())
            });
        }
    }

    /// Waits until no hint is held anywhere and all replicas of every partition are alike; the
    /// refusal of `stator verify` if they are not in time.
    pub(super) fn converge(&self) -> Result<(), String> {
        let seconds = format!("{}s", CONVERGES.as_secs());
        let verified = self.nodes[0].cli(&["verify", "--timeout", &seconds]);
        if verified.status.success() {
            return Ok(());
        }
        Err(format!("not converged after {seconds}: {}{}", stdout(&verified), stderr(&verified)))
    }

    /// Keeps data and logs for whoever looks into a failure, and adds a file.
    pub(super) fn keep(&mut self, file: &str, text: &str) {
        self.dir.disable_cleanup(true);
        let path = self.dir.path().join(file);
        if let Err(error) = std::fs::write(&path, text) {
            eprintln!("{} can't be written: {error}", path.display());
        }
    }
}

impl Drop for Five {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.dir.disable_cleanup(true);
            eprintln!("logs and data of the nodes are kept in {}", self.dir.path().display());
        }
    }
}
