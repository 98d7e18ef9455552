//! What the doors' listeners have in common: how many connections there may be, how long silence
//! may last, and taking connections in until the door closes.

use std::io;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

/// How long to wait after an error of the listener itself, such as having no file left to open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Bounds on connections.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Open connections; the next one is told that there is no room, and closed.
    pub connections: usize,
    /// HTTP: how long the head of a request may take, and how long a connection may be idle before
    /// it. Redis protocol: how long the next bytes of a command that has begun may take, and how
    /// long a reader may take nothing of its replies.
    pub head: Duration,
    /// HTTP: how long the next piece of a request's body may take. A body must also come at a pace.
    pub body: Duration,
    /// HTTP: how long a reader may take nothing of an answer before it is cut off.
    pub reader: Duration,
    /// Redis protocol: how long a connection may be silent between commands. Its clients keep
    /// connections for later, so this is much longer.
    pub idle: Duration,
    /// How long requests under way may go on once the door closes.
    pub drain: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            head: Duration::from_mins(1),
            body: Duration::from_secs(10),
            reader: Duration::from_secs(30),
            idle: Duration::from_mins(30),
            drain: Duration::from_secs(15),
        }
    }
}

/// Takes in connections until `shutdown` resolves: each is served by a task of its own, where
/// `runtime` says, and one above the limit is refused.
pub(crate) async fn accept<F>(
    listener: &TcpListener,
    limits: ConnectionLimits,
    connections: &mut JoinSet<()>,
    shutdown: impl Future<Output = ()>,
    refuse: impl Fn(&TcpStream),
    runtime: impl Fn() -> Option<Handle>,
    mut serve: impl FnMut(TcpStream) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => return,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) if connections.len() >= limits.connections => refuse(&stream),
            Ok((stream, _)) => match runtime() {
                None => drop(connections.spawn(serve(stream))),
                Some(runtime) => match moved_to(&runtime, stream) {
                    Ok(stream) => drop(connections.spawn_on(serve(stream), &runtime)),
                    Err(error) => tracing::debug!(%error, "a connection could not be taken in"),
                },
            },
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The same connection, known to that runtime and no more to this one.
fn moved_to(runtime: &Handle, stream: TcpStream) -> io::Result<TcpStream> {
    let stream = stream.into_std()?;
    let _within = runtime.enter();
    TcpStream::from_std(stream)
}
