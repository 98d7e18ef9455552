//! Flow of least cost through a network, by phases of ever costlier paths.
//!
//! The primal-dual method: potentials make every useful edge cost nothing or more, flow is pushed
//! along edges that cost nothing (Dinic's blocking flows), and when there is no such path left the
//! cheapest remaining one sets new potentials (Dijkstra). At every moment the flow is one of least
//! cost for its size. Placing replicas needs two or three phases, so this is fast; no randomness
//! and no order of a hash enters, so equal networks give equal flows.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// A vertex of a network, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Vertex(pub(super) u32);

impl Vertex {
    const fn index(self) -> usize {
        self.0 as usize
    }
}

/// An edge that was added to a network.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge(u32);

impl Edge {
    /// The edge that takes flow back: edges are kept in pairs.
    const fn reverse(self) -> Self {
        Self(self.0 ^ 1)
    }

    const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What an edge can carry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane {
    /// Units at most.
    pub(super) capacity: u32,
    /// For each unit.
    pub(super) cost: i32,
}

/// An edge as seen from one of its ends.
#[derive(Clone, Copy, Debug)]
struct Half {
    to: Vertex,
    /// The half that was added before this one at the same end.
    next: u32,
    /// What can still be pushed this way.
    room: u32,
    cost: i32,
}

/// The end of a list of halves.
const NONE: u32 = u32::MAX;
/// The level of a vertex that leads nowhere in the current phase.
const DEAD: u32 = u32::MAX;
/// The distance of a vertex that can't be reached.
const FAR: i64 = i64::MAX;

/// A network and the flow through it.
#[derive(Debug)]
pub(super) struct Network {
    source: Vertex,
    sink: Vertex,
    /// For each vertex its last added half; `next` leads to the others.
    first: Vec<u32>,
    halves: Vec<Half>,
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
            first: vec![NONE; vertices],
            halves: Vec::new(),
            potential: vec![0; vertices],
            level: vec![DEAD; vertices],
            current: vec![NONE; vertices],
        }
    }

    /// Adds an edge; its cost may not be negative. One that costs something may come after the
    /// flow along free paths, and others not after any flow.
    pub(super) fn add(&mut self, from: Vertex, to: Vertex, lane: Lane) -> Edge {
        debug_assert!(lane.cost >= 0, "the first potentials are 0, which needs costs of 0 or more");
        let edge = Edge(self.halves.len() as u32);
        self.push_half(from, to, lane);
        self.push_half(to, from, Lane { capacity: 0, cost: -lane.cost });
        edge
    }

    fn push_half(&mut self, from: Vertex, to: Vertex, lane: Lane) {
        let half = self.halves.len() as u32;
        self.halves.push(Half {
            to,
            next: self.first[from.index()],
            room: lane.capacity,
            cost: lane.cost,
        });
        self.first[from.index()] = half;
    }

    /// Lets an edge carry one unit more. Keeps the flow one of least cost only while no paid path
    /// was used.
    pub(super) fn widen(&mut self, edge: Edge) {
        self.half_mut(edge).room += 1;
    }

    fn half(&self, edge: Edge) -> &Half {
        &self.halves[edge.index()]
    }

    fn half_mut(&mut self, edge: Edge) -> &mut Half {
        &mut self.halves[edge.index()]
    }

    /// Where the edges that leave a vertex and carry flow go to.
    pub(super) fn carried_from(&self, vertex: Vertex) -> impl Iterator<Item = Vertex> + '_ {
        self.edges(vertex)
            .filter(|edge| edge.0 & 1 == 0 && self.half(edge.reverse()).room > 0)
            .map(|edge| self.half(edge).to)
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
        let mut pushed = 0;
        while pushed < wanted && self.find_levels() {
            self.current.copy_from_slice(&self.first);
            while pushed < wanted && self.push_unit() {
                pushed += 1;
            }
        }
        pushed
    }

    fn edges(&self, vertex: Vertex) -> impl Iterator<Item = Edge> + '_ {
        let mut edge = self.first[vertex.index()];
        std::iter::from_fn(move || {
            let found = (edge != NONE).then_some(Edge(edge))?;
            edge = self.half(found).next;
            Some(found)
        })
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
            let mut edge = self.first[from.index()];
            while edge != NONE {
                let half = self.half(Edge(edge));
                edge = half.next;
                let to = half.to;
                if self.level[to.index()] == DEAD && self.free(from, half) {
                    self.level[to.index()] = self.level[from.index()] + 1;
                    if to == self.sink {
                        return true;
                    }
                    queue.push_back(to);
                }
            }
        }
        false
    }

    /// Pushes one unit along levels. Returns whether there was a path.
    fn push_unit(&mut self) -> bool {
        let mut path: Vec<Edge> = Vec::new();
        let mut vertex = self.source;
        while vertex != self.sink {
            if let Some(edge) = self.step_down(vertex) {
                path.push(edge);
                vertex = self.half(edge).to;
                continue;
            }
            self.level[vertex.index()] = DEAD;
            let Some(edge) = path.pop() else { return false };
            vertex = self.half(edge.reverse()).to;
        }
        for edge in path {
            self.half_mut(edge).room -= 1;
            self.half_mut(edge.reverse()).room += 1;
        }
        true
    }

    /// The next free edge from a vertex to the level below it.
    fn step_down(&mut self, vertex: Vertex) -> Option<Edge> {
        let below = self.level[vertex.index()].checked_add(1)?;
        let mut edge = self.current[vertex.index()];
        while edge != NONE {
            let half = self.half(Edge(edge));
            if self.level[half.to.index()] == below && self.free(vertex, half) {
                break;
            }
            edge = half.next;
        }
        self.current[vertex.index()] = edge;
        (edge != NONE).then_some(Edge(edge))
    }

    /// Raises the potentials until the cheapest path that is left appears free. Returns whether
    /// there is one.
    fn reprice(&mut self) -> bool {
        let mut distance = vec![FAR; self.first.len()];
        distance[self.source.index()] = 0;
        let mut queue = BinaryHeap::from([Reverse((0, self.source))]);
        while let Some(Reverse((so_far, from))) = queue.pop() {
            if so_far > distance[from.index()] {
                continue;
            }
            if from == self.sink {
                break;
            }
            for half in self.edges(from).map(|edge| self.half(edge)).filter(|half| half.room > 0) {
                let to = half.to;
                let length = so_far + self.reduced(from, half);
                if length < distance[to.index()] {
                    distance[to.index()] = length;
                    queue.push(Reverse((length, to)));
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
