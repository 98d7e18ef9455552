//! What a turn costs a connection, counted.

use stator_wire::frame;
use tokio::io::AsyncReadExt;

use super::*;

/// What encryption adds to a record: authentication.
const TAG: usize = 16;
const PAYLOAD: usize = 100;
const FRAME: usize = frame::HEADER + PAYLOAD;

/// The bytes of the next record that comes, less what encryption adds.
async fn next_record(stream: &mut TcpStream) -> usize {
    let len = usize::from(stream.read_u16().await.expect("a record"));
    let mut sealed = vec![0; len];
    stream.read_exact(&mut sealed).await.expect("all of it");
    len - TAG
}

/// All that a turn says to a peer is one record, so that it is encrypted and written once: as one
/// record for each frame, a busy node would make as many system calls as it sends messages, and
/// authenticate each apart. It may rise only for what does not fit into a record (64 KiB).
#[tokio::test]
async fn a_turn_is_one_record_for_each_peer_however_much_it_says() {
    on_one_thread(async {
        let (a, b) = (Arc::new(me(A, b"secret")), me(B, b"secret"));
        let (listener, addresses) = listen().await;
        let (mut links, events) = links(&a);
        links.keep(&addresses);
        let Accepted { mut stream, .. } =
            accept_one(&listener, &b).await.expect("it has the secret");
        assert!(matches!(next(&events).await, LinkEvent::Up(up) if up.node == B));
        for frames in [1, 20, 300] {
            for _ in 0..frames {
                links.send(B, |out| out.extend_from_slice(&[7; PAYLOAD])).expect("connected");
            }
            links.flush();
            // A turn that says nothing sends nothing.
            links.flush();
            assert_eq!(next_record(&mut stream).await, frames * FRAME, "{frames} frames");
        }
    })
    .await;
}
