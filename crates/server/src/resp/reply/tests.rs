use redis_protocol::resp2::decode::decode_bytes_mut as decode2;
use redis_protocol::resp2::types::BytesFrame as Frame2;
use redis_protocol::resp3::decode::complete::decode_bytes_mut as decode3;
use redis_protocol::resp3::types::BytesFrame as Frame3;

use super::*;

fn every_kind() -> Reply {
    let pair = |key: &str, value| (Reply::text(key), value);
    Reply::Array(vec![
        Reply::OK,
        Reply::Error("ERR two\r\nlines".to_owned()),
        Reply::Integer(-7),
        Reply::Bulk(Bytes::from_static(b"\0\r\n\xff")),
        Reply::Null,
        Reply::Map(vec![pair("a", Reply::Integer(1)), pair("b", Reply::Array(Vec::new()))]),
    ])
}

fn written(protocol: Protocol) -> BytesMut {
    let mut out = BytesMut::new();
    every_kind().write(protocol, &mut out);
    out
}

/// The judge is a parser that others wrote.
#[test]
fn resp2_is_read_by_a_client_as_it_was_meant() {
    let mut out = written(Protocol::Resp2);
    let (frame, taken, _) = decode2(&mut out).expect("it is RESP2").expect("it is whole");
    assert!(taken > 0 && out.is_empty());
    let bulk = |bytes: &'static [u8]| Frame2::BulkString(Bytes::from_static(bytes));
    let map = vec![bulk(b"a"), Frame2::Integer(1), bulk(b"b"), Frame2::Array(Vec::new())];
    let expected = Frame2::Array(vec![
        Frame2::SimpleString("OK".into()),
        Frame2::Error("ERR two  lines".into()),
        Frame2::Integer(-7),
        bulk(b"\0\r\n\xff"),
        Frame2::Null,
        Frame2::Array(map),
    ]);
    assert_eq!(frame, expected);
}

#[test]
fn resp3_is_read_by_a_client_as_it_was_meant() {
    let mut out = written(Protocol::Resp3);
    let (frame, _, _) = decode3(&mut out).expect("it is RESP3").expect("it is whole");
    assert!(out.is_empty());
    let Frame3::Array { data, .. } = frame else { panic!("{frame:?}") };
    assert_eq!(data[4], Frame3::Null);
    let Frame3::Map { data: map, .. } = &data[5] else { panic!("{:?}", data[5]) };
    assert_eq!(map.len(), 2);
    assert!(matches!(&data[1], Frame3::SimpleError { data, .. } if *data == "ERR two  lines"));
}
