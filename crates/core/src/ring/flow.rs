//! Flow of least cost through a network, by phases of ever costlier paths.
//!
//! The primal-dual method: potentials make every useful edge cost nothing or more, flow is pushed
//! along edges that cost nothing (Dinic's blocking flows), and when there is no such path left the
//! cheapest remaining one sets new potentials (Dijkstra). At every moment the flow is one of least
//! cost for its size. Placing replicas needs two or three phases, so this is fast; no randomness
//! and no order of a hash enters, so equal networks give equal flows.

use std::collections::{BTreeMap, VecDeque};

/// A vertex of a network, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Vertex(pub(super) u32);

impl Vertex {
    const fn index(self) -> usize {
        self.0 as usize
    }
}

/// An edge that was added to a network, counted from 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge(u32);

/// What an edge can carry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane {
    /// Units at most.
    pub(super) capacity: u32,
    /// For each unit.
    pub(super) cost: i32,
}

/// An edge and what can still be pushed along it and back.
#[derive(Clone, Copy, Debug)]
struct Entry {
    from: Vertex,
    to: Vertex,
    cost: i32,
    room: u32,
    back: u32,
}

/// An edge as seen from one of its ends. Those of one vertex lie side by side: most of the time is
/// spent on looking through them.
#[derive(Clone, Copy, Debug)]
struct Half {
    to: Vertex,
    /// Where the same edge is, seen from the other end.
    pair: u32,
    room: u32,
    cost: i32,
}

/// The level of a vertex that leads nowhere in the current phase.
const DEAD: u32 = u32::MAX;
/// The distance of a vertex that can't be reached.
const FAR: i64 = i64::MAX;

/// A network and the flow through it.
#[derive(Debug)]
pub(super) struct Network {
    source: Vertex,
    sink: Vertex,
    edges: Vec<Entry>,
    /// For each vertex, and the end, where its halves begin.
    begin: Vec<u32>,
    halves: Vec<Half>,
    /// For each edge, where its half in the direction of the edge is; edges after these were added
    /// since.
    forward: Vec<u32>,
    potential: Vec<i64>,
    level: Vec<u32>,
    /// For each vertex the edge to try next in the current phase.
    current: Vec<u32>,
}

impl Network {
    /// A network of so many vertices without edges.
    pub(super) fn new(vertices: usize, source: Vertex, sink: Vertex) -> Self {
        Self {
            source,
            sink,
            edges: Vec::new(),
            begin: vec![0; vertices + 1],
            halves: Vec::new(),
            forward: Vec::new(),
            potential: vec![0; vertices],
            level: vec![DEAD; vertices],
            current: vec![0; vertices],
        }
    }

    /// Adds an edge; its cost may not be negative. One that costs something may come after the
    /// flow along free paths, and others not after any flow.
    pub(super) fn add(&mut self, from: Vertex, to: Vertex, lane: Lane) -> Edge {
        debug_assert!(lane.cost >= 0, "the first potentials are 0, which needs costs of 0 or more");
        let edge = Edge(self.edges.len() as u32);
        let Lane { capacity: room, cost } = lane;
        self.edges.push(Entry { from, to, cost, room, back: 0 });
        edge
    }

    /// Lets an edge carry one unit more. Keeps the flow one of least cost only while no paid path
    /// was used.
    pub(super) fn widen(&mut self, edge: Edge) {
        match self.forward.get(edge.0 as usize) {
            Some(half) => self.halves[*half as usize].room += 1,
            None => self.edges[edge.0 as usize].room += 1,
        }
    }

