//! One node of a small world: a shard of the production core, its disk, and what the shell would
//! remember for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use stator_core::budget::BytesPerSecond;
use stator_core::collection::COLLECT_EVERY;
use stator_core::effect::{Input, Timer};
use stator_core::identity::BootNumber;
use stator_core::node::LOOK_AT_MOST;
use stator_core::node::{HintLimits, Shard, ShardConfig, StoreStanding};
use stator_core::view::View;

use crate::disk::{Cut, Disk};
use crate::draw::Draw;
use crate::event::Process;
use crate::history::CallId;
use crate::layout::Layout;
use crate::node::{Namer, request_of};

/// One node. Its `Debug` text is all that it consists of, and so what states are compared by.
#[derive(Clone, Debug)]
pub(super) struct Host {
    pub(super) place: usize,
    /// Counts its starts.
    pub(super) boot: u64,
    /// None while it is down.
    pub(super) shard: Option<Shard>,
    pub(super) disk: Disk,
    /// Peers that it has a connection to, and to which of their starts.
    pub(super) connected: BTreeMap<usize, u64>,
    /// Timers that are set and not pointless, with the calls that they were set for.
    pub(super) timers: BTreeMap<Timer, CallId>,
    /// Calls that it has not answered.
    pub(super) open: BTreeSet<CallId>,
    /// The calls behind the requests that its shard has named.
    pub(super) requests: BTreeMap<u64, CallId>,
}

impl Host {
    /// A node that has been started for the first time.
    pub(super) fn new(place: usize, layout: &Layout) -> Self {
        let mut host = Self {
            place,
            boot: 0,
            shard: None,
            disk: Disk::default(),
            connected: BTreeMap::new(),
            timers: BTreeMap::new(),
            open: BTreeSet::new(),
            requests: BTreeMap::new(),
        };
        host.start(layout);
        host
    }

    /// Its process as it is now.
    pub(super) const fn process(&self) -> Process {
        Process { node: self.place, boot: self.boot }
    }

    pub(super) const fn is_up(&self) -> bool {
        self.shard.is_some()
    }

    /// Whether this is its process, and alive.
    pub(super) fn runs(&self, process: Process) -> bool {
        self.is_up() && self.process() == process
    }

    /// Starts a new process on the disk that it has.
    pub(super) fn start(&mut self, layout: &Layout) {
        self.boot += 1;
        let me = layout.nodes[self.place];
        let view = View {
            ring: Some(Arc::clone(&layout.ring)),
            buckets: Arc::clone(&layout.buckets),
            ..View::alone(me)
        };
        let config = ShardConfig {
            me,
            shard: 0,
            shards: 1,
            sealer: layout.sealer.clone(),
            boot: BootNumber(1),
            store: StoreStanding::Kept,
            hint_limits: HintLimits::default(),
            cache_bytes: 1 << 20,
            scrub_interval: Duration::from_hours(1),
            look_at_most: LOOK_AT_MOST,
            collect_every: COLLECT_EVERY,
            background: BytesPerSecond::DEFAULT_CEILING,
            max_requests: 1_000,
        };
        // The generator is the same in every world, and all that it has given out is in the state:
        // where two states are alike, what it will give is alike too.
        let draw = Draw::of_seed(0).child(&format!("node {} boot {}", self.place, self.boot));
        self.shard = Some(Shard::new(config, draw.into_random(), Arc::new(view)));
    }

    /// Its process dies, and of its unsynced batches only the first `survivors` remain. Returns the
    /// calls that it has not answered.
    pub(super) fn die(&mut self, survivors: usize) -> BTreeSet<CallId> {
        self.shard = None;
        self.disk.crash(Cut { survivors, torn: false });
        self.connected.clear();
        self.timers.clear();
        self.requests.clear();
        std::mem::take(&mut self.open)
    }

    /// The call that an input is about; `asked_for` is the call of a frame that asks for something.
    pub(super) fn call_behind(&self, input: &Input, asked_for: Option<CallId>) -> Option<CallId> {
        if let Input::Client(request) = input {
            return Some(CallId(request.id.0));
        }
        match request_of(input)? {
            (Namer::Me, request) => self.requests.get(&request).copied(),
            (Namer::Peer(_), _) => asked_for,
        }
    }

    /// Nothing is under way here for a call any more.
    pub(super) fn forget(&mut self, call: CallId) {
        self.timers.retain(|_, of| *of != call);
        self.requests.retain(|_, of| *of != call);
    }
}
