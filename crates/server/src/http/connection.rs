//! TCP connections: how many, how long a head may take, which HTTP they speak, how they end.
//!
//! Slow clients cost a connection each and nothing else: heads are bounded in size and time, bodies
//! likewise ([`super::body`]), a reader that takes nothing of its answer is cut off
//! ([`outflow`]), and past the largest number of connections the next one is told so and closed.

mod answering;
mod opening;
mod outflow;
mod prefixed;
mod sent;

pub(super) use sent::Charged;

use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::answering::Answering;
use self::opening::{Opening, Unopened, Version};
use self::outflow::Outflow;
use self::prefixed::Prefixed;
use super::front::{Front, Shared};
use super::{HttpConfig, history, router};
use crate::backend::Backend;
use crate::listener::{self, ConnectionLimits};

/// The largest head of a request, in bytes: a target of 65,534, all metadata of a value, and as much
/// again. (Longer targets are put aside before: [`opening`].)
const HEAD_BYTES: usize = 128 * 1024;

/// The largest head of an HTTP/2 request, in bytes. A target can't be longer than 65,534 there.
const HEADER_LIST_BYTES: u32 = 128 * 1024;

/// Requests under way at a time on one HTTP/2 connection.
const STREAMS: u32 = 128;

/// How long, and how much, is read of a client whose target is refused.
const DRAIN: Duration = Duration::from_secs(2);
const DRAIN_BYTES: u64 = 1024 * 1024;

/// Serves HTTP until `shutdown` resolves, then lets the requests under way end.
pub async fn serve(
    listener: TcpListener,
    backend: impl Backend,
    config: HttpConfig,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    serve_within(ConnectionLimits::default(), listener, backend, config, shutdown).await
}

/// [`serve`] within other limits.
pub async fn serve_within(
    limits: ConnectionLimits,
    listener: TcpListener,
    backend: impl Backend,
    config: HttpConfig,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let (open, closing) = watch::channel(());
    let front = Front::new(backend, config, limits.body, router::description());
    front.console.ends_with(closing.clone());
    let door = Arc::new(Door::new(limits, &front));
    let mut connections = JoinSet::new();
    let mut watching = JoinSet::new();
    watching.spawn(Arc::clone(&door).watch());
    watching.spawn(history::keep(Arc::downgrade(&front)));
    let graceful = GracefulShutdown::new();
    let serve = |stream| Arc::clone(&door).serve(stream, graceful.watcher(), closing.clone());
    let runtime = || front.backend.runtime();
    listener::accept(&listener, limits, &mut connections, shutdown, refuse, runtime, serve).await;
    drop((listener, open, front));
    if tokio::time::timeout(limits.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests that did not end in time are cut off");
    }
    connections.shutdown().await;
    Ok(())
}

/// Tells a client that there is no room, as far as that can be told without waiting.
fn refuse(stream: &TcpStream) {
    const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n\
        Content-Length: 0\r\nConnection: close\r\n\r\n";
    // A client that can't take these bytes at once learns it from the close alone.
    let _ = stream.try_write(FULL);
}

/// What every connection is served with.
struct Door {
    limits: ConnectionLimits,
    router: Router,
    front: Shared,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    outflows: Mutex<Vec<Weak<Outflow>>>,
}

impl Door {
    fn new(limits: ConnectionLimits, front: &Shared) -> Self {
        let mut http1 = http1::Builder::new();
        http1.timer(TokioTimer::new()).header_read_timeout(limits.head).max_buf_size(HEAD_BYTES);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(HEADER_LIST_BYTES)
            .keep_alive_interval(Some(limits.head))
            .keep_alive_timeout(limits.head);
        Self {
            limits,
            router: router::of(front),
            front: Shared::clone(front),
            http1,
            http2,
            outflows: Mutex::default(),
        }
    }

    /// Looks at all connections again and again for readers that take nothing.
    async fn watch(self: Arc<Self>) {
        let outflows = || self.outflows.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            tokio::time::sleep(self.limits.reader / 4).await;
            let now = tokio::time::Instant::now();
            outflows().retain(|outflow| {
                let Some(outflow) = outflow.upgrade() else { return false };
                outflow.watch(now, self.limits.reader);
                true
            });
        }
    }

    fn outflow(&self) -> Arc<Outflow> {
        let outflow = Arc::new(Outflow::default());
        let mut all = self.outflows.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Arc::downgrade(&outflow));
        outflow
    }

    async fn serve(
        self: Arc<Self>,
        mut stream: TcpStream,
        watcher: Watcher,
        mut closing: watch::Receiver<()>,
    ) {
        // Whether small answers leave at once is a matter of speed alone.
        let _ = stream.set_nodelay(true);
        let opening = Opening::read(&mut stream, &self.front.memory);
        let opening = tokio::time::timeout(self.limits.head, opening);
        let opened = tokio::select! {
            biased;
            // Nothing was asked yet: a closing door need not wait for it.
            _ = closing.changed() => return,
            opened = opening => opened,
        };
        let opening = match opened {
            Ok(Ok(opening)) => opening,
            Ok(Err(Unopened::TooLong)) => return refuse_target(stream).await,
            Ok(Err(Unopened::NoRoom)) => return refuse(&stream),
            Ok(Err(Unopened::Broken)) | Err(_) => return,
        };
        self.serve_opened(opening, stream, watcher).await;
    }

    async fn serve_opened(&self, opening: Opening, stream: TcpStream, watcher: Watcher) {
        let Opening { version, read, target, part: _part } = opening;
        let io = TokioIo::new(Prefixed::new(read, stream));
        let outflow = self.outflow();
        let mut http1 = self.http1.clone();
        // Behind a target that was put aside nothing is told apart from the request's body.
        http1.keep_alive(target.is_none());
        let service = Answering {
            router: TowerToHyperService::new(self.router.clone()),
            front: Shared::clone(&self.front),
            outflow: Arc::clone(&outflow),
            target,
        };
        let served = async {
            match version {
                Version::Http2 => watcher.watch(self.http2.serve_connection(io, service)).await,
                Version::Http1 => watcher.watch(http1.serve_connection(io, service)).await,
            }
        };
        tokio::select! {
            biased;
            served = served => {
                if let Err(error) = served {
                    tracing::debug!(%error, "a connection ended early");
                }
            }
            () = outflow.stalled() => tracing::debug!("a reader took nothing and was cut off"),
        }
    }
}

/// Tells a client that its target is too long, and takes what it still sends for a moment, so that
/// the answer is not lost with the connection.
async fn refuse_target(mut stream: TcpStream) {
    const TOO_LONG: &[u8] = b"HTTP/1.1 414 URI Too Long\r\nContent-Length: 0\r\n\
        Connection: close\r\n\r\n";
    let told = async {
        stream.write_all(TOO_LONG).await?;
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(DRAIN_BYTES), &mut tokio::io::sink()).await
    };
    // Whether it was told in time or not, the connection ends.
    let _ = tokio::time::timeout(DRAIN, told).await;
}
