use super::*;

fn of(bytes: &[u8]) -> Option<Opening> {
    Opening::of(&BytesMut::from(bytes), false)
}

fn version(bytes: &[u8]) -> Option<Version> {
    of(bytes).map(|opening| opening.version)
}

#[test]
fn the_first_bytes_say_which_http_it_is() {
    assert_eq!(version(PREFACE), Some(Version::Http2));
    assert_eq!(version(&[PREFACE, b"more"].concat()), Some(Version::Http2));
    assert_eq!(version(b"GET / HTTP/1.1\r\n"), Some(Version::Http1));
    for end in 0..PREFACE.len() {
        assert_eq!(version(&PREFACE[..end]), None, "{end} bytes of the preface");
    }
    assert_eq!(version(b"GET / HTTP"), None);
    let ended = Opening::of(&BytesMut::from(&b"GET / HT"[..]), true).expect("no more comes");
    assert_eq!((ended.version, &ended.read[..]), (Version::Http1, &b"GET / HT"[..]));
}

#[test]
fn an_ordinary_line_is_left_as_it_is() {
    let request = b"PUT /v1/kv/b/k HTTP/1.1\r\nHost: h\r\n\r\nbody";
    let opening = of(request).expect("the line is whole");
    assert!(opening.target.is_none());
    assert_eq!(&opening.read[..], request);
}

#[test]
fn an_over_long_target_is_put_aside() {
    let target = format!("/v1/kv/bucket/{}?w=2", "k".repeat(ORDINARY));
    let request = format!("PUT {target} HTTP/1.1\r\nHost: h\r\n\r\nbody");
    let opening = of(request.as_bytes()).expect("the line is whole");
    assert_eq!(opening.target.expect("it is too long").0, target);
    assert_eq!(opening.read, "PUT /v1/kv/bucket/kk HTTP/1.1\r\nHost: h\r\n\r\nbody");
}

#[test]
fn what_is_no_path_is_left_to_the_parser() {
    let long = "k".repeat(ORDINARY);
    for line in [
        format!("PUT http://h/{long} HTTP/1.1\r\n"),
        format!("PUT /{long}\x7f HTTP/1.1\r\n"),
        format!("PUT /{long} HTTP/1.1 twice\r\n"),
        format!("PUT /{long}\r\n"),
        format!("{long}\r\n"),
    ] {
        let opening = of(line.as_bytes()).expect("the line is whole");
        assert!(opening.target.is_none(), "{:.20}…{}", line, &line[line.len() - 20..]);
        assert_eq!(opening.read, line);
    }
}

#[tokio::test]
async fn no_more_is_read_than_any_key_takes() {
    let memory = Memory::of(4 * LINE);
    let longest = [&b"GET /"[..], &vec![b'k'; LINE - 20], b" HTTP/1.1\r\n"].concat();
    let opening = Opening::read(&mut &longest[..], &memory).await.expect("it fits");
    assert!(opening.target.is_some());
    let endless = vec![b'k'; 2 * LINE];
    let refused = Opening::read(&mut &endless[..], &memory).await;
    assert!(matches!(refused, Err(Unopened::TooLong)), "{refused:?}");
}

#[tokio::test]
async fn a_long_line_holds_memory_and_a_short_one_does_not() {
    let memory = Memory::of(2 * LINE);
    let long = [&b"GET /"[..], &vec![b'k'; LINE - 20], b" HTTP/1.1\r\n"].concat();
    let first = Opening::read(&mut &long[..], &memory).await.expect("there is room");
    let second = Opening::read(&mut &long[..], &memory).await;
    assert!(matches!(second, Err(Unopened::NoRoom)), "{second:?}");
    let short = Opening::read(&mut &b"GET / HTTP/1.1\r\n"[..], &memory).await;
    assert!(short.is_ok());
    drop(first);
    assert!(Opening::read(&mut &long[..], &memory).await.is_ok());
}
