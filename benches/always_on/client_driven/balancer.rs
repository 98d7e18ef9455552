//! A load balancer that knows nothing of what it carries: each connection goes to the next node.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::Failed;
use crate::fleet::Fleet;

/// A balancer before the HTTP doors of a cluster; it ends with this.
pub(super) struct Balancer {
    pub(super) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Begins to carry connections.
pub(super) async fn begin(fleet: &Fleet) -> Result<Balancer, Failed> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let nodes: Vec<String> =
        fleet.nodes.iter().map(|node| node.client.endpoint().authority().to_owned()).collect();
    let task = tokio::spawn(async move {
        for node in nodes.iter().cycle() {
            let Ok((mut client, _)) = listener.accept().await else { return };
            let node = node.clone();
            tokio::spawn(async move {
                let Ok(mut server) = TcpStream::connect(node).await else { return };
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    Ok(Balancer { address, task })
}
