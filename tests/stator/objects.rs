//! Put, get and delete, by the command line and by raw HTTP, on three nodes made by hand.

use crate::harness::{Cluster, Request, encode, stderr, stdout};

#[test]
fn the_command_line_puts_gets_deletes_locates_and_lists() {
    let cluster = Cluster::three();
    let [n1, n2, n3] = &cluster.nodes[..] else { panic!("three nodes") };

    let put = n1.cli(&["put", "carts", "alice", "milk", "--content-type", "text/plain"]);
    assert_eq!(put.status.code(), Some(0), "{}", stderr(&put));
    assert!(stdout(&put).starts_with("stored carts/alice: "), "{}", stdout(&put));
    let get = n2.cli(&["get", "carts", "alice"]);
    assert_eq!((get.status.code(), get.stdout.as_slice()), (Some(0), b"milk".as_slice()));

    let got = n3.cli(&["get", "carts", "alice", "--json"]);
    let document: serde_json::Value = serde_json::from_slice(&got.stdout).expect("JSON");
    assert_eq!(document["siblings"][0]["value"], "bWlsaw==");
    let context = document["context"].as_str().expect("a context").to_owned();
    let put = n3.cli(&["put", "carts", "alice", "-w", "3", "--context", &context, "milk, eggs"]);
    assert_eq!(put.status.code(), Some(0), "{}", stderr(&put));
    assert_eq!(n1.cli(&["get", "carts", "alice", "-r", "all"]).stdout, b"milk, eggs");

    let locate = n1.cli(&["locate", "carts", "alice", "--json"]);
    let document: serde_json::Value = serde_json::from_slice(&locate.stdout).expect("JSON");
    assert_eq!(document["primaries"].as_array().map(Vec::len), Some(3));
    // printf carts/alice | md5sum
    assert_eq!(document["token"].as_str().map(str::len), Some(32));

    assert_eq!(stdout(&n2.cli(&["keys", "carts"])), "alice\n");
    let delete = n2.cli(&["delete", "carts", "alice"]);
    assert_eq!(delete.status.code(), Some(0), "{}", stderr(&delete));
    let get = n1.cli(&["get", "carts", "alice"]);
    assert_eq!(get.status.code(), Some(4));
    assert!(stderr(&get).contains("error: carts/alice is not there: it was deleted"));
    assert_eq!(n1.cli(&["get", "carts", "nobody"]).status.code(), Some(4));
    assert_eq!(stdout(&n2.cli(&["keys", "carts"])), "");
}

#[test]
fn raw_http_puts_gets_and_deletes_with_contexts() {
    let cluster = Cluster::three();
    let [n1, n2, n3] = &cluster.nodes[..] else { panic!("three nodes") };
    let path = "/v1/kv/carts/alice";

    let absent = n1.send(&Request::get(path));
    assert_eq!((absent.status, absent.header("stator-context")), (404, None));

    let put = Request::put(path, "milk").header("Content-Type", "text/plain");
    let put = n1.send(&put.header("Stator-Meta-Phone", "blue"));
    assert_eq!(put.status, 204);
    let replicas = put.header("stator-replicas").expect("who has it");
    assert!(replicas.contains("acked=") && replicas.contains("durable="), "{replicas}");

    let got = n2.send(&Request::get(path));
    assert_eq!((got.status, got.body.as_slice()), (200, b"milk".as_slice()));
    assert_eq!(got.header("content-type").as_deref(), Some("text/plain"));
    assert_eq!(got.header("stator-meta-phone").as_deref(), Some("blue"));
    let etag = got.header("etag").expect("a digest");
    assert_eq!(n2.send(&Request::get(path).header("If-None-Match", &etag)).status, 304);
    let head = n3.send(&Request::new("HEAD", path));
    assert_eq!((head.status, head.body.len()), (200, 0));

    let delete = n3.send(&Request::new("DELETE", path).context(&got));
    assert_eq!(delete.status, 204);
    let gone = n1.send(&Request::get(path));
    assert_eq!(gone.status, 404);
    let again = n1.send(&Request::put(path, "tea").context(&gone));
    assert_eq!(again.status, 204);
    assert_eq!(n2.send(&Request::get(path)).body, b"tea");
}

