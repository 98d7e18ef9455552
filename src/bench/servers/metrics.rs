//! How often nodes have synced their stores, from their `/metrics`.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::header::HOST;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use stator_client::Endpoint;
use tokio::net::TcpStream;

/// How long a node may take to tell.
const PATIENCE: Duration = Duration::from_secs(2);

/// The sum over all nodes, if all tell.
pub(super) async fn syncs(nodes: &[Endpoint]) -> Option<u64> {
    let asked = nodes.iter().map(|node| async {
        let page = tokio::time::timeout(PATIENCE, page(node)).await.ok()??;
        syncs_on(&page)
    });
    join_all(asked).await.into_iter().sum()
}

async fn page(node: &Endpoint) -> Option<String> {
    let socket = TcpStream::connect(node.authority()).await.ok()?;
    let (mut sender, connection) = handshake(TokioIo::new(socket)).await.ok()?;
    tokio::spawn(connection);
    let request = Request::get("/metrics").header(HOST, node.authority());
    let answer = sender.send_request(request.body(Empty::<Bytes>::new()).ok()?).await.ok()?;
    if answer.status() != StatusCode::OK {
        return None;
    }
    let body = answer.into_body().collect().await.ok()?.to_bytes();
    String::from_utf8(body.to_vec()).ok()
}

fn syncs_on(page: &str) -> Option<u64> {
    let line = page.lines().find_map(|line| line.strip_prefix("stator_store_syncs_total "))?;
    let syncs: f64 = line.trim().parse().ok()?;
    Some(syncs as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_is_found_among_others() {
        let page = "# HELP stator_store_syncs_total Syncs since the store was opened.\n\
                    # TYPE stator_store_syncs_total counter\nstator_store_syncs_total 4711.0\n\
                    stator_store_batches_total 9.0\n";
        assert_eq!(syncs_on(page), Some(4711));
        assert_eq!(syncs_on("redis 1\n"), None);
    }
}
