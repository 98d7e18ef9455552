use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::object::{Context, Fetched, NewObject, ObjectName, RequestOptions};

const NAME: ObjectName<'static> = ObjectName { bucket: b"carts", key: b"alice" };

/// A server for one connection: reads one request's head and answers with `answer`, then closes.
async fn answering(answer: &'static [u8]) -> (Client, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
    let address = listener.local_addr().expect("it is bound");
    let served = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("the client connects");
        let mut request = Vec::new();
        while !request.windows(4).any(|window| window == b"\r\n\r\n") {
            let mut chunk = [0; 4096];
            let read = socket.read(&mut chunk).await.expect("the request is readable");
            assert_ne!(read, 0, "the request is whole");
            request.extend_from_slice(&chunk[..read]);
        }
        socket.write_all(answer).await.expect("the client reads");
        String::from_utf8(request).expect("the request is text")
    });
    (client(address), served)
}

fn client(address: SocketAddr) -> Client {
    Client::new(address.to_string().parse().expect("an address is an endpoint"))
}

async fn put(client: &Client) -> Result<crate::object::Written, ClientError> {
    client.put(NAME, NewObject::default(), None, &RequestOptions::default()).await
}

#[tokio::test]
async fn a_port_that_nobody_serves_is_unreachable_and_nothing_was_written() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
    let address = listener.local_addr().expect("it is bound");
    drop(listener);
    let error = put(&client(address)).await.expect_err("nobody answers");
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error:?}");
    assert_eq!(error.outcome(), Outcome::Refused);
    assert!(error.advice().is_some_and(|advice| advice.contains("--endpoint")));
}

#[tokio::test]
async fn a_write_whose_connection_breaks_is_indeterminate_and_a_read_is_not() {
    let (writer, _served) = answering(b"").await;
    let error = put(&writer).await.expect_err("no answer came");
    assert!(matches!(error, ClientError::Broken { .. }), "{error:?}");
    assert_eq!(error.outcome(), Outcome::Indeterminate);

    let (reader, _served) = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab").await;
    let error = reader.get(NAME, &RequestOptions::default()).await.expect_err("cut off");
    assert_eq!(error.outcome(), Outcome::Refused, "{error:?}");
}

#[tokio::test]
async fn a_put_sends_its_context_and_reads_the_new_one() {
    let (client, served) = answering(
        b"HTTP/1.1 204 No Content\r\nStator-Context: new\r\n\
          Stator-Replicas: acked=2; primaries=2; fallbacks=0; durable=2\r\n\r\n",
    )
    .await;
    let object = NewObject { meta: vec![("Blake3".into(), "ab".into())], ..NewObject::default() };
    let old = Context("old".to_owned());
    let options = RequestOptions::default();
    let written = client.put(NAME, object, Some(&old), &options).await.expect("acknowledged");
    assert_eq!(written.context, Some(Context("new".to_owned())));
    assert_eq!(written.replicas.acked, 2);
    let request = served.await.expect("the server ends");
    assert!(request.starts_with("PUT /v1/kv/carts/alice HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("stator-context: old\r\n"), "{request}");
    assert!(request.contains("stator-meta-blake3: ab\r\n"), "{request}");
}

#[tokio::test]
async fn siblings_come_back_with_their_bytes() {
    let (client, served) = answering(
        b"HTTP/1.1 300 Multiple Choices\r\nContent-Type: application/json\r\n\
          Connection: close\r\n\r\n{\"context\":\"c\",\"siblings\":[{\"value\":\"AAE=\",\
          \"content_type\":\"a/b\",\"etag\":\"e\",\"written_at\":\"t\",\"deleted\":false},\
          {\"value\":null,\"deleted\":true}]}",
    )
    .await;
    let fetched = client.get(NAME, &RequestOptions::default()).await.expect("siblings");
    let Fetched::Siblings(found) = fetched else { panic!("{fetched:?}") };
    assert_eq!(found.context, Some(Context("c".to_owned())));
    assert_eq!(found.siblings[0].value.as_ref(), [0, 1]);
    assert!(found.siblings[1].deleted);
    let request = served.await.expect("the server ends");
    assert!(request.contains("accept: application/json"), "{request}");
}

#[tokio::test]
async fn an_absent_object_may_have_a_context() {
    let (client, _served) = answering(
        b"HTTP/1.1 404 Not Found\r\nStator-Context: grave\r\nContent-Length: 2\r\n\r\n{}",
    )
    .await;
    let fetched = client.get(NAME, &RequestOptions::default()).await.expect("an answer");
    assert_eq!(fetched, Fetched::NotFound { context: Some(Context("grave".to_owned())) });
}
