//! Why a cluster has not converged.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::output;

/// One thing that stands in the way. Nodes are named by their names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Reason {
    /// The node that was asked first knows no ring.
    NoRing,
    /// A member could not be asked.
    NotAsked {
        /// Which.
        node: String,
        /// Why not.
        cause: String,
    },
    /// A node does not know the newest ring.
    OlderRing {
        /// Which.
        node: String,
        /// What it knows.
        knows: u64,
        /// The newest that anybody knows.
        newest: u64,
    },
    /// Some of a node's shards gave no answer.
    SilentShards {
        /// Which node.
        node: String,
        /// How many.
        shards: u64,
    },
    /// A node holds hints.
    Hints {
        /// Which.
        node: String,
        /// For whom.
        #[serde(rename = "for")]
        owner: String,
        /// How many objects.
        objects: u64,
        /// Their bytes.
        bytes: u64,
    },
    /// A node has not counted its hints yet.
    CountingHints {
        /// Which.
        node: String,
    },
    /// A node has objects that are set aside as damaged.
    SetAside {
        /// Which.
        node: String,
        /// How many.
        objects: u64,
    },
    /// A node has not built all its Merkle trees yet.
    BuildingTrees {
        /// Which.
        node: String,
        /// How many are missing.
        partitions: u64,
    },
    /// The replicas of a partition are not alike.
    Differs {
        /// Which.
        partition: u32,
        /// What its replicas hold, by node.
        roots: BTreeMap<String, String>,
    },
    /// Nobody is a replica of these partitions, although all were asked.
    Unowned {
        /// How many.
        partitions: u64,
    },
    /// The replicas agreed at each look, and what they hold changed from one to the next.
    Changing,
    /// The node that names the members could not be asked again.
    Lost {
        /// Why not.
        cause: String,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRing => f.write_str("the node knows no ring: plan and commit its join"),
            Self::NotAsked { node, cause } => write!(f, "{node} can't be asked: {cause}"),
            Self::OlderRing { node, knows, newest } => {
                write!(f, "{node} knows ring version {knows}, and {newest} is the newest")
            }
            Self::SilentShards { node, shards } => {
                write!(f, "{shards} shards of {node} did not answer in time")
            }
            Self::Hints { node, owner, objects, bytes } => {
                let size = output::size(*bytes);
                write!(f, "{node} holds {objects} hints for {owner} ({size})")
            }
            Self::CountingHints { node } => write!(f, "{node} still counts the hints it holds"),
            Self::SetAside { node, objects } => {
                write!(f, "{node} has {objects} damaged objects set aside")
            }
            Self::BuildingTrees { node, partitions } => {
                write!(f, "{node} is still building the trees of {partitions} partitions")
            }
            Self::Differs { partition, roots } => {
                write!(f, "partition {partition} differs: {}", alike(roots))
            }
            Self::Unowned { partitions } => {
                write!(f, "nobody is a replica of {partitions} partitions")
            }
            Self::Changing => f.write_str(
                "the replicas agree, and what they hold changes while they are asked: writes go on",
            ),
            Self::Lost { cause } => write!(f, "the members are not known any more: {cause}"),
        }
    }
}

/// Which nodes are alike, by the beginnings of their roots: `n1, n2 at 0a1b2c3d; n3 at 00000000`.
fn alike(roots: &BTreeMap<String, String>) -> String {
    let mut nodes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (node, root) in roots {
        nodes.entry(root).or_default().push(node);
    }
    let groups = nodes.into_iter().map(|(root, nodes)| {
        let beginning: String = root.chars().take(8).collect();
        format!("{} at {beginning}", nodes.join(", "))
    });
    groups.collect::<Vec<_>>().join("; ")
}
