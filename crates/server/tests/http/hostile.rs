//! Clients that mean harm, or are broken: what they send is answered clearly or their connection is
//! closed, the memory that they hold is bounded, and everyone else is served.

mod crowds;
mod floods;
mod shapes;
mod slow_readers;
mod slow_writers;

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::Door;

/// How long a door may take for what it does by itself.
const PATIENCE: Duration = Duration::from_secs(30);

/// Everything that a door answers to these bytes, until it closes the connection; the sender goes
/// on sending for as long as it may.
async fn told(door: &Door, bytes: &[u8]) -> String {
    let (mut reader, mut writer) = door.connect().await.into_split();
    let bytes = bytes.to_vec();
    let sending = tokio::spawn(async move {
        // A refused sender may not get rid of all of it.
        let _ = writer.write_all(&bytes).await;
        writer
    });
    let mut told = Vec::new();
    // A connection that is cut shows in what was read until then.
    let _ = tokio::time::timeout(PATIENCE, reader.read_to_end(&mut told)).await.expect("closed");
    drop(sending.await);
    String::from_utf8_lossy(&told).into_owned()
}

/// The statuses in what was told.
fn statuses(told: &str) -> Vec<u16> {
    let heads = told.split("HTTP/1.1 ").skip(1);
    heads.filter_map(|head| head.get(..3)?.parse().ok()).collect()
}

/// Reads until the connection is closed or cut; how much came.
async fn read_to_close(stream: &mut TcpStream) -> usize {
    let mut read = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut read)).await.expect("closed");
    read.len()
}
