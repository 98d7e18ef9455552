//! stub: see Shard below
use std::sync::Arc;

use crate::context::Sealer;
use crate::effect::{Effects, Input};
use crate::identity::NodeId;
use crate::random::Random;
use crate::store::ReadStore;
use crate::time::Now;
use crate::view::View;

/// How a shard is set up.
#[derive(Clone, Debug)]
pub struct ShardConfig {
    /// This node.
    pub me: NodeId,
    /// Which shard of the node this is, from 0.
    pub shard: u8,
    /// How many shards the node has: partition p belongs to shard `p mod shards`.
    pub shards: u8,
    /// Seals and opens contexts.
    pub sealer: Sealer,
    /// The most client and forwarded requests under way at once; past it, requests are refused.
    pub max_requests: usize,
}

/// stub
#[derive(Debug)]
pub struct Shard {}

impl Shard {
    /// stub
    pub fn new(_config: ShardConfig, _random: Random, _view: Arc<View>) -> Self { Self {} }
    /// stub
    pub fn step(&mut self, _now: Now, _input: Input, _store: &impl ReadStore, _out: &mut Effects) {}
}
