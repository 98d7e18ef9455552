//! Which ports the demo's nodes listen on: fixed, so that what is printed can be typed again.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use stator_client::Endpoint;

use crate::failure::Failure;

/// One node's name and ports: base + 10k for peers, and the next ones for HTTP and for
/// the Redis protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NodePorts {
    /// `n1`, `n2`, …
    pub(super) name: String,
    /// Where peers connect.
    pub(super) peer: SocketAddr,
    /// Where HTTP is served.
    pub(super) http: SocketAddr,
    /// Where the Redis protocol is served.
    pub(super) resp: SocketAddr,
}

impl NodePorts {
    /// Those of node `number`, counted from 1.
    pub(super) fn of(base: u16, number: u16) -> Self {
        let first = base + 10 * number;
        let address = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Self {
            name: format!("n{number}"),
            peer: address(first),
            http: address(first + 1),
            resp: address(first + 2),
        }
    }

    /// Where its clients connect.
    pub(super) fn endpoint(&self) -> Endpoint {
        self.http.to_string().parse().expect("a socket's address is an endpoint")
    }
}

/// Tries every port, so that a port in use is named before anything was started.
pub(super) fn check_free(nodes: &[NodePorts]) -> Result<(), Failure> {
    for node in nodes {
        let ports = [(node.peer, "peers"), (node.http, "HTTP"), (node.resp, "the Redis protocol")];
        for (address, what) in ports {
            let Err(error) = TcpListener::bind(address) else { continue };
            return Err(Failure::new(format!(
                "port {} is taken ({error}); {} would listen there for {what}",
                address.port(),
                node.name
            ))
            .try_next("choose other ports with --base-port, such as --base-port 17400"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ports_are_those_that_the_manual_names() {
        let node = NodePorts::of(7400, 1);
        let ports = [node.peer, node.http, node.resp].map(|address| address.port());
        assert_eq!(ports, [7410, 7411, 7412]);
        assert_eq!(NodePorts::of(7400, 5).http.port(), 7451);
        assert_eq!(node.endpoint().to_string(), "http://127.0.0.1:7411");
    }

    #[test]
    fn a_port_in_use_is_named_with_what_to_do() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
        let http = taken.local_addr().expect("it is bound");
        let free = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
        let peer = free.local_addr().expect("it is bound");
        drop(free);
        let resp = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let node = NodePorts { name: "n1".into(), peer, http, resp };
        let failure = check_free(&[node]).expect_err("taken");
        assert!(failure.to_string().contains(&format!("port {} is taken", http.port())));
    }
}
