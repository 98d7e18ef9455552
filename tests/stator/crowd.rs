//! Many connections to one process.

use std::io::{Read, Write};
use std::net::TcpStream;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::harness::{Node, Request};

const LIVE: &[u8] = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

/// The shell that started the node would let it open 256 files.
#[test]
fn a_thousand_idle_connections_fit_whatever_the_shell_allows() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("it is allowed");
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut node = Node::new(dir.path(), "n1");
    node.start_with_few_files(256, &["--init"]);
    let idle: Vec<TcpStream> = (0..1000)
        .map(|_| {
            let mut socket = TcpStream::connect(&node.http).expect("it listens");
            socket.write_all(LIVE).expect("it reads");
            let mut status = [0; 12];
            socket.read_exact(&mut status).expect("it answers");
            assert_eq!(&status, b"HTTP/1.1 200");
            socket
        })
        .collect();
    assert_eq!(node.send(&Request::put("/v1/kv/b/k", "v")).status, 204);
    assert_eq!(node.send(&Request::get("/v1/kv/b/k")).body, b"v");
    drop(idle);
}
