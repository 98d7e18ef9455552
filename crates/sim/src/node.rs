//! A simulated node: its shards, its disk, its clocks, and what it knows of its peers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use stator_core::budget::BytesPerSecond;
use stator_core::effect::{Input, Timer};
use stator_core::identity::{BootNumber, NodeId};
use stator_core::membership::effect::MembershipEffect;
use stator_core::message::ShardMessage;
use stator_core::node::{HintLimits, Shard, ShardConfig, StoreStanding};
use stator_core::standing::mark_lost;
use stator_core::store::Batch;
use stator_core::time::{Instant, Now, WallTime};
use stator_core::token::Partition;
use stator_core::view::{Suspicion, View};

use crate::disk::Disk;
use crate::draw::Draw;
use crate::event::Process;
use crate::history::CallId;
use crate::layout::Layout;
use crate::members::Member;
use crate::pace::Pace;

/// The wall clock when a run begins, in milliseconds since the epoch.
const WALL_START: u64 = 1_790_000_000_000;

/// How far a stop in good order has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Nobody stops it.
    NotAsked,
    /// It takes no more calls, and answers those that it has.
    TakesNoCalls,
    /// Its shards were told.
    ShardsTold,
}

/// What a node takes at most.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Requests under way in one shard.
    pub requests: usize,
    /// Hints of one shard.
    pub hints: HintLimits,
}

/// One node.
#[derive(Debug)]
pub struct Node {
    /// Its place.
    pub place: usize,
    /// Counts its starts.
    pub boot: u64,
    /// Its shards; none while it is down.
    pub shards: Vec<Shard>,
    /// Its disk.
    pub disk: Disk,
    /// While it stands still: until when.
    pub paused_until: Option<Instant>,
    /// How much longer everything that it sends takes.
    pub slowness: Duration,
    /// How much longer its disk takes.
    pub disk_slowness: Duration,
    /// How far its wall clock is ahead, in milliseconds.
    pub wall_ahead: i64,
    /// Peers that it has a connection to, and to which of their starts.
    pub connected: BTreeMap<usize, u64>,
    /// Peers that it holds to be down.
    pub suspected: BTreeMap<usize, Suspicion>,
    /// Calls that it has not answered.
    pub open: BTreeSet<CallId>,
    /// The last time at which something was wrong with it.
    pub troubled_at: Instant,
    /// How many effects of its next turn are carried out before it dies in the middle of it.
    pub doomed: Option<usize>,
    /// How far an operator's stop of it has come.
    pub stop: Stop,
    /// Whether its disk was lost, or set aside, since it last ran.
    pub store_lost: bool,
    /// Whether only the reserve of its disk is left.
    pub disk_reserved: bool,
    /// Its membership, where rings change.
    pub member: Option<Member>,
    /// Whether it has not come yet, or will not come back.
    pub is_away: bool,
    started: Instant,
    draw: Draw,
}

impl Node {
    /// A node that has never run.
    pub fn new(place: usize, draw: Draw) -> Self {
        Self {
            place,
            boot: 0,
            shards: Vec::new(),
            disk: Disk::default(),
            paused_until: None,
            slowness: Duration::ZERO,
            disk_slowness: Duration::ZERO,
            wall_ahead: 0,
            connected: BTreeMap::new(),
            suspected: BTreeMap::new(),
            open: BTreeSet::new(),
            troubled_at: Instant::default(),
            doomed: None,
            stop: Stop::NotAsked,
            store_lost: false,
            disk_reserved: false,
            member: None,
            is_away: false,
            started: Instant::default(),
            draw,
        }
    }

    /// Whether its process exists.
    pub fn is_up(&self) -> bool {
        !self.shards.is_empty()
    }

    /// Its process as it is now.
    pub const fn process(&self) -> Process {
        Process { node: self.place, boot: self.boot }
    }

    /// Starts its process on the disk that it has: new shards, fresh actor ids. Returns what its
    /// membership wants done, if it has one.
    pub fn start(
        &mut self,
        at: Instant,
        layout: &Layout,
        limits: Limits,
        pace: Pace,
    ) -> Vec<MembershipEffect> {
        self.boot += 1;
        self.started = at;
        self.troubled_at = at;
        self.connected.clear();
        self.suspected.clear();
        self.stop = Stop::NotAsked;
        self.disk_reserved = false;
        let store = self.claim_store(layout);
        let now = self.now(at);
        let draw = self.draw.child(&format!("boot {} membership", self.boot));
        let place = (self.place, layout);
        let member = self.member.as_mut();
        let effects = member.map(|member| member.start((self.boot, now), place, draw));
        let view = Arc::new(self.view(layout));
        let count = layout.shards[self.place];
        let shard = |shard| {
            let name = format!("boot {} shard {shard}", self.boot);
            let config = ShardConfig {
                me: layout.nodes[self.place],
                shard,
                shards: count,
                sealer: layout.sealer.clone(),
                boot: BootNumber(self.boot),
                store,
                hint_limits: limits.hints,
                cache_bytes: pace.cache_bytes,
                scrub_interval: pace.look_every,
                look_at_most: pace.look_at_most,
                collect_every: pace.collect_every,
                background: BytesPerSecond::DEFAULT_CEILING,
                max_requests: limits.requests,
            };
            Shard::new(config, self.draw.child(&name).into_random(), Arc::clone(&view))
        };
        self.shards = (0..count).map(shard).collect();
        effects.unwrap_or_default()
    }

