//! The network: who can reach whom, and what becomes of a message.

use super::{Event, World, id, name};
use crate::identity::NodeId;
use crate::membership::MembershipMessage;
use crate::register::RegisterMessage as Register;

fn kind(message: &MembershipMessage) -> &'static str {
    match message {
        MembershipMessage::Heartbeat { .. } => "heartbeat",
        MembershipMessage::Probe { .. } => "probe",
        MembershipMessage::Digest(_) => "digest",
        MembershipMessage::Delta { .. } => "delta",
        MembershipMessage::Push { .. } => "push",
        MembershipMessage::Pushed { .. } => "pushed",
        MembershipMessage::Register { message, .. } => match message {
            Register::Prepare { .. } => "prepare",
            Register::Promise { .. } => "promise",
            Register::Accept { .. } => "accept",
            Register::Accepted { .. } => "accepted",
            Register::Refused { .. } => "refused",
        },
    }
}

impl World {
    fn connected(&self, from: NodeId, to: NodeId) -> bool {
        let up = self.nodes.get(&to).is_some_and(|node| node.machine.is_some());
        up && !self.cut.contains(&(from, to))
    }

    pub(super) fn send(&mut self, from: NodeId, to: NodeId, message: MembershipMessage) {
        self.sent.push((from, to, kind(&message)));
        let both = self.connected(from, to) && self.connected(to, from);
        if !self.nodes[&from].met.contains(&to) {
            if !both || !self.nodes[&from].addresses.contains_key(&to) {
                return self.later(from, Event::LinkDown { peer: to }, 1);
            }
            self.connect(from, to, None);
        }
        if !self.connected(from, to) || self.random.below(100) < self.weather.lost_percent {
            return;
        }
        if self.random.below(100) < self.weather.doubled_percent {
            let twin = Event::Message { from, message: message.clone() };
            self.later(to, twin, self.weather.delay_max_millis);
        }
        self.later(to, Event::Message { from, message }, self.weather.delay_max_millis);
    }

    fn connect(&mut self, from: NodeId, to: NodeId, seed: Option<String>) {
        self.node(from).met.insert(to);
        self.node(to).met.insert(from);
        self.later(from, Event::Link { peer: to, seed }, 1);
        self.later(to, Event::Link { peer: from, seed: None }, 1);
    }

    pub(super) fn introduce(&mut self, from: NodeId, address: String) {
        let named = self.nodes.keys().copied().find(|node| name(*node) == address);
        if let Some(to) = named
            && self.connected(from, to)
            && self.connected(to, from)
        {
            self.connect(from, to, Some(address));
        }
    }

    /// The nodes of one side no longer hear those of the other, nor are they heard.
    pub(in super::super) fn split(&mut self, one: &[u64], other: &[u64]) {
        for &a in one {
            for &b in other {
                self.cut.insert((id(a), id(b)));
                self.cut.insert((id(b), id(a)));
            }
        }
    }

    pub(in super::super) fn heal(&mut self) {
        self.cut.clear();
    }
}
