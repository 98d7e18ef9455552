//! Commands do the same with a client key as without one: what they print, and how they end.

use std::process::Output;

use stator_client::ClientKey;
use stator_wire::secret::Secret;

use super::key;
use crate::harness::{Cluster, Node, run, stator, stderr, stdout};

/// Runs a command with the client key.
fn native(node: &Node, arguments: &[&str]) -> Output {
    let mut command = node.client(arguments);
    command.env("STATOR_CLIENT_KEY", key().expose());
    run(command)
}

/// What must be alike: the status, and both outputs but for moments and contexts, which no two
/// writes share.
fn shape(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let lines = text.lines().filter(|line| !line.contains("context: "));
        let lines = lines.filter(|line| !line.starts_with("context "));
        lines.map(without_moments).collect::<Vec<_>>().join("\n")
    };
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A line with `some` in the place of what is of its own write.
fn without_moments(line: &str) -> String {
    let own = ["context", "etag", "written_at"];
    let Ok(mut document) = serde_json::from_str::<serde_json::Value>(line) else {
        let moment = |word: &&str| word.len() > 19 && word.ends_with('Z');
        let words = line.split(' ').map(|word| if moment(&word) { "some" } else { word });
        return words.collect::<Vec<_>>().join(" ");
    };
    let siblings = document["siblings"].as_array().map_or(0, Vec::len);
    for at in 0..siblings {
        blank(&mut document["siblings"][at], &own);
    }
    blank(&mut document, &own);
    document.to_string()
}

fn blank(document: &mut serde_json::Value, names: &[&str]) {
    for name in names {
        if let Some(value) = document.get_mut(name).filter(|value| value.is_string()) {
            *value = "some".into();
        }
    }
}

#[test]
fn commands_say_the_same_natively_and_over_http() {
    let cluster = Cluster::three();
    let n1 = &cluster.nodes[0];
    let commands: &[&[&str]] = &[
        &["get", "B", "k"],
        &["get", "B", "k", "--json"],
        &["put", "B", "k", "one", "--content-type", "text/x", "--meta", "Colour=red"],
        &["get", "B", "k"],
        &["put", "B", "k", "two", "--json"],
        &["get", "B", "k"],
        &["delete", "B", "k"],
        &["get", "B", "k"],
        &["put", "B", "k", "three", "-w", "4"],
        &["put", "B", "k", "three", "--context", "!"],
        &["put", "B", "k", "three", "--context", "AAAA"],
        &["put", "B", "k", "three", "-w", "3", "--ttl", "90s"],
        &["get", "B", "k", "-r", "all"],
        &["put", "B", "k", "three", "--timeout", "11s"],
        &["put", "B", "k", "three", "--meta", "not a name=x"],
        &["put", "B", "", "three"],
        &["get", "", "k"],
    ];
    let mut differ = Vec::new();
    for command in commands {
        let bucket = |name: &'static str| -> Vec<&str> {
            command.iter().map(|word| if *word == "B" { name } else { word }).collect()
        };
        let (by_http, natively) = (n1.cli(&bucket("b1")), native(n1, &bucket("b2")));
        let (mut expected, found) = (shape(&by_http), shape(&natively));
        expected.1 = expected.1.replace("b1/", "b2/");
        expected.2 = expected.2.replace("b1/", "b2/");
        let shown: Vec<&str> = command.iter().map(|word| &word[..word.len().min(20)]).collect();
        if found != expected {
            differ.push(format!("{shown:?}\n  over HTTP {expected:?}\n  natively  {found:?}"));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn what_is_stored_one_way_is_read_the_other_byte_for_byte() {
    let cluster = Cluster::three();
    let n1 = &cluster.nodes[0];
    let put = ["put", "b", "k", "v", "--content-type", "text/x", "--meta", "Colour=red"];
    for (puts, gets) in [
        (native as fn(&Node, &[&str]) -> Output, Node::cli as fn(&Node, &[&str]) -> Output),
        (Node::cli, native),
    ] {
        assert!(puts(n1, &put).status.success());
        let (one, other) =
            (puts(n1, &["get", "b", "k", "--json"]), gets(n1, &["get", "b", "k", "--json"]));
        assert_eq!(stdout(&one), stdout(&other));
    }
    // Now there are siblings.
    let shown = native(n1, &["get", "b", "k", "--json"]);
    assert_eq!(shown.status.code(), Some(5));
    assert_eq!(stdout(&shown), stdout(&n1.cli(&["get", "b", "k", "--json"])));
}

#[test]
fn a_key_that_the_cluster_does_not_take_is_an_error_and_no_reason_to_speak_http() {
    let cluster = Cluster::three();
    let other = ClientKey::derive(&Secret::new(*b"another secret altogether"));
    let mut command = cluster.nodes[0].client(&["put", "b", "k", "v"]);
    command.env("STATOR_CLIENT_KEY", other.expose());
    let refused = run(command);
    assert_eq!(refused.status.code(), Some(1));
    let text = stderr(&refused);
    assert!(text.contains("does not take this client key"), "{text}");
    assert!(text.contains("stator secret --client"), "{text}");
    assert_eq!(
        cluster.nodes[0].cli(&["get", "b", "k"]).status.code(),
        Some(4),
        "nothing was written"
    );
}

#[test]
fn the_client_key_is_printed_and_read_back() {
    let secret = "a secret of more than sixteen characters";
    let mut command = stator();
    command.args(["secret", "--client"]).env("STATOR_SECRET", secret);
    let printed = run(command);
    assert!(printed.status.success() && printed.stderr.is_empty(), "{}", stderr(&printed));
    let expected = ClientKey::derive(&Secret::new(secret.as_bytes()));
    assert_eq!(stdout(&printed), format!("{}\n", expected.expose()));

    let mut command = stator();
    command.args(["secret", "--client"]);
    let printed = run(command);
    assert_eq!(stdout(&printed), format!("{}\n", key().expose()));
    assert!(stderr(&printed).contains("no secret is given"), "{}", stderr(&printed));

    let mut command = stator();
    command.args(["get", "b", "k"]).env("STATOR_CLIENT_KEY", "no key");
    let refused = run(command);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("STATOR_CLIENT_KEY"), "{}", stderr(&refused));
}
