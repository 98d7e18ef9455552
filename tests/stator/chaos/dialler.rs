//! Which node opened a connection that a proxy has accepted.
//!
//! What a dialler says of itself is encrypted and all nodes share one address, so that the system
//! is asked: the process that holds the other end of the socket (Linux's `/proc`).

use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Finds nodes by their processes, and those by the data directory that they were started with.
#[derive(Debug)]
pub(super) struct Diallers {
    data: Vec<PathBuf>,
    /// Processes found so far, with their nodes' places.
    known: Mutex<Vec<(u32, usize)>>,
}

impl Diallers {
    /// Nodes with these data directories, by place.
    pub(super) fn new(data: Vec<PathBuf>) -> Self {
        Self { data, known: Mutex::default() }
    }

    /// The node at the other end of a connection; none if its process has ended or is no node.
    /// Reads files: not for a thread that must not wait.
    pub(super) fn of(&self, connected: SocketAddr) -> Option<usize> {
        let socket = format!("socket:[{}]", inode(connected)?);
        let holder = |known: &[(u32, usize)]| {
            known.iter().find(|(pid, _)| holds(*pid, &socket)).map(|&(_, place)| place)
        };
        let mut known = self.known.lock().expect("nothing panics while it is held");
        if let Some(place) = holder(&known) {
            return Some(place);
        }
        *known = self.processes();
        holder(&known)
    }

    fn processes(&self) -> Vec<(u32, usize)> {
        let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
        let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        pids.filter_map(|pid| Some((pid, self.place_of(pid)?))).collect()
    }

    fn place_of(&self, pid: u32) -> Option<usize> {
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let mut words = command.split(|&byte| byte == 0);
        words.find(|word| *word == b"--data")?;
        let data = words.next()?;
        self.data.iter().position(|known| known.as_os_str().as_bytes() == data)
    }
}

/// The number of the socket whose own address is `local`.
fn inode(local: SocketAddr) -> Option<String> {
    let SocketAddr::V4(address) = local else { return None };
    // The kernel prints the address as one number in its own byte order.
    let ip = u32::from_ne_bytes(address.ip().octets());
    let wanted = format!("{ip:08X}:{:04X}", address.port());
    let table = std::fs::read_to_string("/proc/net/tcp").ok()?;
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let inode = *fields.get(9)?;
        (fields.get(1) == Some(&wanted.as_str()) && inode != "0").then(|| inode.to_owned())
    })
}

fn holds(pid: u32, socket: &str) -> bool {
    let Ok(entries) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    entries
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .any(|target| target == Path::new(socket))
}
