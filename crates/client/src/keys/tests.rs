use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// A server that answers each request with the next of these bodies, and tells what was asked.
async fn answering(bodies: Vec<String>) -> (Client, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
    let address = listener.local_addr().expect("it is bound");
    let served = tokio::spawn(async move {
        let mut asked = Vec::new();
        for body in bodies {
            let (mut socket, _) = listener.accept().await.expect("the client connects");
            let mut request = vec![0; 4096];
            let read = socket.read(&mut request).await.expect("a request");
            let text = String::from_utf8_lossy(&request[..read]).into_owned();
            asked.push(text.lines().next().unwrap_or_default().to_owned());
            let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
            socket.write_all(head.as_bytes()).await.expect("the client reads");
            // In pieces that end within lines.
            for piece in body.as_bytes().chunks(7) {
                socket.write_all(piece).await.expect("the client reads");
            }
        }
        asked
    });
    (Client::new(address.to_string().parse().expect("an endpoint")), served)
}

fn line(key: &str, cursor: usize) -> String {
    format!("{{\"key\":\"{key}\",\"state\":\"live\",\"cursor\":\"c{cursor}\"}}\n")
}

async fn all(mut keys: KeyStream) -> Result<Vec<Bytes>, ClientError> {
    let mut found = Vec::new();
    while let Some(entry) = keys.next().await? {
        found.push(entry.key);
    }
    Ok(found)
}

#[tokio::test]
async fn a_full_page_is_gone_on_behind_its_last_cursor() {
    let first: String = (0..PAGE as usize).map(|number| line("a%2Fb", number)).collect();
    let (client, served) = answering(vec![first, line("%ff", 7)]).await;
    let found = all(client.keys(b"b", KeysQuery::default())).await.expect("both pages");
    assert_eq!(found.len(), PAGE as usize + 1);
    assert_eq!(
        (found[0].as_ref(), found[PAGE as usize].as_ref()),
        (b"a/b".as_slice(), b"\xff".as_slice())
    );
    let asked = served.await.expect("the server ends");
    assert_eq!(asked[0], "GET /v1/kv/b?limit=1000 HTTP/1.1");
    assert_eq!(asked[1], "GET /v1/kv/b?limit=1000&after=c999 HTTP/1.1");
}

#[tokio::test]
async fn a_limit_ends_the_listing() {
    let (client, _served) = answering(vec![line("a", 1) + &line("b", 2)]).await;
    let query = KeysQuery { limit: Some(2), ..KeysQuery::default() };
    assert_eq!(all(client.keys(b"b", query)).await.expect("a page").len(), 2);
}

#[tokio::test]
async fn a_listing_that_is_cut_short_is_an_error_and_not_an_end() {
    let problem = "{\"type\":\"x\",\"detail\":\"2 replicas must answer\"}\n".to_owned();
    let (client, _served) = answering(vec![line("a", 1) + &problem]).await;
    let error = all(client.keys(b"b", KeysQuery::default())).await.expect_err("cut short");
    assert!(error.to_string().contains("2 replicas must answer"), "{error}");

    let (client, _served) = answering(vec![line("a", 1) + "{\"key\":"]).await;
    let error = all(client.keys(b"b", KeysQuery::default())).await.expect_err("half a line");
    assert!(error.to_string().contains("half a line"), "{error}");
}
