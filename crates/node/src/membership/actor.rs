//! The actor: feeds the machine what happens and does what it says, in order.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use stator_core::effect::Input;
use stator_core::identity::{ClusterId, NodeId};
use stator_core::membership::Membership;
use stator_core::membership::admin::{AdminId, AdminReply};
use stator_core::membership::effect::{MembershipEffect, MembershipInput, Save, SaveId};
use stator_core::time::{Deadline, Instant};
use stator_core::view::View;
use tokio::sync::oneshot;

use super::peers::{Event, Peers};
use super::thread::Setup;
use super::{AdminCall, MembershipMail};
use crate::inbox::Inbox;
use crate::listener::{Arrival, Listener};
use crate::owner::Owner;
use crate::shard::ShardEvent;
use crate::store_writer::Job;

/// Events that wait past which no more is read from peers.
const INBOX: usize = 1024;

/// The actor's one long task.
pub(super) struct Actor {
    setup: Setup,
    machine: Membership,
    inbox: Arc<Inbox<Event>>,
    peers: Peers,
    timer: Option<Instant>,
    /// Peers that a shard's link has come from.
    dialled_by: BTreeSet<NodeId>,
    /// A cluster that is being made durable: known to the rest of the node once it is.
    cluster_to_come: Option<(SaveId, ClusterId)>,
    operators: HashMap<AdminId, oneshot::Sender<AdminReply>>,
    next_admin: u64,
}

impl Actor {
    pub(super) fn new(setup: Setup, machine: Membership) -> Self {
        let inbox = Arc::new(Inbox::new(INBOX));
        let peers = Peers::new(Arc::clone(&setup.me), Arc::clone(&inbox));
        Self {
            setup,
            machine,
            inbox,
            peers,
            timer: None,
            dialled_by: BTreeSet::new(),
            cluster_to_come: None,
            operators: HashMap::new(),
            next_admin: 0,
        }
    }

    /// Runs until it is dropped.
    pub(super) async fn run(mut self) {
        let listener = match self.listen() {
            Ok(listener) => listener,
            Err(error) => {
                self.setup.failure.fail(format!("the peer port can't be listened on: {error}"));
                return;
            }
        };
        let mut arrivals = listener.run();
        if let Some(cluster) = self.setup.me.cluster.get() {
            self.setup.shards.start(*cluster);
        }
        let mut effects = Vec::new();
        self.machine.start(self.setup.me.clock.now(), &mut effects);
        self.apply(effects).await;
        loop {
            self.peers.flush();
            self.inbox.turned(false);
            let due = self.timer.map(|at| self.setup.me.clock.wake_at(at));
            tokio::select! {
                biased;
                Some(mail) = self.setup.mail.recv() => self.take_mail(mail).await,
                Some(arrival) = arrivals.recv() => self.arrived(arrival).await,
                () = self.inbox.pushed() => {}
                () = sleep_until(due) => {
                    self.timer = None;
                    self.step(MembershipInput::Tick).await;
                }
            }
            while let Some(event) = self.inbox.pop() {
                self.take_event(event).await;
            }
        }
    }

    fn listen(&self) -> std::io::Result<Listener> {
        let listener = tokio::net::TcpListener::from_std(self.setup.listener.try_clone()?)?;
        Ok(Listener::new(Arc::clone(&self.setup.me), listener))
    }

    async fn take_mail(&mut self, mail: MembershipMail) {
        match mail {
            MembershipMail::Input(input) => self.step(input).await,
            MembershipMail::Saved(id) => {
                self.cluster_is_durable(id).await;
                self.step(MembershipInput::Saved(id)).await;
            }
            MembershipMail::Admin(AdminCall { request, timeout, reply }) => {
                self.operators.retain(|_, reply| !reply.is_closed());
                self.next_admin += 1;
                let id = AdminId(self.next_admin);
                self.operators.insert(id, reply);
                let deadline = Deadline::after(self.setup.me.clock.instant(), timeout);
                self.step(MembershipInput::Admin { id, request, deadline }).await;
            }
        }
    }

