//! The network between the machines: one link for each ordered pair, as in production
//! (`docs/decisions/0002-one-way-links.md`).
//!
//! What is done otherwise than by a real connection, and why: a lost frame is lost for good.
//! TCP would send it again, which is a delay. Loss is therefore harsher here than it is there,
//! and heavy delays are what its repetition looks like.

use std::time::Duration;

use stator_core::time::Instant;

use super::delays::{Delays, Standstills};
use crate::draw::{Chance, Draw};

/// What the network is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// How long frames are under way.
    pub delays: Delays,
    /// How many of a hundred are lost.
    pub lost_percent: u32,
    /// Whether they overtake each other.
    pub order: Order,
}

/// In which order the frames of one link arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they were sent, as over one connection: a frame that is late holds up all behind it.
    Kept,
    /// As their delays say, as if each were a datagram.
    Overtaking,
}

/// All links.
#[derive(Debug)]
pub struct Links {
    network: Network,
    nodes: usize,
    links: Vec<Link>,
    draw: Draw,
}

#[derive(Clone, Debug, Default)]
struct Link {
    last_arrival: Instant,
    cut: bool,
    /// The standstill that goes on, or comes next.
    standstill: Option<(Instant, Instant)>,
}

impl Links {
    /// Whole links between so many nodes.
    pub fn new(network: Network, nodes: usize, draw: Draw) -> Self {
        Self { network, nodes, links: vec![Link::default(); nodes * nodes], draw }
    }

    /// When a frame that is sent now arrives; never if it is lost.
    pub fn carry(&mut self, now: Instant, from: usize, to: usize) -> Option<Instant> {
        let link = &mut self.links[from * self.nodes + to];
        let lost = self.draw.happens(Chance::percent(self.network.lost_percent));
        let delay = self.network.delays.draw(&mut self.draw);
        let standstills = self.network.delays.standstills();
        let leaves = standstills.map_or(now, |often| link.leave(now, often, &mut self.draw));
        if lost || link.cut {
            return None;
        }
        let mut arrival = leaves.after(delay);
        if self.network.order == Order::Kept {
            arrival = arrival.max(link.last_arrival);
            link.last_arrival = arrival;
        }
        Some(arrival)
    }

    /// From now on whatever is sent this way is lost; what is under way arrives.
    pub fn cut(&mut self, from: usize, to: usize) {
        self.links[from * self.nodes + to].cut = true;
    }

    /// The link is whole again.
    pub fn heal(&mut self, from: usize, to: usize) {
        self.links[from * self.nodes + to].cut = false;
    }

    /// New connections to and from a node that starts: they wait for nothing that was sent before.
    pub fn connect(&mut self, node: usize) {
        for peer in 0..self.nodes {
            self.links[node * self.nodes + peer].last_arrival = Instant::default();
            self.links[peer * self.nodes + node].last_arrival = Instant::default();
        }
    }
}

impl Link {
    /// When a frame that is sent now leaves: at the end of a standstill if there is one.
    fn leave(&mut self, now: Instant, often: Standstills, draw: &mut Draw) -> Instant {
        loop {
            let (begins, ends) = match self.standstill {
                Some(standstill) if now < standstill.1 => standstill,
                over => {
                    let last = over.map_or(Instant::default(), |(_, ends)| ends);
                    let begins = last.after(draw.wait(often.every));
                    let lasts: Duration = draw.duration(often.least, often.most);
                    self.standstill = Some((begins, begins.after(lasts)));
                    continue;
                }
            };
            return if now < begins { now } else { ends };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALM: Network = Network { delays: Delays::Constant, lost_percent: 0, order: Order::Kept };

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    /// Arrivals of 10,000 frames that were sent every tenth of a second.
    fn arrivals(network: Network) -> Vec<Option<Instant>> {
        let mut links = Links::new(network, 2, Draw::of_seed(1));
        let sent = (0..10_000).map(|n| Instant::from_micros(n * 100_000));
        sent.map(|now| links.carry(now, 0, 1)).collect()
    }

    #[test]
    fn frames_of_a_connection_arrive_in_the_order_in_which_they_were_sent() {
        let pareto = Network { delays: Delays::Pareto, ..CALM };
        assert!(arrivals(pareto).is_sorted());
        assert!(!arrivals(Network { order: Order::Overtaking, ..pareto }).is_sorted());
    }

    #[test]
    fn as_many_frames_are_lost_as_was_asked() {
        let lost = |percent| {
            let arrivals = arrivals(Network { lost_percent: percent, ..CALM });
            arrivals.iter().filter(|arrival| arrival.is_none()).count()
        };
        assert_eq!(lost(0), 0);
        assert!((900..1100).contains(&lost(10)));
        assert_eq!(lost(100), 10_000);
    }

    #[test]
    fn a_cut_is_one_way_and_ends_with_its_healing() {
        let mut links = Links::new(CALM, 2, Draw::of_seed(1));
        links.cut(0, 1);
        assert_eq!(links.carry(at(1), 0, 1), None);
        assert!(links.carry(at(1), 1, 0).is_some());
        links.heal(0, 1);
        assert!(links.carry(at(2), 0, 1).is_some());
    }

    #[test]
    fn frames_of_a_standstill_leave_together_at_its_end() {
        let arrivals = arrivals(Network { delays: Delays::Bursts, ..CALM });
        let late = arrivals.iter().enumerate().filter(|(n, arrival)| {
            let sent = Instant::from_micros(*n as u64 * 100_000);
            arrival.is_some_and(|arrival| arrival.since(sent) > Duration::from_millis(1))
        });
        // 1,000 s with a standstill of 3 s in each 63 s: about 480 frames.
        let late = late.count();
        assert!((250..750).contains(&late), "{late}");
        let at_once = arrivals.windows(2).filter(|pair| pair[0] == pair[1]).count();
        assert!(at_once > late / 2, "{at_once} of {late}");
    }
}
