//! The binary as a command, and ports for it; shared with the measurements in `benches/`.

use std::net::TcpListener;
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range from which the system gives ports to outgoing connections, so that a node that
/// was killed finds its port free when it starts again.
static NEXT_PORT: AtomicU16 = AtomicU16::new(0);

/// The first of `span` ports in a row that nobody listens on now.
pub(crate) fn free_ports(span: u16) -> u16 {
    let offset = (std::process::id() % 180) as u16 * 100;
    loop {
        let taken = NEXT_PORT.fetch_add(span, Ordering::Relaxed);
        let first = 12_000 + (offset + taken) % 18_000;
        if (first..first + span).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return first;
        }
    }
}

/// The binary, without the settings that this process's own environment may hold.
pub(crate) fn stator() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stator"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("STATOR_") {
            command.env_remove(name);
        }
    }
    command
}
