//! One direction of one connection through a proxy: bytes in, and out again when the link lets
//! them.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::network::Link;

const PIECE: usize = 16 * 1024;
/// Pieces under way past which no more is read, as in a socket whose window is full.
const WINDOW: usize = 64;

/// Passes bytes on until the sender has ended and all that it sent is delivered.
pub(super) async fn pump(
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    link: watch::Receiver<Link>,
) -> io::Result<()> {
    let (queue, due) = mpsc::channel(WINDOW);
    tokio::try_join!(read(from, queue, link.clone()), write(to, due, link)).map(drop)
}

async fn read(
    mut from: OwnedReadHalf,
    queue: mpsc::Sender<(Instant, Bytes)>,
    link: watch::Receiver<Link>,
) -> io::Result<()> {
    loop {
        let mut piece = BytesMut::with_capacity(PIECE);
        if from.read_buf(&mut piece).await? == 0 {
            return Ok(());
        }
        let mut at = Instant::now();
        if let Link::Slow(delay) = *link.borrow() {
            at += delay;
        }
        let sent = queue.send((at, piece.freeze())).await;
        sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
    }
}

async fn write(
    mut to: OwnedWriteHalf,
    mut due: mpsc::Receiver<(Instant, Bytes)>,
    link: watch::Receiver<Link>,
) -> io::Result<()> {
    while let Some((at, piece)) = due.recv().await {
        tokio::time::sleep_until(at).await;
        is(link.clone(), |link| link != Link::Silent).await;
        to.write_all(&piece).await?;
    }
    Ok(())
}

/// Waits until a link is as it is asked for.
pub(super) async fn is(mut link: watch::Receiver<Link>, asked: impl Fn(Link) -> bool) {
    if link.wait_for(|link| asked(*link)).await.is_err() {
        // The test has ended, and with it the network: nothing passes any more.
        std::future::pending::<()>().await;
    }
}
