//! The three strategies: from their settings to each node's part of the load.

use std::fmt;

use bytes::BytesMut;
use stator_core::identity::{ClusterId, NodeId};
use stator_core::membership::facts::StagedChange;
use stator_core::ring::{Change, Member, Ring, Weight, plan};
use stator_core::token::PartitionCount;

use crate::draw::Draw;
use crate::popularity::{Popularity, token};

/// A token as strategies 1 and 2 keep it: sixteen bytes, and one for its node.
const BYTES_PER_TOKEN: usize = 16 + 1;
/// Strategy 2: so many partitions for each token, at least; "Q is usually set such that Q >> N and
/// Q >> S*T" (6.2).
const PARTITIONS_PER_TOKEN: usize = 8;

/// A strategy and its setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// 1: so many random tokens per node, which are also the bounds of partitions.
    Tokens(usize),
    /// 2: so many random tokens per node, and equal partitions.
    TokensAndPartitions(usize),
    /// 3: so many equal partitions, placed by plan.
    Plan(PartitionCount),
}

impl Strategy {
    /// Its number in the paper.
    pub const fn number(self) -> u8 {
        match self {
            Self::Tokens(_) => 1,
            Self::TokensAndPartitions(_) => 2,
            Self::Plan(_) => 3,
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tokens(tokens) | Self::TokensAndPartitions(tokens) => write!(f, "T={tokens}"),
            Self::Plan(partitions) => write!(f, "Q={}", partitions.get()),
        }
    }
}

/// How many nodes there are, and how many of them hold each key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// S.
    pub nodes: usize,
    /// N.
    pub replicas: u8,
}

/// Who owns what, however that was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Ranges of tokens, each from where the one before ends (the first from 0), up to but not
    /// including this, or to the end of all tokens.
    ends: Vec<Option<u128>>,
    /// Who holds each of them, by their place.
    owners: Vec<Vec<usize>>,
    /// What every node must know of it.
    pub bytes: usize,
    nodes: usize,
}

impl Placement {
    /// Places everything anew.
    pub fn new(strategy: Strategy, size: Size, draw: &mut Draw) -> Self {
        match strategy {
            Strategy::Tokens(each) => by_tokens(&Tokens::draw(each, size, draw)),
            Strategy::TokensAndPartitions(each) => {
                by_tokens_and_partitions(&Tokens::draw(each, size, draw))
            }
            Strategy::Plan(partitions) => by_plan(&grown(partitions, size, draw)),
        }
    }

    /// Each node's part of the requests: how many of all it serves as a replica.
    pub fn loads(&self, popularity: &Popularity) -> Vec<f64> {
        let mut loads = vec![0.0; self.nodes];
        let mut before = 0.0;
        for (end, owners) in self.ends.iter().zip(&self.owners) {
            let until = end.map_or(1.0, |end| popularity.below(end));
            for node in owners {
                loads[*node] += until - before;
            }
            before = until;
        }
        loads
    }
}

/// All nodes' tokens, in order.
struct Tokens {
    all: Vec<(u128, usize)>,
    size: Size,
}

impl Tokens {
    fn draw(each: usize, size: Size, draw: &mut Draw) -> Self {
        let owners = (0..size.nodes).flat_map(|node| std::iter::repeat_n(node, each));
        let mut all: Vec<(u128, usize)> = owners.map(|node| (token(draw), node)).collect();
        all.sort_unstable();
        Self { all, size }
    }

    /// The first N distinct nodes on the ring, beginning with the token at this place.
    fn walk(&self, place: usize) -> Vec<usize> {
        let wanted = self.size.nodes.min(usize::from(self.size.replicas));
        let mut owners = Vec::with_capacity(wanted);
        let around = self.all.iter().cycle().skip(place % self.all.len()).take(self.all.len());
        for (_, node) in around {
            if !owners.contains(node) {
                owners.push(*node);
            }
            if owners.len() == wanted {
                break;
            }
        }
        owners
    }

    const fn bytes(&self) -> usize {
        self.all.len() * BYTES_PER_TOKEN
    }
}

fn by_tokens(tokens: &Tokens) -> Placement {
    // The range up to and including a token is its own; what is beyond the last is the first's.
    let ends = tokens.all.iter().map(|(token, _)| token.checked_add(1)).chain([None]).collect();
    let owners = (0..=tokens.all.len()).map(|place| tokens.walk(place)).collect();
    Placement { ends, owners, bytes: tokens.bytes(), nodes: tokens.size.nodes }
}

fn by_tokens_and_partitions(tokens: &Tokens) -> Placement {
    let count = (tokens.all.len() * PARTITIONS_PER_TOKEN).next_power_of_two();
    let partitions = PartitionCount::new(count as u32).expect("fewer than the most there may be");
    let last = |partition| partitions.range_of(partition).1.get();
    let ends = partitions.all().map(|partition| last(partition).checked_add(1)).collect();
    let owner =
        |partition| tokens.walk(tokens.all.partition_point(|(token, _)| *token <= last(partition)));
    let owners = partitions.all().map(owner).collect();
    Placement { ends, owners, bytes: tokens.bytes(), nodes: tokens.size.nodes }
}

/// A ring of the planner's, which one node after the other has joined. Ids are drawn.
pub fn grown(partitions: PartitionCount, size: Size, draw: &mut Draw) -> Ring {
    let member = |place: usize| Member {
        name: format!("n{}", place + 1),
        zone: String::new(),
        weight: Weight::DEFAULT,
    };
    let founder = NodeId::new(draw.bits());
    let mut ring = Ring::found(ClusterId::new(1), partitions, size.replicas, founder, member(0));
    for place in 1..size.nodes {
        let Member { name, zone, weight } = member(place);
        let change = StagedChange::Join { name, zone, weight };
        let changes = [Change { node: NodeId::new(draw.bits()), change }];
        ring = plan(&ring, &changes).expect("64 random bits differ, and names do").ring;
    }
    ring
}

fn by_plan(ring: &Ring) -> Placement {
    let places: Vec<NodeId> = ring.members.keys().copied().collect();
    let place = |node: &NodeId| places.binary_search(node).expect("members alone own partitions");
    let last = |partition| ring.partitions.range_of(partition).1.get();
    Placement {
        ends: ring.partitions.all().map(|partition| last(partition).checked_add(1)).collect(),
        owners: ring.table.iter().map(|list| list.iter().map(place).collect()).collect(),
        bytes: encoded(ring) - encoded(&Ring { table: Vec::new(), ..ring.clone() }),
        nodes: places.len(),
    }
}

fn encoded(ring: &Ring) -> usize {
    let mut bytes = BytesMut::new();
    stator_wire::proto::encode_ring(ring, &mut bytes);
    bytes.len()
}
