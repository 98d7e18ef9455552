//! One client's connection: calls are read, carried out at the same time, and answered in the
//! order in which their answers are ready.

mod reading;
mod writing;

use std::io;
use std::sync::Arc;

use stator_core::ring::RingVersion;
use stator_node::ClientConnection;
use stator_wire::client::{CallError, MAX_CALLS, NodeAnswer};
use stator_wire::proto::{self, UnreadableCall};
use stator_wire::transport::Sealer;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use self::reading::{Heard, Reading};
use self::writing::{Outgoing, Writing};
use super::NativeConfig;
use super::call::Call;
use super::front::{Front, Shared};
use crate::backend::Backend;
use crate::listener::ConnectionLimits;

/// Serves native clients until `shutdown` resolves, then lets calls under way end.
pub async fn serve(
    clients: mpsc::Receiver<ClientConnection>,
    backend: impl Backend,
    config: NativeConfig,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    serve_within(ConnectionLimits::default(), clients, backend, config, shutdown).await
}

/// [`serve`] within other limits.
pub async fn serve_within(
    limits: ConnectionLimits,
    mut clients: mpsc::Receiver<ClientConnection>,
    backend: impl Backend,
    config: NativeConfig,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let front = Front::new(backend, config, limits);
    let mut connections = JoinSet::new();
    let (open, closing) = watch::channel(());
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let client = tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => continue,
            client = clients.recv() => client,
        };
        let Some(client) = client else { break };
        let is_full = connections.len() >= limits.connections;
        let (front, closing) = (Arc::clone(&front), closing.clone());
        let runtime = front.backend.runtime();
        let served = async move {
            let (name, from) = (client.name.clone(), client.from);
            let served = if is_full {
                send_away(client, &front).await
            } else {
                converse(client, front, closing).await
            };
            if let Err(error) = served {
                tracing::debug!(client = %name, %from, %error, "a native client's connection ended early");
            }
        };
        match runtime {
            None => drop(connections.spawn(served)),
            Some(runtime) => drop(connections.spawn_on(served, &runtime)),
        }
    }
    drop((clients, open));
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.drain, ended).await.is_err() {
        tracing::warn!("calls of native clients that did not end in time are cut off");
    }
    connections.shutdown().await;
    Ok(())
}

/// Tells a client that there is no room.
async fn send_away(client: ClientConnection, front: &Shared) -> io::Result<()> {
    let (_, write) = TcpStream::from_std(client.stream)?.into_split();
    let text = "the node has as many connections as it takes: ask another node".to_owned();
    close(write, client.transport.sealer, front, text).await
}

async fn close(
    write: OwnedWriteHalf,
    sealer: Sealer,
    front: &Shared,
    text: String,
) -> io::Result<()> {
    let (answers, receiver) = mpsc::channel(1);
    let _ = answers.try_send(Outgoing::closing(front.ring(), 0, text));
    drop(answers);
    Writing::new(write, sealer, front.limits.head).run(receiver).await
}

async fn converse(
    client: ClientConnection,
    front: Shared,
    closing: watch::Receiver<()>,
) -> io::Result<()> {
    let (read, write) = TcpStream::from_std(client.stream)?.into_split();
    let (answers, receiver) = mpsc::channel(MAX_CALLS + 1);
    let writing = Writing::new(write, client.transport.sealer, front.limits.head);
    let mut writer = tokio::spawn(writing.run(receiver));
    let reading =
        Reading::new(read, client.transport.opener, (client.raw, client.heard), &front, closing);
    let conversation = Conversation { front, answers, room: Arc::new(Semaphore::new(MAX_CALLS)) };
    let heard = tokio::select! {
        // Nobody takes answers any more: nothing that is still asked is carried out.
        written = &mut writer => return written.map_err(io::Error::other)?,
        heard = conversation.listen(reading) => heard,
    };
    // All answers are given or given up: the writer ends once it has sent them.
    writer.await.map_err(io::Error::other)??;
    heard
}

/// What a client is told that has done nothing wrong.
const NO_MORE: &str = "the node stops, or nothing was said for long: connect again";

/// What is under way on one connection.
struct Conversation {
    front: Shared,
    answers: mpsc::Sender<Outgoing>,
    room: Arc<Semaphore>,
}

impl Conversation {
    /// Takes calls until the client ends, falls silent, or says what is no call; waits for those
    /// under way; and says why it ends, and how far it has read.
    async fn listen(self, mut reading: Reading) -> io::Result<()> {
        let (mut calls, mut taken) = (JoinSet::new(), 0);
        let ended = loop {
            while calls.try_join_next().is_some() {}
            // Read no further than what may be under way.
            let Ok(place) = Arc::clone(&self.room).acquire_owned().await else { break Ok(()) };
            let Heard { frame, part } = match reading.next().await {
                Ok(Some(heard)) => heard,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            };
            let call = match proto::decode_call(frame) {
                Ok(call) => call,
                Err(UnreadableCall { id: Some(id), error }) => {
                    taken = id.max(taken);
                    let error = CallError::NotUnderstood { text: error.to_string() };
                    self.say(Outgoing::of(self.answer(id, Err(error)))).await;
                    continue;
                }
                Err(UnreadableCall { id: None, error }) => {
                    break Err(io::Error::new(io::ErrorKind::InvalidData, no_call(&error)));
                }
            };
            taken = call.id.max(taken);
            let (front, answers) = (Arc::clone(&self.front), self.answers.clone());
            let call = Call::new(front, call);
            calls.spawn(async move {
                let (id, ring, outcome) = call.carry_out().await;
                drop(part);
                let (outcome, part) = outcome;
                let answer = NodeAnswer { id, ring, outcome };
                let _ = answers.send(Outgoing { answer, _part: part, _place: Some(place) }).await;
            });
        };
        while calls.join_next().await.is_some() {}
        let why = ended.as_ref().err().map_or_else(|| NO_MORE.to_owned(), ToString::to_string);
        self.say(Outgoing::closing(self.front.ring(), taken, why)).await;
        ended
    }

    fn answer(
        &self,
        id: u64,
        outcome: Result<stator_wire::client::Answer, CallError>,
    ) -> NodeAnswer {
        let ring: RingVersion = self.front.ring();
        NodeAnswer { id, ring, outcome }
    }

    async fn say(&self, outgoing: Outgoing) {
        let _ = self.answers.send(outgoing).await;
    }
}

fn no_call(error: &impl std::fmt::Display) -> String {
    format!(
        "what came is no call of a client ({error}): with a client key one gets, puts and deletes \
         objects and asks for buckets and the ring, and nothing that nodes say to each other"
    )
}
