//! Who holds whom to be down, and since when: taken from the views that the machines publish,
//! which is what routing goes by.

use std::time::Duration;

use stator_core::identity::NodeId;
use stator_core::time::Instant;
use stator_core::view::{Suspicion, View};

/// The verdict of every node on every other.
#[derive(Debug)]
pub struct Verdicts {
    nodes: usize,
    down_since: Vec<Option<Instant>>,
    mistakes: Mistakes,
    counting_since: Option<Instant>,
}

/// Peers that were held to be down while they were alive and could be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mistakes {
    /// How often a trusted peer was suspected.
    pub count: u64,
    /// For how long, all pairs together.
    pub total: Duration,
    /// The longest one.
    pub longest: Duration,
}

impl Verdicts {
    /// Everybody trusts everybody.
    pub fn new(nodes: usize) -> Self {
        Self {
            nodes,
            down_since: vec![None; nodes * nodes],
            mistakes: Mistakes::default(),
            counting_since: None,
        }
    }

    /// A node has published a view. `id` names the node of a place.
    pub fn show(&mut self, now: Instant, observer: usize, view: &View, id: fn(usize) -> NodeId) {
        for peer in 0..self.nodes {
            let down = view.suspected.get(&id(peer)) == Some(&Suspicion::Down);
            let place = observer * self.nodes + peer;
            match (self.down_since[place], down) {
                (None, true) => {
                    self.down_since[place] = Some(now);
                    self.mistakes.count += u64::from(self.counting_since.is_some());
                }
                (Some(since), false) => {
                    self.down_since[place] = None;
                    self.end_mistake(since, now);
                }
                (None, false) | (Some(_), true) => {}
            }
        }
    }

    /// Since when `observer` holds `peer` to be down; none if it trusts it.
    pub fn down_since(&self, observer: usize, peer: usize) -> Option<Instant> {
        self.down_since[observer * self.nodes + peer]
    }

    /// A node that starts anew trusts everybody.
    pub fn forget(&mut self, observer: usize) {
        self.down_since[observer * self.nodes..][..self.nodes].fill(None);
    }

    /// From now on, until [`Self::stop_counting`], every suspicion is a mistake.
    pub fn count_mistakes(&mut self, now: Instant) {
        self.mistakes = Mistakes::default();
        self.counting_since = Some(now);
    }

    /// The mistakes since then. One that goes on is cut off here.
    pub fn stop_counting(&mut self, now: Instant) -> Mistakes {
        let open: Vec<Instant> = self.down_since.iter().copied().flatten().collect();
        for since in open {
            self.end_mistake(since, now);
        }
        self.counting_since = None;
        std::mem::take(&mut self.mistakes)
    }

    fn end_mistake(&mut self, since: Instant, now: Instant) {
        let Some(counting_since) = self.counting_since else { return };
        let lasted = now.since(since.max(counting_since));
        self.mistakes.total += lasted;
        self.mistakes.longest = self.mistakes.longest.max(lasted);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;

    fn id(place: usize) -> NodeId {
        NodeId::new(place as u64)
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    fn view(suspected: &[(u64, Suspicion)]) -> View {
        let suspected: BTreeMap<NodeId, Suspicion> =
            suspected.iter().map(|&(node, how)| (NodeId::new(node), how)).collect();
        View { suspected: Arc::new(suspected), ..View::alone(id(0)) }
    }

    #[test]
    fn mistakes_are_counted_where_they_begin_and_timed_within_the_count() {
        let mut verdicts = Verdicts::new(3);
        verdicts.show(at(1), 0, &view(&[(1, Suspicion::Down)]), id);
        verdicts.count_mistakes(at(5));
        verdicts.show(at(7), 0, &view(&[]), id);
        verdicts.show(at(10), 0, &view(&[(2, Suspicion::Down)]), id);
        verdicts.show(at(11), 0, &view(&[(2, Suspicion::Down)]), id);
        let seconds = Duration::from_secs;
        let expected = Mistakes { count: 1, total: seconds(2 + 5), longest: seconds(5) };
        assert_eq!(verdicts.stop_counting(at(15)), expected);
        assert_eq!(verdicts.stop_counting(at(16)), Mistakes::default());
    }

    #[test]
    fn a_doubt_is_no_verdict_and_a_start_forgets() {
        let mut verdicts = Verdicts::new(2);
        verdicts.show(at(1), 0, &view(&[(1, Suspicion::Doubted)]), id);
        assert_eq!(verdicts.down_since(0, 1), None);
        verdicts.show(at(2), 0, &view(&[(1, Suspicion::Down)]), id);
        assert_eq!(verdicts.down_since(0, 1), Some(at(2)));
        verdicts.forget(0);
        assert_eq!(verdicts.down_since(0, 1), None);
    }
}
