//! Membership machines in the world: what they say to each other, save, show and are told.

use std::sync::Arc;
use std::time::Duration;

use stator_core::effect::Input;
use stator_core::identity::NodeId;
use stator_core::membership::MembershipMessage;
use stator_core::membership::effect::{MembershipEffect, MembershipInput, SaveId};
use stator_core::ring::Ring;
use stator_core::token::Partition;
use stator_core::view::View;

use super::World;
use crate::event::{Event, Process};
use crate::network::Direction;

impl World {
    /// Tells a node's membership what happened, if it has one.
    pub(super) fn tell_membership(&mut self, node: usize, input: MembershipInput) {
        let now = self.nodes[node].now(self.now);
        let Some(member) = &mut self.nodes[node].member else { return };
        let effects = member.step(now, input);
        self.heed_membership(node, effects);
    }

    pub(super) fn heed_membership(&mut self, node: usize, effects: Vec<MembershipEffect>) {
        let at = self.nodes[node].process();
        for effect in effects {
            match effect {
                MembershipEffect::Send { to, message } => self.gossip(at, to, message),
                MembershipEffect::Save { id, .. } => {
                    let slowness = self.nodes[node].disk_slowness;
                    let took =
                        self.draw.duration(Duration::from_micros(300), Duration::from_millis(6));
                    self.after(took + slowness, Event::Saved(at, id));
                }
                MembershipEffect::Publish { view, .. } => {
                    self.note_ring(&view);
                    if self.nodes[node].is_up() {
                        self.tell_all_shards(node, &Input::View(view));
                    }
                }
                MembershipEffect::SetTimer(due) => {
                    let due = self.nodes[node].world_time(due).max(self.now);
                    if let Some(member) = &mut self.nodes[node].member {
                        member.timer = Some(due);
                    }
                    self.queue.push(due, Event::Tick(at, due));
                }
                MembershipEffect::Reply { id, reply } => self.operator_hears(id, reply),
                MembershipEffect::Stop(why) => self.amiss(node, &format!("stops: {why}")),
                MembershipEffect::Introduce(_) | MembershipEffect::Observe(_) => {}
            }
        }
    }

    fn gossip(&mut self, from: Process, to: NodeId, message: MembershipMessage) {
        let place = self.layout.place_of(to);
        let to = self.nodes[place].process();
        if !self.nodes[place].is_up() {
            return;
        }
        let way = Direction { from: from.node, to: place };
        let slowness = self.nodes[from.node].slowness;
        for arrival in self.network.arrivals(self.now, way, &mut self.faults) {
            let message = Box::new(message.clone());
            self.queue.push(arrival.after(slowness), Event::Gossip { from, to, message });
        }
    }

    pub(super) fn hear_gossip(&mut self, from: Process, to: Process, message: MembershipMessage) {
        if self.is_current(to) {
            let from = self.layout.nodes[from.node];
            self.tell_membership(to.node, MembershipInput::Peer { from, message });
        }
    }

    pub(super) fn saved(&mut self, at: Process, id: SaveId) {
        if !self.is_current(at) {
            return;
        }
        if let Some(member) = &mut self.nodes[at.node].member {
            member.synced(id);
        }
        self.tell_membership(at.node, MembershipInput::Saved(id));
    }

    pub(super) fn tick(&mut self, at: Process, due: stator_core::time::Instant) {
        if !self.is_current(at) {
            return;
        }
        let Some(member) = &mut self.nodes[at.node].member else { return };
        if member.timer.take_if(|timer| *timer == due).is_some() {
            self.tell_membership(at.node, MembershipInput::Tick);
        }
    }

    /// The newest ring that anybody uses is the one by which the world judges.
    fn note_ring(&mut self, view: &View) {
        let Some(ring) = &view.ring else { return };
        if let Some(known) = self.rings.get(&ring.version) {
            if known != ring {
                self.history.amiss.push(format!("two rings have version {}", ring.version.0));
            }
            return;
        }
        self.rings.insert(ring.version, Arc::clone(ring));
        if ring.version > self.layout.ring.version {
            self.layout.ring = Arc::clone(ring);
        }
    }

    /// Whether rings change in this world.
    pub(super) fn is_elastic(&self) -> bool {
        !self.rings.is_empty()
    }

    /// How a node sees the cluster, if its ring may differ from others'.
    pub(super) fn view_of(&self, node: usize) -> Option<&View> {
        self.nodes[node].member.as_ref().map(|member| member.view().as_ref())
    }

    /// The rings that may be written by: the newest, and all that somebody still goes by.
    pub(super) fn rings_in_use(&self) -> impl Iterator<Item = &Arc<Ring>> {
        let known = self.nodes.iter().filter(|node| node.is_up()).filter_map(|node| {
            let (ring, left) = node.member.as_ref()?.rings();
            Some(left.or(ring)?.version)
        });
        let oldest = known.min().unwrap_or(self.layout.ring.version);
        let older = self.rings.range(oldest..self.layout.ring.version).map(|(_, ring)| ring);
        std::iter::once(&self.layout.ring).chain(older)
    }

    /// How many replicas of a key there are by the smallest of those: a cluster that shrinks to one
    /// node and grows again asks for no more meanwhile.
    pub(super) fn fewest_replicas(&self, key: usize) -> u8 {
        let (name, n) = (&self.layout.keys[key], self.layout.properties(key).fixed.n);
        let partition = self.layout.ring.partition_of(name.token());
        let counts = self.rings_in_use().map(|ring| ring.primaries(partition, n).len() as u8);
        counts.min().unwrap_or(n)
    }

    /// Everybody who may own a partition by one of those, those of the newest ring first.
    pub(super) fn owners_in_use(&self, partition: Partition) -> Vec<NodeId> {
        let mut owners: Vec<NodeId> = Vec::new();
        for ring in self.rings_in_use() {
            let more = ring.table[partition.index()].iter();
            owners
                .extend(more.filter(|owner| !owners.contains(owner)).copied().collect::<Vec<_>>());
        }
        owners
    }
}
