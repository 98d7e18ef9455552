//! TCP connections: how many, how long a head may take, which HTTP they speak, how they end.
//!
//! Slow clients cost a connection each and nothing else: heads are bounded in size and time, bodies
//! likewise ([`super::body`]), and past the largest number of connections the next one is told so
//! and closed.

mod opening;
mod prefixed;

use std::io;
use std::sync::Arc;

use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::opening::{Opening, Version};
use self::prefixed::Prefixed;
use super::path::LongTarget;
use super::{HttpConfig, history, router};
use crate::backend::Backend;
use crate::listener::{self, ConnectionLimits};

/// The largest head of a request, in bytes: room for a key of 64 KiB whose every byte is escaped.
const HEAD_BYTES: usize = 512 * 1024;

/// The largest head of an HTTP/2 request, in bytes. A target can't be longer than 65,534 there.
const HEADER_LIST_BYTES: u32 = 128 * 1024;

/// Requests under way at a time on one HTTP/2 connection.
const STREAMS: u32 = 256;

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
    let (router, front) = router::with_front(backend, config);
    front.console.ends_with(closing.clone());
    let sampling = tokio::spawn(history::keep(Arc::downgrade(&front)));
    drop(front);
    let door = Arc::new(Door::new(limits, router));
    let mut connections = JoinSet::new();
    let graceful = GracefulShutdown::new();
    let serve = |stream| Arc::clone(&door).serve(stream, graceful.watcher(), closing.clone());
    listener::accept(&listener, limits, &mut connections, shutdown, refuse, serve).await;
    drop((listener, open));
    if tokio::time::timeout(limits.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests that did not end in time are cut off");
    }
    connections.shutdown().await;
    sampling.abort();
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
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
}

impl Door {
    fn new(limits: ConnectionLimits, router: Router) -> Self {
        let mut http1 = http1::Builder::new();
        http1.timer(TokioTimer::new()).header_read_timeout(limits.head).max_buf_size(HEAD_BYTES);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(HEADER_LIST_BYTES)
            .keep_alive_interval(Some(limits.head))
            .keep_alive_timeout(limits.head);
        Self { limits, router, http1, http2 }
    }

    async fn serve(
        self: Arc<Self>,
        mut stream: TcpStream,
        watcher: Watcher,
        mut closing: watch::Receiver<()>,
    ) {
        // Whether small answers leave at once is a matter of speed alone.
        let _ = stream.set_nodelay(true);
        let opening = tokio::time::timeout(self.limits.head, Opening::read(&mut stream));
        let opened = tokio::select! {
            biased;
            // Nothing was asked yet: a closing door need not wait for it.
            _ = closing.changed() => return,
            opened = opening => opened,
        };
        let Ok(Ok(Opening { version, read, target })) = opened else { return };
        let io = TokioIo::new(Prefixed::new(read, stream));
        let router = TowerToHyperService::new(self.router.clone());
        let served = match (version, target) {
            (Version::Http2, _) => watcher.watch(self.http2.serve_connection(io, router)).await,
            (Version::Http1, None) => watcher.watch(self.http1.serve_connection(io, router)).await,
            (Version::Http1, Some(target)) => {
                let service = LongService { target, router };
                let mut once = self.http1.clone();
                once.keep_alive(false);
                watcher.watch(once.serve_connection(io, service)).await
            }
        };
        if let Err(error) = served {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

/// Serves the one request of a connection whose target was put aside.
struct LongService {
    target: LongTarget,
    router: TowerToHyperService<Router>,
}

impl Service<Request<Incoming>> for LongService {
    type Response = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Response;
    type Error = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Error;
    type Future = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Future;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.target.clone());
        self.router.call(request)
    }
}
