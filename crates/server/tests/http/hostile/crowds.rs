//! Very many connections that do nothing.

use stator_server::{ConnectionLimits, HttpConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::PATIENCE;
use crate::client::Door;
use crate::fake::Fake;

/// Both ends of each connection are in this process.
fn allow_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("it is allowed");
}

#[tokio::test]
async fn a_thousand_idle_connections_keep_nobody_out() {
    allow_files();
    let limits = ConnectionLimits { connections: 1001, ..ConnectionLimits::default() };
    let door = Door::with(Fake::new(), HttpConfig::default(), limits).await;
    let mut idle = Vec::new();
    for number in 0..1000 {
        let mut stream = door.connect().await;
        // Some have asked for something, some have begun to, some have said nothing.
        match number % 3 {
            0 => {
                let request = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
                stream.write_all(request).await.expect("it is taken");
                let mut answer = [0; 12];
                stream.read_exact(&mut answer).await.expect("it is answered");
            }
            1 => stream.write_all(b"GET /livez HTTP/1.1\r\nHo").await.expect("it is taken"),
            _ => {}
        }
        idle.push(stream);
    }
    for _ in 0..20 {
        let asked = tokio::time::timeout(PATIENCE, door.put("/v1/kv/b/k", b"v"));
        assert_eq!(asked.await.expect("in time").status, 204);
    }
    // The two thousandth and first end finds a door that still works.
    let mut last = door.connect().await;
    let over = door.get("/livez").await;
    assert_eq!((over.status, over.header("retry-after")), (503, Some("1")));
    last.shutdown().await.expect("it is closed");
    drop((last, idle));
    let again = async { while door.get("/livez").await.status != 200 {} };
    tokio::time::timeout(PATIENCE, again).await.expect("there is room again");
}
