use super::*;

fn parse(text: &str) -> Result<String, InvalidEndpoint> {
    text.parse::<Endpoint>().map(|endpoint| endpoint.to_string())
}

#[test]
fn takes_a_host_and_a_port_with_or_without_scheme() {
    for text in ["http://127.0.0.1:7411", "127.0.0.1:7411", "http://127.0.0.1:7411/"] {
        assert_eq!(parse(text).as_deref(), Ok("http://127.0.0.1:7411"), "{text}");
    }
    assert_eq!(parse("http://[::1]:7411").as_deref(), Ok("http://[::1]:7411"));
}

#[test]
fn names_what_is_wrong() {
    let cases = [
        ("https://n1:7411", "TLS"),
        ("http://n1", "port is missing"),
        ("http://:7411", "host is missing"),
        ("http://n1:7411/v1", "more than a host"),
        ("http://n1:99999", "port"),
        ("", "empty"),
    ];
    for (text, why) in cases {
        let error = parse(text).expect_err(text).to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
}
