use super::*;
use crate::cli::ServeArgs;
use crate::config::Source;

fn layers(flags: &ServeArgs) -> Layers {
    Layers::read(flags, std::iter::empty()).expect("flags are always readable")
}

fn settings(flags: &ServeArgs) -> Result<Settings, Failure> {
    Settings::parse(&layers(flags))
}

fn secret(current: Option<&str>) -> SecretSource {
    SecretSource { current: current.map(str::to_owned), older: Vec::new(), source: Source::Default }
}

#[test]
fn the_defaults_are_a_node_on_loopback() {
    let settings = settings(&ServeArgs::default()).expect("defaults are valid");
    assert_eq!(settings.advertised(settings.peer), "127.0.0.1:7410");
    assert!(settings.shards > 0);
    assert!(settings.safe(&secret(None), true).is_ok());
}

#[test]
fn what_is_wrong_is_named_with_its_source() {
    let cases = [
        ServeArgs { weight: Some("0".into()), ..ServeArgs::default() },
        ServeArgs { peer: Some("nowhere".into()), ..ServeArgs::default() },
        ServeArgs { partitions: Some("100".into()), ..ServeArgs::default() },
        ServeArgs { engine: Some("paper".into()), ..ServeArgs::default() },
        ServeArgs { name: Some("a b".into()), ..ServeArgs::default() },
        ServeArgs { max_key_bytes: Some("65537".into()), ..ServeArgs::default() },
        ServeArgs { log_format: Some("xml".into()), ..ServeArgs::default() },
        ServeArgs { advertise: Some("http://a".into()), ..ServeArgs::default() },
    ];
    for flags in cases {
        let failure = settings(&flags).expect_err("invalid");
        assert!(failure.to_string().contains("flag --"), "{failure}");
    }
}

#[test]
fn a_listener_on_every_address_must_be_advertised() {
    let flags = ServeArgs { peer: Some("0.0.0.0:7410".into()), ..ServeArgs::default() };
    assert!(settings(&flags).is_err());
    let flags = ServeArgs { advertise: Some("n1.example".into()), ..flags };
    let settings = settings(&flags).expect("it can be dialled");
    assert_eq!(settings.advertised(settings.http), "n1.example:7411");
    assert_eq!(settings.advertised_to_peers(), "n1.example:7410");
}

#[test]
fn an_advertised_port_is_the_one_that_peers_dial() {
    for (text, peer, http) in [
        ("n1.example:9000", "n1.example:9000", "n1.example:7411"),
        ("10.0.0.1", "10.0.0.1:7410", "10.0.0.1:7411"),
        ("::1", "[::1]:7410", "[::1]:7411"),
        ("[::1]:9000", "[::1]:9000", "[::1]:7411"),
    ] {
        let flags = ServeArgs { advertise: Some(text.into()), ..ServeArgs::default() };
        let settings = settings(&flags).expect("it can be dialled");
        assert_eq!(settings.advertised_to_peers(), peer, "{text}");
        assert_eq!(settings.advertised(settings.http), http, "{text}");
    }
    for text in ["a/b", ":9000", "a:", "a:0", "a:70000", "[a]:9000", "a b", "a:b:9000"] {
        let flags = ServeArgs { advertise: Some(text.into()), ..ServeArgs::default() };
        assert!(settings(&flags).is_err(), "{text}");
    }
}

#[test]
fn off_loopback_a_secret_and_a_cluster_are_wanted() {
    let flags = ServeArgs { http: Some("10.0.0.1:7411".into()), ..ServeArgs::default() };
    let open = settings(&flags).expect("valid");
    let failure = open.safe(&secret(None), true).expect_err("no secret");
    assert!(failure.to_string().contains("no cluster secret"), "{failure}");
    let failure = open.safe(&secret(Some("s")), true).expect_err("no cluster");
    assert!(failure.to_string().contains("by accident"), "{failure}");
    assert!(open.safe(&secret(Some("s")), false).is_ok());
    let joining = Settings { join: vec!["n1:1".into()], ..open.clone() };
    assert!(joining.safe(&secret(Some("s")), true).is_ok());
    assert!(Settings { init: true, ..open }.safe(&secret(Some("s")), true).is_ok());
}

#[test]
fn printing_shows_every_setting_and_never_the_secret() {
    let flags = ServeArgs { name: Some("n7".into()), ..ServeArgs::default() };
    let text = print(&layers(&flags), &secret(Some("very-secret-indeed")));
    for known in KNOWN {
        assert!(text.contains(&format!("{} = ", known.name)), "{}", known.name);
    }
    assert!(text.contains("name = \"n7\"") && text.contains("# flag --name"));
    assert!(!text.contains("very-secret"));
}

/// The usual port may be another node's; one that was asked for may not.
#[test]
fn the_redis_protocol_is_served_where_it_is_asked_for_or_at_its_usual_place() {
    let resp = |text: Option<&str>| {
        let flags = ServeArgs { resp: text.map(str::to_owned), ..ServeArgs::default() };
        settings(&flags).map(|settings| settings.resp)
    };
    let usual = "127.0.0.1:7412".parse().expect("an address");
    assert_eq!(resp(None).ok(), Some(RespListener::Usual(usual)));
    assert_eq!(resp(Some("127.0.0.1:7412")).ok(), Some(RespListener::At(usual)));
    assert_eq!(resp(Some("")).ok(), Some(RespListener::Off));
    let failure = resp(Some("7412")).expect_err("no address");
    assert!(failure.to_string().contains("flag --resp"), "{failure}");
}

#[test]
fn a_redis_port_that_others_can_reach_wants_a_secret_as_every_port_does() {
    let flags = ServeArgs { resp: Some("0.0.0.0:7412".into()), init: true, ..ServeArgs::default() };
    let settings = settings(&flags).expect("it is an address");
    let failure = settings.safe(&secret(None), true).expect_err("it is open");
    assert!(failure.to_string().contains("0.0.0.0:7412"), "{failure}");
    assert!(settings.safe(&secret(Some("0123456789abcdef")), true).is_ok());
}