    /// As production does: a store that was lost is marked together with what does not count in it.
    fn claim_store(&mut self, layout: &Layout) -> StoreStanding {
        if !std::mem::take(&mut self.store_lost) {
            return StoreStanding::Kept;
        }
        let mut batch = Batch::new();
        let (known, left) = self.member.as_ref().map(Member::rings).unwrap_or_default();
        let (ring, left) = (known.unwrap_or(&layout.ring), left.map(AsRef::as_ref));
        mark_lost(&mut batch, ring, left, layout.nodes[self.place]);
        self.disk.write_now(batch);
        StoreStanding::Lost
    }

    /// Its process is gone, and with it everything that is not on disk. Returns the calls that it
    /// has not answered.
    pub fn die(&mut self, at: Instant) -> BTreeSet<CallId> {
        self.shards.clear();
        self.paused_until = None;
        self.slowness = Duration::ZERO;
        self.doomed = None;
        self.troubled_at = at;
        self.connected.clear();
        std::mem::take(&mut self.open)
    }

    /// The cluster as it sees it.
    pub fn view(&self, layout: &Layout) -> View {
        if let Some(member) = &self.member {
            return (**member.view()).clone();
        }
        let suspected = self.suspected.iter().map(|(&place, &how)| (layout.nodes[place], how));
        View {
            ring: Some(Arc::clone(&layout.ring)),
            buckets: Arc::clone(&layout.buckets),
            suspected: Arc::new(suspected.collect()),
            ..View::alone(layout.nodes[self.place])
        }
    }

    /// Its clocks.
    pub fn now(&self, at: Instant) -> Now {
        let wall = WALL_START + at.as_micros() / 1_000;
        Now {
            instant: Instant::from_micros(at.as_micros() - self.started.as_micros()),
            wall: WallTime::from_millis(wall.saturating_add_signed(self.wall_ahead)),
        }
    }

    /// The world's time at which its own clock shows `instant`.
    pub fn world_time(&self, instant: Instant) -> Instant {
        self.started.after(Duration::from_micros(instant.as_micros()))
    }

    /// The shard that a frame is for.
    pub fn shard_for(&self, layout: &Layout, message: &ShardMessage) -> u8 {
        let shard = match message {
            ShardMessage::Replicate { key, .. } | ShardMessage::Read { key, .. } => {
                layout.shard_of(self.place, key)
            }
            ShardMessage::ForwardPut { order, .. } => layout.shard_of(self.place, &order.key),
            ShardMessage::List { order, .. } => self.shard_of(layout, order.partition),
            ShardMessage::Exchange { partition, .. } | ShardMessage::Collect { partition, .. } => {
                self.shard_of(layout, *partition)
            }
            ShardMessage::Replicated { request, .. }
            | ShardMessage::ReadAnswered { request, .. }
            | ShardMessage::PutAnswered { request, .. }
            | ShardMessage::Listed { request, .. }
            | ShardMessage::ExchangeAnswered { request, .. }
            | ShardMessage::Collected { request, .. } => request.shard(),
        };
        shard % layout.shards[self.place]
    }

    fn shard_of(&self, layout: &Layout, partition: Partition) -> u8 {
        (partition.get() % u32::from(layout.shards[self.place])) as u8
    }
}

/// The request that an input belongs to, and whether this node named it (or the sender did).
pub fn request_of(input: &Input) -> Option<(Namer, u64)> {
    match input {
        Input::Peer { from, message } => {
            let (request, asks) = message_request(message);
            Some((if asks { Namer::Peer(*from) } else { Namer::Me }, request))
        }
        Input::NotSent { message, .. } => Some((Namer::Me, message_request(message).0)),
        Input::Timer(Timer::Deadline(request) | Timer::Hedge(request)) => {
            Some((Namer::Me, request.to_bits()))
        }
        _ => None,
    }
}

/// Who named a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namer {
    /// The node that takes the turn.
    Me,
    /// The peer that sent the frame.
    Peer(NodeId),
}

/// The request of a frame, and whether the frame asks for something.
pub fn message_request(message: &ShardMessage) -> (u64, bool) {
    let (request, asks) = match message {
        ShardMessage::Replicate { request, .. }
        | ShardMessage::Read { request, .. }
        | ShardMessage::ForwardPut { request, .. }
        | ShardMessage::List { request, .. }
        | ShardMessage::Exchange { request, .. }
        | ShardMessage::Collect { request, .. } => (request, true),
        ShardMessage::Replicated { request, .. }
        | ShardMessage::ReadAnswered { request, .. }
        | ShardMessage::PutAnswered { request, .. }
        | ShardMessage::Listed { request, .. }
        | ShardMessage::ExchangeAnswered { request, .. }
        | ShardMessage::Collected { request, .. } => (request, false),
    };
    (request.to_bits(), asks)
}
