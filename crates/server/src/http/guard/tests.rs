use super::*;

fn request(headers: &[(&str, &str)]) -> Request<()> {
    let mut builder = Request::builder().uri("/v1/cluster/discard");
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(()).expect("the test's own headers")
}

fn loopback(headers: &[(&str, &str)]) -> bool {
    check(&HttpConfig::default(), &request(headers), Right::Administer).is_ok()
}

#[test]
fn a_loopback_listener_answers_loopback_names_only() {
    for host in ["localhost", "LocalHost:7411", "127.0.0.1:7411", "127.8.9.1", "[::1]:7411"] {
        assert!(loopback(&[("host", host)]), "{host}");
    }
    for host in ["evil.example", "127.0.0.1.evil.example", "192.168.0.1:7411", "", "a b"] {
        assert!(!loopback(&[("host", host)]), "{host}");
    }
}

#[test]
fn a_loopback_listener_refuses_foreign_pages() {
    for origin in ["http://localhost:3000", "http://127.0.0.1:7411", "http://[::1]:7411"] {
        assert!(loopback(&[("host", "localhost"), ("origin", origin)]), "{origin}");
    }
    for origin in ["null", "http://evil.example", "https://localhost.evil.example", "file://"] {
        assert!(!loopback(&[("host", "localhost"), ("origin", origin)]), "{origin}");
    }
}

#[test]
fn a_second_host_header_does_not_hide_the_first() {
    assert!(!loopback(&[("host", "localhost"), ("host", "evil.example")]));
}

#[test]
fn the_authority_of_the_target_counts_as_a_host() {
    let foreign = Request::builder().uri("http://evil.example/livez").body(()).expect("a request");
    assert!(check(&HttpConfig::default(), &foreign, Right::Use).is_err());
}

#[test]
fn off_loopback_administration_wants_the_token() {
    let config = HttpConfig {
        is_loopback: false,
        admin_token: Some("s3cret".to_owned()),
        ..HttpConfig::default()
    };
    let ask = |headers: &[(&str, &str)], right| check(&config, &request(headers), right).is_ok();
    assert!(ask(&[("host", "n1.example")], Right::Use));
    assert!(!ask(&[], Right::Administer));
    for wrong in ["Bearer s3cres", "Bearer s3cre", "Bearer s3crett", "Basic s3cret", "Bearer", ""] {
        assert!(!ask(&[("authorization", wrong)], Right::Administer), "{wrong}");
    }
    assert!(ask(&[("authorization", "bearer s3cret")], Right::Administer));

    let none = HttpConfig { is_loopback: false, ..HttpConfig::default() };
    let tried = request(&[("authorization", "Bearer ")]);
    assert!(check(&none, &tried, Right::Administer).is_err());
}
