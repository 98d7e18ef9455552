use proptest::prelude::*;

use super::*;

const LIMITS: RequestLimits =
    RequestLimits { arguments: 5, argument_bytes: 10_000, request_bytes: 20_000 };

fn all(bytes: &[u8]) -> Result<Vec<Taken>, ProtocolError> {
    in_pieces(bytes, bytes.len().max(1))
}

/// What comes of bytes that arrive so many at a time.
fn in_pieces(bytes: &[u8], size: usize) -> Result<Vec<Taken>, ProtocolError> {
    let mut parser = Parser::new(LIMITS);
    let mut buffer = BytesMut::new();
    let mut taken = Vec::new();
    for piece in bytes.chunks(size) {
        buffer.extend_from_slice(piece);
        while let Some(next) = parser.next(&mut buffer)? {
            taken.push(next);
        }
    }
    Ok(taken)
}

fn request(arguments: &[&[u8]]) -> Taken {
    let arguments = arguments.iter().map(|argument| Bytes::copy_from_slice(argument)).collect();
    Taken::Request(Request { arguments })
}

fn written(arguments: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", arguments.len()).into_bytes();
    for argument in arguments {
        bytes.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        bytes.extend_from_slice(argument);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

#[test]
fn arrays_and_inline_commands_are_taken_in_turn() {
    let bytes = b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING\r\n\r\n*0\r\n*-1\r\n*1\r\n$0\r\n\r\nget k\n";
    let expected =
        [request(&[b"GET", b"k"]), request(&[b"PING"]), request(&[b""]), request(&[b"get", b"k"])];
    assert_eq!(all(bytes), Ok(expected.to_vec()));
}

#[test]
fn what_is_no_request_is_named_as_redis_names_it() {
    for (bytes, told) in [
        (&b"*x\r\n"[..], "Protocol error: invalid multibulk length"),
        (b"*6\r\n", "Protocol error: invalid multibulk length"),
        (b"*1000000000\r\n", "Protocol error: invalid multibulk length"),
        (b"*99999999999999999999\r\n", "Protocol error: invalid multibulk length"),
        (b"*1\r\n*1\r\n", "Protocol error: expected '$', got '*'"),
        (b"*1\r\n\0", "Protocol error: expected '$', got '\\x00'"),
        (b"*1\r\n$-1\r\n", "Protocol error: invalid bulk length"),
        (b"*1\r\n$1073741824\r\n", "Protocol error: invalid bulk length"),
        (b"*1\r\n$+1\r\n", "Protocol error: invalid bulk length"),
        (
            b"*1\r\n$3\r\nfour\r\n",
            "Protocol error: a bulk string does not end where its length says",
        ),
        (b"SET k \"v\r\n", "Protocol error: unbalanced quotes in request"),
        (&b"x".repeat(INLINE_BYTES), "Protocol error: too big inline request"),
        (&b"*".repeat(HEAD_BYTES), "Protocol error: too big mbulk count string"),
        (
            &[&b"*1\r\n"[..], &b"$".repeat(HEAD_BYTES)].concat(),
            "Protocol error: too big bulk count string",
        ),
    ] {
        let error = all(bytes).expect_err("it is no request");
        assert_eq!(error.to_string(), told, "{}", bytes[..bytes.len().min(30)].escape_ascii());
    }
}

#[test]
fn nested_arrays_cost_no_stack() {
    let nested = b"*1\r\n".repeat(100_000);
    assert_eq!(all(&nested), Err(ProtocolError::NoBulk(b'*')));
}

#[test]
fn what_is_above_a_limit_is_skipped_and_the_next_request_is_found() {
    let long = vec![b'v'; 10_001];
    let half = vec![b'v'; 9_999];
    let bytes = [
        written(&[b"SET".to_vec(), b"k".to_vec(), long, b"EX".to_vec()]),
        written(&[b"MSET".to_vec(), half.clone(), half.clone(), half]),
        written(&[b"PING".to_vec()]),
    ]
    .concat();
    let expected = [
        Taken::Excess(Excess::Argument { bytes: 10_001, most: 10_000 }),
        Taken::Excess(Excess::Request { most: 20_000 }),
        request(&[b"PING"]),
    ];
    for size in [1, 7, 4096, bytes.len()] {
        assert_eq!(in_pieces(&bytes, size), Ok(expected.to_vec()), "{size} at a time");
    }
}

#[test]
fn a_declared_length_holds_nothing() {
    let mut parser = Parser::new(LIMITS);
    let mut buffer = BytesMut::from(&b"*5\r\n$9999\r\nab"[..]);
    assert_eq!(parser.next(&mut buffer), Ok(None));
    assert!(parser.is_under_way());
    assert_eq!((parser.held(), &buffer[..]), (0, &b"ab"[..]));
}

#[test]
fn integers_are_read_as_redis_reads_them() {
    for (text, read) in [
        ("0", Some(0)),
        ("-1", Some(-1)),
        ("9223372036854775807", Some(i64::MAX)),
        ("-9223372036854775808", Some(i64::MIN)),
        ("9223372036854775808", None),
        ("+1", None),
        ("-0", None),
        ("01", None),
        (" 1", None),
        ("1 ", None),
        ("", None),
        ("-", None),
        ("1e3", None),
    ] {
        assert_eq!(integer(text.as_bytes()), read, "{text}");
    }
}

proptest! {
    #[test]
    fn requests_are_the_same_however_their_bytes_arrive(
        requests in prop::collection::vec(
            prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5000), 1..4), 1..4),
        size in 1_usize..6000,
    ) {
        let bytes = requests.iter().map(|request| written(request)).collect::<Vec<_>>().concat();
        let expected: Vec<Taken> = requests
            .iter()
            .map(|arguments| {
                let arguments = arguments.iter().map(|a| Bytes::copy_from_slice(a)).collect();
                Taken::Request(Request { arguments })
            })
            .collect();
        prop_assert_eq!(in_pieces(&bytes, size), Ok(expected));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(
        prop_oneof![any::<u8>(), Just(b'*'), Just(b'$'), Just(b'\r'), Just(b'\n'), Just(b'1')],
        0..200,
    ), size in 1_usize..50) {
        let whole = all(&bytes);
        prop_assert_eq!(in_pieces(&bytes, size).is_err(), whole.is_err());
    }
}