    async fn take_event(&mut self, event: Event) {
        let input = match event {
            Event::Input(input) => input,
            Event::Link(event) => {
                let input = self.peers.link_event(event);
                self.check_gate();
                input
            }
            Event::Seed { address, dialled } => {
                let introduction = self.peers.seed_met(&address, *dialled);
                MembershipInput::SeedReached { seed: address, introduction }
            }
        };
        self.step(input).await;
    }

    /// A peer has connected and proved that it has the secret.
    async fn arrived(&mut self, arrival: Arrival) {
        let introduction = arrival.hello.introduction();
        match arrival.into_lane() {
            Ok(crate::listener::Lanes::Membership { incoming, permit }) => {
                self.peers.read(introduction.node, incoming, permit);
            }
            Ok(crate::listener::Lanes::Shard(accepted)) => {
                self.dialled_by.insert(introduction.node);
                self.check_gate();
                let mailboxes = self.setup.shards.mailboxes();
                let count = mailboxes.len().max(1);
                if let Some(shard) = mailboxes.get(usize::from(accepted.lane) % count) {
                    let _ = shard.events.send(ShardEvent::Accepted(Box::new(accepted))).await;
                }
            }
            Err(error) => {
                tracing::debug!(peer = %introduction.node, %error, "a connection is closed");
            }
        }
        self.step(MembershipInput::Introduced(introduction)).await;
    }

    fn check_gate(&self) {
        let view = self.setup.me.view.load();
        self.setup.gate.check(&view, self.peers.tried(), &self.dialled_by);
    }

    async fn step(&mut self, input: MembershipInput) {
        let mut effects = Vec::new();
        self.machine.step(self.setup.me.clock.now(), input, &mut effects);
        self.apply(effects).await;
    }

    async fn apply(&mut self, effects: Vec<MembershipEffect>) {
        for effect in effects {
            match effect {
                MembershipEffect::Send { to, message } => self.peers.send(to, &message),
                MembershipEffect::Introduce(address) => self.peers.introduce(address),
                MembershipEffect::Reply { id, reply } => {
                    if let Some(operator) = self.operators.remove(&id) {
                        let _ = operator.send(reply);
                    }
                }
                MembershipEffect::Save { id, save } => self.save(id, save),
                MembershipEffect::Publish { view, addresses } => {
                    self.publish(view, &addresses).await;
                }
                MembershipEffect::SetTimer(at) => self.timer = Some(at),
                MembershipEffect::Stop(reason) => self.setup.failure.fail(reason),
                MembershipEffect::Observe(observation) => {
                    self.setup.counters.observe_membership(&observation);
                }
            }
        }
    }

    fn save(&mut self, id: SaveId, save: Save) {
        if let Save::Cluster { cluster, .. } = &save
            && self.setup.me.cluster.get().is_none()
            && self.cluster_to_come.is_none()
        {
            self.cluster_to_come = Some((id, *cluster));
        }
        self.setup.saver.save(id, save);
    }

    /// Once a new cluster's id is on disk the node belongs to it: the store is marked, and shards,
    /// which seal contexts for it, may start.
    async fn cluster_is_durable(&mut self, saved: SaveId) {
        let Some((_, cluster)) = self.cluster_to_come.take_if(|(id, _)| *id <= saved) else {
            return;
        };
        let me = &self.setup.me;
        let _ = me.cluster.set(cluster);
        let owner = Owner { node: me.node, cluster: Some(cluster), boot: me.boot };
        self.setup.writes.push(Job { waits: None, batches: vec![owner.batch()] });
        self.setup.shards.start(cluster);
        let view = me.view();
        let addresses = self.peers.published().clone();
        self.show_shards(&view, &Arc::new(addresses)).await;
    }

    async fn publish(&mut self, view: Arc<View>, addresses: &Arc<BTreeMap<NodeId, String>>) {
        self.setup.me.view.store(Arc::clone(&view));
        self.peers.publish(addresses);
        self.check_gate();
        self.show_shards(&view, addresses).await;
    }

    async fn show_shards(&self, view: &Arc<View>, addresses: &Arc<BTreeMap<NodeId, String>>) {
        for shard in self.setup.shards.mailboxes() {
            let input = Box::new(Input::View(Arc::clone(view)));
            let _ = shard.events.send(ShardEvent::Input(input)).await;
            let _ = shard.events.send(ShardEvent::Peers(Arc::clone(addresses))).await;
        }
    }
}

async fn sleep_until(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
