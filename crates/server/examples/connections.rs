//! What connections cost a running node in resident memory: idle ones, and readers of an 8 MiB
//! object that take nothing of it. Linux only: it reads `/proc`.
//!
//! ```text
//! cargo run --release -p stator-server --example connections -- 127.0.0.1:7411 PID
//! ```
//!
//! The node is asked over sockets alone; its memory is what `/proc/PID/status` says. Buffers of the
//! system's sockets are not in it.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

type Outcome<T> = Result<T, Box<dyn Error>>;

const OBJECT: usize = 8 * 1024 * 1024;
const LIVE: &[u8] = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// How long after they were answered readers that take nothing are looked at again: the node has
/// cut them off by then.
const CUT_OFF: Duration = Duration::from_secs(45);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(pid)) = (arguments.next(), arguments.next()) else {
        return Err("say the node's HTTP address and its process id".into());
    };
    let node = Node { address: address.parse()?, pid: pid.parse()? };
    idle(&node, "idle, nothing said", 1000, b"").await?;
    idle(&node, "idle after one request", 1000, LIVE).await?;
    idle(&node, "idle after one request", 5000, LIVE).await?;
    for number in 0..40 {
        node.store(number).await?;
    }
    idle(&node, "idle after a get of 8 MiB", 200, get(0).as_bytes()).await?;
    for readers in [1, 10, 40] {
        slow_readers(&node, readers).await?;
    }
    Ok(())
}

fn get(number: u64) -> String {
    format!("GET /v1/kv/measured/{number}?r=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

/// The node that is measured.
struct Node {
    address: SocketAddr,
    pid: u32,
}

impl Node {
    /// Its resident memory in KiB.
    fn resident_kib(&self) -> Outcome<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let figure = line.and_then(|rest| rest.trim().strip_suffix(" kB"));
        Ok(figure.ok_or("no VmRSS")?.trim().parse()?)
    }

    async fn store(&self, number: u64) -> Outcome<()> {
        let mut stream = TcpStream::connect(self.address).await?;
        let head = format!(
            "PUT /v1/kv/measured/{number} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Length: {OBJECT}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&vec![7; OBJECT]).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        if answer.starts_with("HTTP/1.1 204") { Ok(()) } else { Err(answer.into()) }
    }
}

fn tell(what: &str, count: u64, before: u64, after: u64) {
    let each = (after as f64 - before as f64) / count as f64;
    println!("{what}: {count} connections, {before} KiB -> {after} KiB, {each:.1} KiB each");
}

/// Connections that have asked for something, were answered, and are silent.
async fn idle(node: &Node, what: &str, count: u64, request: &[u8]) -> Outcome<()> {
    let before = node.resident_kib()?;
    let mut streams = Vec::new();
    for _ in 0..count {
        let mut stream = TcpStream::connect(node.address).await?;
        if !request.is_empty() {
            stream.write_all(request).await?;
            take_answer(&mut stream).await?;
        }
        streams.push(stream);
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    tell(what, count, before, node.resident_kib()?);
    drop(streams);
    tokio::time::sleep(Duration::from_secs(2)).await;
    println!("  closed again: {} KiB", node.resident_kib()?);
    Ok(())
}

async fn take_answer(stream: &mut TcpStream) -> Outcome<()> {
    let mut bytes = Vec::new();
    let mut wanted = usize::MAX;
    while bytes.len() < wanted {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err("the node closed the connection".into());
        }
        if wanted == usize::MAX {
            wanted = whole(&bytes).unwrap_or(usize::MAX);
        }
    }
    Ok(())
}

/// How long an answer is, once its head is there.
fn whole(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
    Some(end + 4 + length.parse::<usize>().ok()?)
}

/// Readers that ask for an object, each for one of its own, take the status and then nothing.
async fn slow_readers(node: &Node, count: u64) -> Outcome<()> {
    let before = node.resident_kib()?;
    let mut streams = Vec::new();
    for number in 0..count {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(16 * 1024)?;
        let mut stream = socket.connect(node.address).await?;
        stream.write_all(get(number).as_bytes()).await?;
        let mut status = [0; 12];
        stream.read_exact(&mut status).await?;
        if &status != b"HTTP/1.1 200" {
            return Err(String::from_utf8_lossy(&status).into());
        }
        streams.push(stream);
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    tell("readers of 8 MiB that take nothing", count, before, node.resident_kib()?);
    tokio::time::sleep(CUT_OFF).await;
    let mut whole = 0;
    for stream in &mut streams {
        let mut rest = Vec::new();
        // A connection that was cut may end with an error.
        let _ = stream.read_to_end(&mut rest).await;
        whole += u64::from(rest.len() >= OBJECT);
    }
    let (after, waited) = (node.resident_kib()?, CUT_OFF.as_secs());
    println!("  {waited} s later: {after} KiB; {whole} of {count} can still be read to the end");
    Ok(())
}
