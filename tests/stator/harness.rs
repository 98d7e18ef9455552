//! Nodes as processes, the command line as a function, raw HTTP, and waiting with a deadline.

mod cluster;
mod http;
mod node;
mod process;
mod redis;

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

pub(crate) use cluster::Cluster;
pub(crate) use http::{Answer, Request, encode};
pub(crate) use node::Node;
pub(crate) use process::{free_ports, stator};
pub(crate) use redis::Redis;

/// How long anything may take that ends by itself.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Runs a command to its end with these bytes on stdin.
pub(crate) fn run_with(mut command: Command, stdin: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary was built");
    let mut pipe = child.stdin.take().expect("stdin is piped");
    let bytes = stdin.to_vec();
    let feeding = std::thread::spawn(move || {
        // A command that refuses its arguments ends without reading.
        let _ = pipe.write_all(&bytes);
    });
    let pid = Pid::from_child(&child);
    let (send, ended) = channel();
    std::thread::spawn(move || send.send(child.wait_with_output()));
    let output = ended.recv_timeout(2 * PATIENCE).unwrap_or_else(|_| {
        // A command that should have ended by itself must not outlive its test.
        let _ = kill_process(pid, Signal::KILL);
        panic!("{command:?} did not end within {} s", 2 * PATIENCE.as_secs())
    });
    feeding.join().expect("feeding does not panic");
    output.expect("the command's output can be read")
}

/// Runs a command to its end.
pub(crate) fn run(command: Command) -> Output {
    run_with(command, b"")
}

/// Asks again and again until there is an answer.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what}: not within {} s", PATIENCE.as_secs());
        std::thread::sleep(Duration::from_millis(25));
    }
}

/// A command's stderr as text.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A command's stdout as text.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}
