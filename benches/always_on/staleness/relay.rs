//! Relays between the nodes, each of which holds up what its node is sent: a network with a heavy tail.
//!
//! A node listens on 127.0.0.1 and advertises [`ADVERTISED`], where a relay of the same port passes
//! connections on. Nodes only send on the connections that they dial, so that the way to a node is held
//! up and nothing on the way back.

use std::f64::consts::TAU;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::Failed;
use crate::fleet::Node;

/// The host that nodes advertise.
pub(super) const ADVERTISED: &str = "127.0.0.2";

const PIECE: usize = 64 * 1024;
/// Pieces under way past which no more is read, as in a socket whose window is full.
const WINDOW: usize = 1024;
/// Delays are log-normal: the median, the spread of their logarithm (99 % are below 31 ms), and the most.
const MEDIAN_MS: f64 = 3.0;
const SIGMA: f64 = 1.0;
const MOST_MS: f64 = 1000.0;

/// Puts a relay before each node. They end when this is dropped.
pub(super) async fn before(nodes: &[Node]) -> Result<JoinSet<()>, Failed> {
    let mut relays = JoinSet::new();
    for node in nodes {
        let target: SocketAddr = node.peer.parse()?;
        let listener = TcpListener::bind((ADVERTISED, target.port())).await?;
        relays.spawn(async move {
            let mut carried = JoinSet::new();
            while let Ok((dialled, _)) = listener.accept().await {
                carried.spawn(async move { carry(dialled, target).await });
            }
        });
    }
    Ok(relays)
}

/// Carries one connection until either side ends it.
async fn carry(dialled: TcpStream, target: SocketAddr) -> io::Result<()> {
    let accepted = TcpStream::connect(target).await?;
    dialled.set_nodelay(true)?;
    accepted.set_nodelay(true)?;
    let (from_dialler, mut to_dialler) = dialled.into_split();
    let (mut from_target, to_target) = accepted.into_split();
    tokio::select! {
        ended = held_up(from_dialler, to_target) => ended,
        ended = tokio::io::copy(&mut from_target, &mut to_dialler) => ended.map(drop),
    }
}

async fn held_up(from: OwnedReadHalf, to: OwnedWriteHalf) -> io::Result<()> {
    let (queue, due) = mpsc::channel(WINDOW);
    tokio::try_join!(read(from, queue), write(to, due)).map(drop)
}

async fn read(mut from: OwnedReadHalf, queue: mpsc::Sender<(Instant, Bytes)>) -> io::Result<()> {
    loop {
        let mut piece = BytesMut::with_capacity(PIECE);
        if from.read_buf(&mut piece).await? == 0 {
            return Ok(());
        }
        let sent = queue.send((Instant::now() + delay(), piece.freeze())).await;
        sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
    }
}

/// In the order in which they came: who is late holds up all behind it, as in one connection.
async fn write(
    mut to: OwnedWriteHalf,
    mut due: mpsc::Receiver<(Instant, Bytes)>,
) -> io::Result<()> {
    while let Some((at, piece)) = due.recv().await {
        sleep_until(at).await;
        to.write_all(&piece).await?;
    }
    Ok(())
}

/// One delay, by Box and Muller's method.
fn delay() -> Duration {
    let radius = (-2.0 * (1.0 - rand::random::<f64>()).ln()).sqrt();
    let normal = radius * (TAU * rand::random::<f64>()).cos();
    Duration::from_secs_f64((MEDIAN_MS * (SIGMA * normal).exp()).min(MOST_MS) / 1e3)
}
