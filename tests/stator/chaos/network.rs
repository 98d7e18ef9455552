//! The network between the nodes: a proxy before each one's peer port, and for every pair of nodes
//! and direction a link that can be cut, silenced or slowed. Its HTTP port has a proxy too, which
//! does no harm: who asks the cluster for its members finds them at the host that they advertise.
//!
//! A node listens on 127.0.0.1 and advertises [`PROXIES`], where a proxy of the same port passes
//! connections on. Nodes only send on the connections that they dial, so the connections dialled by
//! `a` to `b` are the link from `a` to `b`, and one direction can fail alone.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::dialler::Diallers;
use super::pump::{is, pump};
use crate::harness::Node;

/// The host that nodes advertise.
pub(super) const PROXIES: &str = "127.0.0.2";

/// How a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// As it should be.
    Open,
    /// Its connections are closed and new ones are closed as soon as they are made.
    Cut,
    /// Connections stay and nothing passes, until the link is open again; then what was sent
    /// arrives late, as after a network that came back.
    Silent,
    /// Every piece arrives so much later.
    Slow(Duration),
}

/// Where a link leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// The place of the node that dials and sends.
    pub(super) from: usize,
    /// The place of the node that accepts.
    pub(super) to: usize,
}

/// All links.
#[derive(Debug)]
pub(super) struct Network {
    /// By the places of the dialling and of the accepting node.
    links: Vec<Vec<watch::Sender<Link>>>,
    diallers: Diallers,
}

impl Network {
    /// Puts a proxy before each node. Must be called on a runtime.
    pub(super) async fn before(nodes: &[Node]) -> Arc<Self> {
        let link = |_| watch::Sender::new(Link::Open);
        let row = |_| (0..nodes.len()).map(link).collect();
        let data = nodes.iter().map(|node| node.data.clone()).collect();
        let network = Arc::new(Self {
            links: (0..nodes.len()).map(row).collect(),
            diallers: Diallers::new(data),
        });
        for (to, node) in nodes.iter().enumerate() {
            let target: SocketAddr = node.peer.parse().expect("the harness made the address");
            let listener = TcpListener::bind((PROXIES, target.port())).await;
            let listener = listener.expect("nobody else uses the proxies' address");
            tokio::spawn(Arc::clone(&network).accept(listener, target, to));
            let http: SocketAddr = node.http.parse().expect("the harness made the address");
            let listener = TcpListener::bind((PROXIES, http.port())).await;
            tokio::spawn(pass_on(listener.expect("nobody else uses the proxies' address"), http));
        }
        network
    }

    /// Changes a link, with the connections that it has.
    pub(super) fn set(&self, route: Route, link: Link) {
        self.links[route.from][route.to].send_replace(link);
    }

    async fn accept(self: Arc<Self>, listener: TcpListener, target: SocketAddr, to: usize) {
        loop {
            let Ok((stream, from)) = listener.accept().await else { continue };
            tokio::spawn(Arc::clone(&self).carry(stream, from, target, to));
        }
    }

    /// Carries one connection until it ends or is cut.
    async fn carry(
        self: Arc<Self>,
        stream: TcpStream,
        from: SocketAddr,
        to: SocketAddr,
        at: usize,
    ) {
        let network = Arc::clone(&self);
        let found = tokio::task::spawn_blocking(move || network.diallers.of(from)).await;
        // A process that ended meanwhile has no use for its connection.
        let Ok(Some(dialler)) = found else { return };
        let link = self.links[dialler][at].subscribe();
        tokio::select! {
            biased;
            () = is(link.clone(), |link| link == Link::Cut) => {}
            _ = both_ways(stream, to, link) => {}
        }
    }
}

/// Passes every connection on as it is.
async fn pass_on(listener: TcpListener, target: SocketAddr) {
    let open = watch::Sender::new(Link::Open);
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        tokio::spawn(both_ways(stream, target, open.subscribe()));
    }
}

async fn both_ways(
    dialled: TcpStream,
    target: SocketAddr,
    link: watch::Receiver<Link>,
) -> std::io::Result<()> {
    is(link.clone(), |link| link != Link::Silent).await;
    let accepted = TcpStream::connect(target).await?;
    dialled.set_nodelay(true)?;
    accepted.set_nodelay(true)?;
    let (from_dialler, to_dialler) = dialled.into_split();
    let (from_target, to_target) = accepted.into_split();
    tokio::select! {
        ended = pump(from_dialler, to_target, link.clone()) => ended,
        ended = pump(from_target, to_dialler, link) => ended,
    }
}
