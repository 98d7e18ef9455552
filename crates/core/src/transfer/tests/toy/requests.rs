//! The toy's reads and writes.

use super::*;

impl Toy {
    pub(super) fn begin(&mut self, kind: Kind) {
        // Half of the time at one of two that is further behind, where the rule has most to do.
        let (one, other) = (self.any(), self.any());
        let level = |at: u64| self.hosts[at as usize].change().and_then(|change| change.level(P));
        let (least, most) = if level(one) <= level(other) { (one, other) } else { (other, one) };
        let at = if self.random.below(4) == 0 { most } else { least };
        let id = self.ops.len() as u32;
        let op = Op {
            kind,
            at,
            waits: false,
            footing: Footing::settled(RingVersion(1)),
            turn: 0,
            got: BTreeMap::new(),
            must: self.acked.clone(),
            done: false,
        };
        self.ops.insert(id, op);
        self.go_on(id);
    }

    /// Where a request goes at its node's footing, or at the one that it was told if that is
    /// further on.
    fn place(&self, op: &Op) -> (Footing, Vec<Arc<Ring>>) {
        let Some(change) = self.hosts[op.at as usize].change() else {
            return (Footing::settled(RingVersion(1)), vec![Arc::clone(&self.from)]);
        };
        let told = op.footing.ring == change.to().version;
        let least = if told { op.footing.level } else { MoveLevel::Old };
        let place = change.placement(P, least);
        let rings = match op.kind {
            Kind::Write => place.rings().cloned().map(Arc::new).collect(),
            Kind::Read => vec![Arc::new(place.reads.clone())],
        };
        (place.footing, rings)
    }

    /// Asks everybody whom the request concerns on its present footing.
    pub(super) fn go_on(&mut self, id: u32) {
        let mut op = self.ops[&id].clone();
        let (footing, rings) = self.place(&op);
        // Where it has been refused before it is still refused.
        op.waits = footing.ring < op.footing.ring;
        if !op.waits {
            op.footing = footing;
        }
        op.turn += 1;
        if op.kind == Kind::Read {
            op.got.clear();
        }
        let asked: BTreeSet<u64> =
            rings.iter().flat_map(|ring| ring.table[0].iter().map(|owner| owner.get())).collect();
        if !op.waits {
            for to in asked {
                let (footing, turn) = (op.footing, op.turn);
                self.messages.push(Message::Ask { to, op: id, footing, turn });
            }
        }
        self.ops.insert(id, op);
        self.decide(id);
    }

    pub(super) fn deliver(&mut self) {
        if self.messages.is_empty() {
            return;
        }
        let index = self.random.below(self.messages.len() as u32) as usize;
        let message = self.messages.swap_remove(index);
        if self.random.below(20) == 0 && !matches!(message, Message::Synced { .. }) {
            return;
        }
        match message {
            Message::Ask { to, op, footing, turn } => self.asked(to, op, footing, turn),
            Message::Synced { at, op, boot } if self.hosts[at as usize].boot == boot => {
                let host = self.host(at);
                if host.buffer.remove(&op) {
                    host.disk.store.insert(op);
                }
                let found = BTreeSet::new();
                self.messages.push(Message::Answer { from: at, op, turn: 0, found, boot });
            }
            Message::Refused { op, footing } => self.refused(op, footing),
            Message::Answer { from, op: id, turn, found, boot } => {
                let alive = self.hosts[from as usize].boot == boot || !self.lost;
                let Some(op) = self.ops.get_mut(&id) else { return };
                if op.done || !alive || op.kind == Kind::Read && op.turn != turn {
                    return;
                }
                op.got.insert(from, found);
                self.decide(id);
            }
            Message::Synced { .. } => {}
        }
    }

    /// A replica is asked to take a write, or what it has.
    fn asked(&mut self, to: u64, id: u32, footing: Footing, turn: u32) {
        let kind = self.ops[&id].kind;
        let broken = self.broken;
        let host = &mut self.hosts[to as usize];
        let me = node(to);
        if let Some(change) = host.change() {
            let refuses = match kind {
                Kind::Write if broken == Broken::AcceptStaleWrites => false,
                Kind::Write => change.refuses_write(me, P, footing),
                Kind::Read => change.refuses_read(me, P, footing),
            };
            if refuses {
                let footing = change.footing(P);
                return self.messages.push(Message::Refused { op: id, footing });
            }
        }
        let boot = host.boot;
        if kind == Kind::Write {
            host.buffer.insert(id);
            return self.messages.push(Message::Synced { at: to, op: id, boot });
        }
        // Who reads from new owners knows that all have confirmed; the store may be lost since.
        let as_new = footing.ring == RingVersion(2) && footing.level >= MoveLevel::ReadNew;
        let counts = if as_new { host.disk.confirmed } else { host.counts };
        if counts {
            let found = host.all();
            self.messages.push(Message::Answer { from: to, op: id, turn, found, boot });
        }
    }

    fn refused(&mut self, id: u32, footing: Footing) {
        let Some(op) = self.ops.get_mut(&id) else { return };
        if op.done || footing <= op.footing {
            return;
        }
        op.footing = footing;
        self.go_on(id);
    }

    /// Whether enough have answered.
    fn decide(&mut self, id: u32) {
        let op = self.ops[&id].clone();
        if op.done || op.waits {
            return;
        }
        let (_, rings) = self.place(&op);
        let answered = |ring: &Ring| {
            ring.table[0].iter().filter(|owner| op.got.contains_key(&owner.get())).count()
        };
        let needed = |ring: &Ring| match op.kind {
            Kind::Write => self.w_of(ring),
            Kind::Read => self.r_of(ring),
        };
        if !rings.iter().all(|ring| answered(ring) >= needed(ring)) {
            return;
        }
        if op.kind == Kind::Write {
            self.acked.insert(id);
        } else {
            let found: BTreeSet<u32> = op.got.values().flatten().copied().collect();
            self.reads += 1;
            if !op.must.is_subset(&found) {
                self.stale.get_or_insert(id);
            }
        }
        if let Some(op) = self.ops.get_mut(&id) {
            op.done = true;
        }
    }
}
