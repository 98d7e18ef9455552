//! The nodes' HTTP doors as clients behind a load balancer see them: one that refuses connections is
//! passed over until it says that it is ready again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use stator_client::Written;
use stator_client::{Client, ClientError, Context, Fetched, NewObject, ObjectName, RequestOptions};
use tokio::task::JoinHandle;

/// How often a closed door is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// All doors of a cluster.
pub(crate) struct Doors {
    doors: Vec<Door>,
    next: AtomicUsize,
}

struct Door {
    client: Client,
    is_open: AtomicBool,
}

/// Looks after closed doors; stops when it is dropped.
pub(crate) struct Porter(JoinHandle<()>);

impl Drop for Porter {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Doors {
    /// Doors of these nodes, all open.
    pub(crate) fn new(clients: impl IntoIterator<Item = Client>) -> Arc<Self> {
        let door = |client| Door { client, is_open: AtomicBool::new(true) };
        Arc::new(Self { doors: clients.into_iter().map(door).collect(), next: AtomicUsize::new(0) })
    }

    /// As [`Self::new`], but all after the first `open` are closed until their nodes say that they
    /// are ready.
    pub(crate) fn of_members(clients: impl IntoIterator<Item = Client>, open: usize) -> Arc<Self> {
        let door = |(place, client)| Door { client, is_open: AtomicBool::new(place < open) };
        let doors = clients.into_iter().enumerate().map(door).collect();
        Arc::new(Self { doors, next: AtomicUsize::new(0) })
    }

    /// Begins to look after closed doors.
    pub(crate) fn porter(self: &Arc<Self>) -> Porter {
        self.look_at(|door| !door.is_open())
    }

    /// Begins to look after all doors: one whose node says that it is not ready is closed too, as that
    /// of a node that has left.
    pub(crate) fn strict_porter(self: &Arc<Self>) -> Porter {
        self.look_at(|_| true)
    }

    fn look_at(self: &Arc<Self>, which: fn(&Door) -> bool) -> Porter {
        let doors = Arc::clone(self);
        Porter(tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                for door in doors.doors.iter().filter(|door| which(door)) {
                    let is_ready = door.client.ready().await.is_ok();
                    door.is_open.store(is_ready, Ordering::Relaxed);
                }
            }
        }))
    }

    /// A put through the next open door, and the one after it where nobody is behind it.
    pub(crate) async fn put(
        &self,
        name: ObjectName<'_>,
        object: &NewObject,
        context: Option<&Context>,
        options: &RequestOptions,
    ) -> Result<Written, ClientError> {
        let mut last = nobody();
        for door in self.open_ones() {
            match door.client.put(name, object.clone(), context, options).await {
                Err(error) if door.is_forsaken(&error) => last = error,
                answered => return answered,
            }
        }
        Err(last)
    }

    /// A get in the same way.
    pub(crate) async fn get(
        &self,
        name: ObjectName<'_>,
        options: &RequestOptions,
    ) -> Result<Fetched, ClientError> {
        let mut last = nobody();
        for door in self.open_ones() {
            match door.client.get(name, options).await {
                Err(error) if door.is_forsaken(&error) => last = error,
                answered => return answered,
            }
        }
        Err(last)
    }

    /// Open doors, each once, beginning at another one each time.
    fn open_ones(&self) -> impl Iterator<Item = &Door> {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let count = self.doors.len();
        (0..count)
            .map(move |step| &self.doors[(first + step) % count])
            .filter(|door| door.is_open())
    }
}

impl Door {
    fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// Whether nobody was there to take the request: then the door is closed.
    fn is_forsaken(&self, error: &ClientError) -> bool {
        let gone = matches!(error, ClientError::Unreachable { .. });
        if gone {
            self.is_open.store(false, Ordering::Relaxed);
        }
        gone
    }
}

fn nobody() -> ClientError {
    ClientError::Invalid("no door is open".to_owned())
}
