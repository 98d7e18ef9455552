//! What clients ask when they connect, and what they choose.

use stator_server::Readiness;

use super::client::Door;
use super::shelf::shelf;
use crate::fake::Fake;

#[tokio::test]
async fn hello_agrees_on_a_protocol_and_tells_who_is_there() {
    let door = Door::open(shelf()).await;
    let mut talk = door.connect().await;
    let told = talk.say("HELLO").await;
    assert!(told.starts_with("[server, redis, version, 7.2.0, proto, :2, id, :1, "), "{told}");
    let told = talk.say("HELLO 3 AUTH default any SETNAME me").await;
    assert!(told.starts_with('{') && told.contains("proto: :3") && told.contains("role: master"));
    talk.play(&[("GET k", "null"), ("CLIENT GETNAME", "me"), ("CLIENT ID", ":1")]).await;
    for (line, told) in [
        ("HELLO 4", "-NOPROTO unsupported protocol version"),
        ("HELLO x", "-ERR Protocol version is not an integer or out of range"),
        ("HELLO 2 SETNAME", "-ERR Syntax error in HELLO option 'SETNAME'"),
        ("HELLO 2 AUTH eve pw", "-WRONGPASS invalid username-password pair or user is disabled."),
    ] {
        assert_eq!(talk.say(line).await, told, "{line}");
        assert_eq!(talk.say("GET k").await, "null", "what is refused changes nothing");
    }
    assert!(talk.say("HELLO 2").await.starts_with('['));
    assert_eq!(talk.say("GET k").await, "nil");
    assert_eq!(door.connect().await.say("CLIENT ID").await, ":2");
}

#[tokio::test]
async fn a_connection_is_named_reset_and_left() {
    let door = Door::open(shelf()).await;
    let mut talk = door.connect().await;
    talk.play(&[
        ("PING", "+PONG"),
        ("PING hi", "hi"),
        ("PING a b", "-ERR wrong number of arguments for 'ping' command"),
        ("ECHO hi", "hi"),
        ("CLIENT GETNAME", "nil"),
        ("CLIENT SETNAME me", "+OK"),
        ("CLIENT GETNAME", "me"),
        ("CLIENT SETINFO LIB-NAME test", "+OK"),
        ("CLIENT SETINFO LIB-COLOR red", "-ERR Unrecognized option 'LIB-COLOR'"),
        ("CLIENT KILL x", "-ERR unknown subcommand 'KILL'. Try CLIENT HELP."),
        ("CLIENT ID now", "-ERR wrong number of arguments for 'client|id' command"),
        ("SELECT 16", "-ERR DB index is out of range"),
        ("SELECT -1", "-ERR DB index is out of range"),
        ("SELECT x", "-ERR value is not an integer or out of range"),
        ("SELECT 3", "+OK"),
        ("SET k v", "+OK"),
        ("RESET", "+RESET"),
        ("GET k", "nil"),
        ("CLIENT GETNAME", "nil"),
    ])
    .await;
    let name = ["CLIENT", "SETNAME", "a b"];
    let told = "-ERR Client names cannot contain spaces, newlines or special characters.";
    assert_eq!(talk.ask(&name).await, told);
    talk.send(b"QUIT\r\nPING\r\n").await;
    assert_eq!(talk.rest().await, ["+OK"]);
}

#[tokio::test]
async fn a_password_is_neither_needed_nor_pretended() {
    let door = Door::open(shelf()).await;
    let mut talk = door.connect().await;
    let told = talk.say("AUTH secret").await;
    assert!(told.starts_with("-ERR AUTH <password> called without any password configured"));
    talk.play(&[("AUTH default any", "+OK"), ("AUTH a b c", "-ERR syntax error")]).await;
    assert!(talk.say("AUTH eve secret").await.starts_with("-WRONGPASS "));
}

#[tokio::test]
async fn commands_are_described_as_clients_read_them() {
    let door = Door::open(shelf()).await;
    let mut talk = door.connect().await;
    let count: usize = talk.say("COMMAND COUNT").await[1..].parse().expect("a number");
    assert_eq!(talk.say("COMMAND LIST").await.matches(", ").count() + 1, count);
    let told = talk.say("COMMAND INFO get mset incr").await;
    let get = "[get, :2, [+readonly], :1, :1, :1, [], [], [], []]";
    let mset = "[mset, :-3, [+write], :1, :-1, :2, [], [], [], []]";
    assert_eq!(told, format!("[{get}, {mset}, nil]"));
    assert!(talk.say("COMMAND").await.contains(get));
    let told = talk.say("COMMAND DOCS GET nothing").await;
    assert!(told.starts_with("[get, [summary, ") && told.ends_with("group, string]]"), "{told}");
    let told = talk.say("COMMAND LOOK").await;
    assert_eq!(told, "-ERR unknown subcommand 'LOOK'. Try COMMAND HELP.");
}

#[tokio::test]
async fn settings_are_told_by_pattern() {
    let door = Door::open(shelf()).await;
    let mut talk = door.connect().await;
    talk.play(&[
        ("CONFIG GET databases", "[databases, 16]"),
        ("CONFIG GET save", "[save, ]"),
        ("CONFIG GET APPENDONLY max*", "[appendonly, yes, maxclients, 10000, maxmemory, 0]"),
        ("CONFIG GET nothing", "[]"),
        ("CONFIG GET", "-ERR wrong number of arguments for 'config|get' command"),
        ("CONFIG SET save x", "-ERR unknown subcommand 'SET'. Try CONFIG HELP."),
    ])
    .await;
}

#[tokio::test]
async fn info_is_told_by_section() {
    let fake = Fake::new();
    fake.set_readiness(Readiness::NotReady("no ring\nyet".to_owned()));
    let door = Door::open(fake).await;
    let mut talk = door.connect().await;
    let whole = talk.say("INFO").await;
    for part in ["# Server\\r\\nredis_version:7.2.0\\r\\n", "role:master", "node:n1", "members:1"] {
        assert!(whole.contains(part), "{part} is not in {whole}");
    }
    assert!(whole.contains("not_ready_because:no ring yet\\r\\n"), "{whole}");
    let one = talk.say("INFO replication").await;
    assert_eq!(one, "# Replication\\r\\nrole:master\\r\\nconnected_slaves:0\\r\\n");
    assert_eq!(talk.say("INFO nothing").await, "");
}