    /// The edges that carry flow, by their ends.
    pub(super) fn carrying(&mut self) -> impl Iterator<Item = (Vertex, Vertex)> + '_ {
        self.lay_out();
        let room_back = |half: u32| self.halves[self.halves[half as usize].pair as usize].room;
        self.edges
            .iter()
            .zip(&self.forward)
            .filter(move |(_, half)| room_back(**half) > 0)
            .map(|(edge, _)| (edge.from, edge.to))
    }

    /// Lays the halves of each vertex side by side, if edges were added since that was done.
    fn lay_out(&mut self) {
        if self.forward.len() == self.edges.len() {
            return;
        }
        for (edge, half) in self.edges.iter_mut().zip(&self.forward) {
            let half = self.halves[*half as usize];
            (edge.room, edge.back) = (half.room, self.halves[half.pair as usize].room);
        }
        self.begin.fill(0);
        for edge in &self.edges {
            self.begin[edge.from.index() + 1] += 1;
            self.begin[edge.to.index() + 1] += 1;
        }
        for vertex in 1..self.begin.len() {
            self.begin[vertex] += self.begin[vertex - 1];
        }
        let mut next = self.begin.clone();
        let mut take = |vertex: Vertex| {
            let place = &mut next[vertex.index()];
            *place += 1;
            *place - 1
        };
        let blank = Half { to: self.source, pair: 0, room: 0, cost: 0 };
        self.halves.clear();
        self.halves.resize(2 * self.edges.len(), blank);
        self.forward.clear();
        for edge in &self.edges {
            let (there, back) = (take(edge.from), take(edge.to));
            let Entry { from, to, cost, room, .. } = *edge;
            self.halves[there as usize] = Half { to, pair: back, room, cost };
            self.halves[back as usize] =
                Half { to: from, pair: there, room: edge.back, cost: -cost };
            self.forward.push(there);
        }
    }

    /// Pushes along paths that cost nothing at the current potentials, as much as goes. Returns how
    /// many units that were.
    pub(super) fn push_free(&mut self) -> u64 {
        self.push_free_up_to(u64::MAX)
    }

    /// Pushes up to so many units, cheapest paths first. Returns how many went.
    pub(super) fn push_up_to(&mut self, wanted: u64) -> u64 {
        let mut pushed = self.push_free_up_to(wanted);
        while pushed < wanted && self.reprice() {
            pushed += self.push_free_up_to(wanted - pushed);
        }
        pushed
    }

    fn push_free_up_to(&mut self, wanted: u64) -> u64 {
        self.lay_out();
        let mut pushed = 0;
        while pushed < wanted && self.find_levels() {
            self.current.copy_from_slice(&self.begin[..self.begin.len() - 1]);
            while pushed < wanted && self.push_unit() {
                pushed += 1;
            }
        }
        pushed
    }

    fn halves_of(&self, vertex: Vertex) -> &[Half] {
        let (begin, end) = (self.begin[vertex.index()], self.begin[vertex.index() + 1]);
        &self.halves[begin as usize..end as usize]
    }

    /// The cost of a half as the potentials make it appear; 0 or more where there is room.
    fn reduced(&self, from: Vertex, half: &Half) -> i64 {
        i64::from(half.cost) + self.potential[from.index()] - self.potential[half.to.index()]
    }

    fn free(&self, from: Vertex, half: &Half) -> bool {
        half.room > 0 && self.reduced(from, half) == 0
    }

    /// Numbers the vertices by their distance in free edges from the source. Returns whether the
    /// sink was reached.
    fn find_levels(&mut self) -> bool {
        self.level.fill(DEAD);
        self.level[self.source.index()] = 0;
        let mut queue = VecDeque::from([self.source]);
        while let Some(from) = queue.pop_front() {
            let below = self.level[from.index()] + 1;
            let (begin, end) = (self.begin[from.index()], self.begin[from.index() + 1]);
            for half in &self.halves[begin as usize..end as usize] {
                if self.level[half.to.index()] != DEAD || !self.free(from, half) {
                    continue;
                }
                self.level[half.to.index()] = below;
                if half.to == self.sink {
                    return true;
                }
                queue.push_back(half.to);
            }
        }
        false
    }

    /// Pushes one unit along levels. Returns whether there was a path.
    fn push_unit(&mut self) -> bool {
        let mut path: Vec<u32> = Vec::new();
        let mut vertex = self.source;
        while vertex != self.sink {
            if let Some(half) = self.step_down(vertex) {
                path.push(half);
                vertex = self.halves[half as usize].to;
                continue;
            }
            self.level[vertex.index()] = DEAD;
            let Some(half) = path.pop() else { return false };
            vertex = self.halves[self.halves[half as usize].pair as usize].to;
        }
        for half in path {
            let pair = self.halves[half as usize].pair;
            self.halves[half as usize].room -= 1;
            self.halves[pair as usize].room += 1;
        }
        true
    }

    /// The next free half from a vertex to the level below it.
    fn step_down(&mut self, vertex: Vertex) -> Option<u32> {
        let below = self.level[vertex.index()].checked_add(1)?;
        let (from, end) = (self.current[vertex.index()], self.begin[vertex.index() + 1]);
        let found = (from..end).find(|half| {
            let half = &self.halves[*half as usize];
            self.level[half.to.index()] == below && self.free(vertex, half)
        });
        self.current[vertex.index()] = found.unwrap_or(end);
        found
    }

    /// Raises the potentials until the cheapest path that is left appears free. Returns whether
    /// there is one.
    fn reprice(&mut self) -> bool {
        let mut distance = vec![FAR; self.potential.len()];
        distance[self.source.index()] = 0;
        let mut queue = BTreeMap::from([(0, vec![self.source])]);
        while let Some((so_far, vertices)) = queue.pop_first() {
            // What lies further than the sink needs no exact distance.
            if so_far >= distance[self.sink.index()] {
                break;
            }
            for from in vertices {
                if so_far > distance[from.index()] {
                    continue;
                }
                for half in self.halves_of(from).iter().filter(|half| half.room > 0) {
                    let length = so_far + self.reduced(from, half);
                    if length < distance[half.to.index()] {
                        distance[half.to.index()] = length;
                        queue.entry(length).or_insert_with(Vec::new).push(half.to);
                    }
                }
            }
        }
        let reached = distance[self.sink.index()];
        if reached == FAR {
            return false;
        }
        for (potential, distance) in self.potential.iter_mut().zip(distance) {
            *potential += distance.min(reached);
        }
        true
    }
}

#[cfg(test)]
mod tests;