#[test]
fn values_from_nothing_to_the_limit_come_back_byte_for_byte() {
    let cluster = Cluster::three();
    let [n1, n2, n3] = &cluster.nodes[..] else { panic!("three nodes") };
    for size in [0, 1, 1 << 20, 8 << 20] {
        let value: Vec<u8> = (0..size).map(|at: u32| (at.wrapping_mul(31) >> 3) as u8).collect();
        let path = format!("/v1/kv/sizes/{size}");
        let put = n1.send(&Request::put(&path, value.clone()));
        assert_eq!(put.status, 204, "{size}: {}", String::from_utf8_lossy(&put.body));
        let got = n2.send(&Request::get(&path));
        assert_eq!((got.status, got.body == value), (200, true), "{size} bytes by HTTP");

        let key = format!("cli-{size}");
        let put = n3.cli_with(&["put", "sizes", &key, "-"], &value);
        assert_eq!(put.status.code(), Some(0), "{size}: {}", stderr(&put));
        let got = n1.cli(&["get", "sizes", &key]);
        assert!(got.status.success() && got.stdout == value, "{size} bytes by the command line");
    }
}

#[test]
fn a_key_of_every_byte_value_is_one_key_on_every_road() {
    let cluster = Cluster::three();
    let [n1, n2, n3] = &cluster.nodes[..] else { panic!("three nodes") };
    let key: Vec<u8> = (0..=255).collect();
    let hex = encode(&key).replace('%', "");

    let put = n1.send(&Request::put(format!("/v1/kv/odd/{}", encode(&key)), "by http"));
    assert_eq!(put.status, 204);
    let got = n2.cli(&["get", "odd", &hex, "--key-format", "hex"]);
    assert_eq!(got.stdout, b"by http", "{}", stderr(&got));

    let listed = stdout(&n3.cli(&["keys", "odd"]));
    let shown = listed.strip_suffix('\n').expect("one line");
    let got = n1.cli(&["get", "odd", shown, "--key-format", "percent"]);
    assert_eq!(got.stdout, b"by http", "{}", stderr(&got));

    // Dots and slashes are bytes of the key, not steps of a path.
    for key in ["../../x", "a//b", "./a", ".."] {
        let put = n2.cli(&["put", "odd", key, key]);
        assert!(put.status.success(), "{key}: {}", stderr(&put));
    }
    for key in ["../../x", "a//b", "./a", ".."] {
        assert_eq!(n3.send(&Request::get(format!("/v1/kv/odd/{key}"))).body, key.as_bytes());
    }
}

#[test]
fn a_buckets_properties_are_shown_and_set() {
    let cluster = Cluster::three();
    let [n1, n2, _] = &cluster.nodes[..] else { panic!("three nodes") };
    let set = n1.cli(&["bucket", "set", "sessions", "w=2", "ttl=3600", "--json"]);
    assert!(set.status.success(), "{}", stderr(&set));
    let get = crate::harness::until("the other node hears of it", || {
        let get = n2.cli(&["bucket", "get", "sessions", "--json"]);
        let document: serde_json::Value = serde_json::from_slice(&get.stdout).ok()?;
        (document["ttl"] == 3600).then_some(document)
    });
    assert_eq!((get["n"].as_u64(), get["w"].as_u64()), (Some(3), Some(2)));
    let fixed = n1.cli(&["bucket", "set", "sessions", "n=2"]);
    assert_eq!(fixed.status.code(), Some(1));
    assert!(stderr(&fixed).contains("n=3"), "{}", stderr(&fixed));
}
