//! Proof that the faults are felt: all that nodes say to each other passes the proxies, and each
//! kind of broken link is noticed.

use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use super::cluster::{Five, NODES};
use super::network::{Link, Route};
use crate::harness::{Cluster, Request, until};

#[test]
fn nodes_speak_through_the_proxies_alone_and_feel_every_kind_of_broken_link() {
    let runtime = Runtime::new().expect("threads");
    let cluster = Five::new(&runtime);
    let last = NODES - 1;
    for link in [Link::Cut, Link::Silent] {
        set(&cluster, link, |route| route.from == last || route.to == last);
        for seen_by in 0..last {
            wait_state(&cluster, seen_by, last, "down");
            wait_state(&cluster, last, seen_by, "down");
        }
        set(&cluster, Link::Open, |_| true);
        cluster.wait_ready();
    }

    let delay = Duration::from_millis(300);
    set(&cluster, Link::Slow(delay), |_| true);
    let took = until("a put of three copies is acknowledged", || {
        let began = Instant::now();
        let put =
            Request::put("/v1/kv/b/k?w=3&timeout=10000", "x").try_send(&cluster.nodes[0].http);
        (put?.status == 204).then(|| began.elapsed())
    });
    assert!(took >= 2 * delay, "there and back in {took:?}");
}

pub(super) fn set(cluster: &Five, link: Link, on: impl Fn(Route) -> bool) {
    let pairs = (0..NODES).flat_map(|from| (0..NODES).map(move |to| Route { from, to }));
    let chosen = pairs.filter(|route| route.from != route.to && on(*route));
    chosen.for_each(|route| cluster.network.set(route, link));
}

pub(super) fn wait_state(cluster: &Five, seen_by: usize, of: usize, wanted: &str) {
    let (node, of) = (&cluster.nodes[seen_by], &cluster.nodes[of].name);
    until(&format!("{} sees {of} {wanted}", node.name), || {
        let states = Cluster::states(node)?;
        states.iter().any(|(name, state)| name == of && state == wanted).then_some(())
    });
}
