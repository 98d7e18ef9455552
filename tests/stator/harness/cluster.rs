//! Nodes that are one cluster, made by hand as the manual says.

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Node, Request, stderr, stdout, until};

/// A cluster; its nodes end with it.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Node>,
    pub(crate) dir: TempDir,
}

impl Cluster {
    /// `serve --init`, two `serve --join`, `cluster plan`, `cluster commit`.
    pub(crate) fn three() -> Self {
        Self::of(3)
    }

    /// The same with so many nodes.
    pub(crate) fn of(count: usize) -> Self {
        Self::founded_with(count, &["--init"])
    }

    /// The same, whose first node is started with these flags.
    pub(crate) fn founded_with(count: usize, flags: &[&str]) -> Self {
        Self::started_with(count, flags, &[])
    }

    /// The same, all of whose nodes are started with these flags.
    #[cfg(feature = "otlp")]
    pub(crate) fn of_all_with(count: usize, flags: &[&str]) -> Self {
        Self::started_with(count, &["--init"], flags)
    }

    fn started_with(count: usize, first: &[&str], all: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut nodes: Vec<Node> =
            (1..=count).map(|number| Node::new(dir.path(), &format!("n{number}"))).collect();
        nodes[0].start(&[first, all].concat());
        let joins = ["--join", &nodes[0].peer.clone()];
        nodes[1..].iter_mut().for_each(|node| node.start(&[&joins, all].concat()));
        let cluster = Self { nodes, dir };
        let version = cluster.planned();
        let committed = cluster.nodes[0].cli(&["cluster", "commit", "--version", &version]);
        assert!(committed.status.success(), "{}", stderr(&committed));
        cluster.nodes.iter().for_each(Self::wait_settled);
        cluster.wait_ready();
        cluster
    }

    /// Waits until the plan takes in both joins, and reads the version to commit from the command
    /// that it shows.
    fn planned(&self) -> String {
        until("all joins are staged", || {
            let plan = self.nodes[0].cli(&["cluster", "plan"]);
            let text = stdout(&plan);
            if text.lines().filter(|line| line.starts_with("join ")).count() + 1 < self.nodes.len()
            {
                return None;
            }
            let command = text.lines().find(|line| line.starts_with("commit it with:"))?;
            Some(command.rsplit_once("--version ")?.1.to_owned())
        })
    }

    /// Waits until a node is a member and knows that nothing moves any more.
    pub(crate) fn wait_settled(node: &Node) {
        until(&format!("{} sees a settled ring", node.name), || {
            let answer = Request::get("/v1/cluster").try_send(&node.http)?;
            let document: Value = serde_json::from_slice(&answer.body).ok()?;
            let is_member = document["ring_version"].as_u64()? > 1;
            (is_member && document["transition"].is_null()).then_some(())
        });
    }

    /// Waits until every node serves and sees all members up.
    pub(crate) fn wait_ready(&self) {
        for node in &self.nodes {
            until(&format!("{} serves the whole cluster", node.name), || {
                let ready = Request::get("/readyz").try_send(&node.http)?;
                let members = Self::states(node)?;
                let all_up = members.len() == self.nodes.len()
                    && members.iter().all(|(_, state)| state == "up");
                (ready.status == 200 && all_up && Self::reaches_all(node)).then_some(())
            });
        }
    }

    /// Whether a node reaches all replicas of a few absent keys, so that every shard is connected:
    /// a node is ready before the others have noticed that it is back.
    fn reaches_all(node: &Node) -> bool {
        (0..8).all(|number| {
            let probe = Request::get(format!("/v1/kv/absent/{number}?r=all"));
            probe.try_send(&node.http).is_some_and(|answer| answer.status == 404)
        })
    }

    /// Waits until a node sees another one as down.
    pub(crate) fn wait_down(&self, seen_by: usize, down: &str) {
        let node = &self.nodes[seen_by];
        until(&format!("{} sees {down} down", node.name), || {
            let members = Self::states(node)?;
            members.iter().any(|(name, state)| name == down && state == "down").then_some(())
        });
    }

    /// Members by name, with their states, as a node sees them.
    pub(crate) fn states(node: &Node) -> Option<Vec<(String, String)>> {
        let answer = Request::get("/v1/cluster").try_send(&node.http)?;
        let document: Value = serde_json::from_slice(&answer.body).ok()?;
        let members = document["members"].as_array()?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        members
            .iter()
            .map(|member| Some((text(&member["name"])?, text(&member["state"])?)))
            .collect()
    }
}
