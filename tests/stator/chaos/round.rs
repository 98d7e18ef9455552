//! One round: new keys, clients at work through all the chaos, and one last look at every key.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use stator_client::{Client, Endpoint};
use stator_core::object::{Key, ObjectKey};
use stator_sim::client;
use stator_sim::draw::Draw;
use stator_sim::layout::Layout;
use tokio::time::Instant;

use super::cluster::Five;
use super::record::Record;
use super::trouble::Trouble;
use super::{NODES, buckets};

/// Clients at work; each of the simulator's six habits comes four times.
const CLIENTS: usize = 24;

/// What the clients of a round share.
pub(super) struct Round {
    pub(super) layout: Layout,
    pub(super) nodes: Vec<Client>,
    pub(super) trouble: Trouble,
    record: Mutex<Record>,
}

impl Round {
    /// The `number`-th round over a cluster that is up, with its buckets made.
    pub(super) async fn new(cluster: &Five, number: usize, draw: &mut Draw) -> Arc<Self> {
        let mut layout = Layout::drawn(NODES, draw);
        for key in &mut layout.keys {
            let name = [format!("round {number}/").as_bytes(), key.key().as_bytes()].concat();
            let name = Key::new(Bytes::from(name)).expect("it is far from the limit");
            *key = ObjectKey::new(key.bucket().clone(), name);
        }
        let endpoint = |http: &str| http.parse::<Endpoint>().expect("the harness made it");
        let client = |node: &crate::harness::Node| Client::new(endpoint(&node.http));
        let nodes: Vec<Client> = cluster.nodes.iter().map(client).collect();
        buckets::make(&layout, &nodes).await;
        let record = Mutex::new(Record::of(layout.histories()));
        Arc::new(Self { layout, nodes, trouble: Trouble::new(NODES), record })
    }

    /// The history, for a moment.
    pub(super) fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().expect("nothing panics while it is held")
    }

    /// Sends clients to work until `chaos` has passed and their last calls are answered.
    pub(super) async fn work(self: Arc<Self>, chaos: Duration, mut draw: Draw) {
        let end = Instant::now() + chaos;
        let think = draw.duration(Duration::from_millis(10), Duration::from_millis(80));
        let work = (0..CLIENTS).map(|number| {
            let habits = draw.child(&format!("client {number}"));
            let client = client::Client::new(number, think, habits);
            tokio::spawn(super::worker::work(Arc::clone(&self), number, client, end))
        });
        for worker in work.collect::<Vec<_>>() {
            worker.await.expect("a client never panics");
        }
    }
}
