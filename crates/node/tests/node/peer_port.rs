//! Strangers at the peer port: the connection is closed, and the node goes on.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use stator_core::membership::admin::{AdminDone, AdminRequest};

use crate::rig::{TIMEOUT, config, directory, joining, put, serving, start, until};

/// Sends bytes and waits until the node closes the connection; what it said until then.
fn stranger(address: SocketAddr, bytes: Vec<u8>, end: Option<Shutdown>) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
    // The node may hang up before everything is written, which is just as well.
    let _ = stream.write_all(&bytes);
    if let Some(end) = end {
        let _ = stream.shutdown(end);
    }
    let mut said = Vec::new();
    match stream.read_to_end(&mut said) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
        Err(error) => panic!("the node did not hang up: {error}"),
    }
    said
}

#[tokio::test]
async fn garbage_half_and_oversized_frames_are_closed_and_the_node_goes_on() {
    let dir = directory();
    let node = serving(config("n1", dir.path())).await;
    let address = node.peer_address();
    let half = Some(Shutdown::Write);
    let cases: Vec<(Vec<u8>, Option<Shutdown>)> = vec![
        (b"GET / HTTP/1.1\r\nHost: n1\r\n\r\n".to_vec(), None),
        (vec![0xff; 100_000], None),
        (vec![0; 2], None),
        ([&[0, 200][..], &[7; 200]].concat(), None),
        ([&[0, 200][..], &[7; 10]].concat(), half),
        (vec![0], half),
        (Vec::new(), half),
    ];
    for (bytes, end) in cases {
        let shown = format!("{} bytes beginning {:?}", bytes.len(), &bytes[..bytes.len().min(8)]);
        let said = tokio::task::spawn_blocking(move || stranger(address, bytes, end))
            .await
            .unwrap_or_else(|error| panic!("{shown}: {error}"));
        assert!(said.is_empty(), "{shown}: a stranger is told nothing, not {said:?}");
        put(&node.handle(), "cart", b"milk").await.expect("the node goes on");
    }
    node.stop().await;
}

#[tokio::test]
async fn many_who_say_nothing_do_not_keep_a_peer_out() {
    let (dir1, dir2) = (directory(), directory());
    let n1 = serving(config("n1", dir1.path())).await;
    let silent: Vec<TcpStream> =
        (0..100).map(|_| TcpStream::connect(n1.peer_address()).expect("connected")).collect();
    let n2 = start(joining("n2", dir2.path(), &n1)).await;
    let handle = n1.handle();
    until("the join is staged", async || {
        let plan = handle.admin(AdminRequest::Plan, TIMEOUT).await;
        matches!(plan, Ok(AdminDone::Plan(plan)) if !plan.changes.is_empty()).then_some(())
    })
    .await;
    drop(silent);
    n1.stop().await;
    n2.stop().await;
}
