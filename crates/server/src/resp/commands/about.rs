//! What the node says of itself and of its commands.

#![expect(
    clippy::unnecessary_wraps,
    reason = "the table has one signature for all answers, and some can't fail"
)]

use std::fmt::Write;

use bytes::Bytes;

use super::super::batch::Access;
use super::super::client::Client;
use super::super::failure::{Answer, Failure};
use super::super::front::Front;
use super::super::reply::Reply;
use super::super::table::{Answerer, COMMANDS, Command, find};
use super::connection::DATABASES;
use super::glob;
use crate::backend::Readiness;

/// The version of Redis whose answers are followed; clients look at it to know what they may ask.
pub(super) const REDIS_VERSION: &str = "7.2.0";

/// How much of a name an error repeats.
const SHOWN: usize = 128;

/// As Redis says it.
pub(super) fn unknown_subcommand(command: &str, arguments: &[Bytes]) -> Failure {
    let name = arguments.first().map(|name| &name[..name.len().min(SHOWN)]).unwrap_or_default();
    let name = String::from_utf8_lossy(name);
    Failure::err(format!("unknown subcommand '{name}'. Try {command} HELP."))
}

/// Commands that somebody carries out.
fn known() -> impl Iterator<Item = &'static Command> {
    COMMANDS.iter().filter(|command| !matches!(command.answerer, Answerer::Nobody(_)))
}

fn known_by_name(name: &Bytes) -> Option<&'static Command> {
    find(name).filter(|command| !matches!(command.answerer, Answerer::Nobody(_)))
}

/// `COMMAND [COUNT | DOCS name … | INFO name … | LIST]`.
pub(crate) fn command(_front: &Front, _client: &mut Client, arguments: &[Bytes]) -> Answer {
    let Some(subcommand) = arguments.get(1) else {
        return Ok(Reply::Array(known().map(described).collect()));
    };
    let names = arguments.get(2..).unwrap_or_default();
    let is = |name: &[u8]| subcommand.eq_ignore_ascii_case(name);
    if is(b"COUNT") && names.is_empty() {
        return Ok(Reply::count(known().count()));
    }
    if is(b"LIST") && names.is_empty() {
        return Ok(Reply::Array(known().map(lower_name).collect()));
    }
    if is(b"INFO") {
        if names.is_empty() {
            return Ok(Reply::Array(known().map(described).collect()));
        }
        let described = |name| known_by_name(name).map_or(Reply::Null, described);
        return Ok(Reply::Array(names.iter().map(described).collect()));
    }
    if is(b"DOCS") {
        let asked: Vec<_> = match names {
            [] => known().collect(),
            names => names.iter().filter_map(known_by_name).collect(),
        };
        return Ok(Reply::Map(asked.into_iter().map(documented).collect()));
    }
    Err(unknown_subcommand("COMMAND", &arguments[1..]))
}

fn lower_name(command: &Command) -> Reply {
    Reply::text(command.name.to_ascii_lowercase())
}

/// Name, arity, flags, places of keys; then categories, tips, key specifications and subcommands,
/// of which nothing is told.
fn described(command: &'static Command) -> Reply {
    let flags = match command.answerer {
        Answerer::Node(Access::Writes, _) => vec![Reply::Simple("write")],
        Answerer::Node(..) => vec![Reply::Simple("readonly")],
        _ => vec![Reply::Simple("fast")],
    };
    let (first, last, step) = command.keys.places();
    let mut told = vec![
        lower_name(command),
        Reply::Integer(command.arity.number()),
        Reply::Array(flags),
        Reply::Integer(first),
        Reply::Integer(last),
        Reply::Integer(step),
    ];
    told.extend((0..4).map(|_| Reply::Array(Vec::new())));
    Reply::Array(told)
}

fn documented(command: &'static Command) -> (Reply, Reply) {
    let pair = |key: &str, value: &str| (Reply::text(key), Reply::text(value));
    let told = vec![
        pair("summary", command.summary),
        pair("since", "1.0.0"),
        pair("group", command.group),
    ];
    (lower_name(command), Reply::Map(told))
}

/// `CONFIG GET pattern …`: the settings that clients look at, as they are here.
pub(crate) fn config(front: &Front, _client: &mut Client, arguments: &[Bytes]) -> Answer {
    let is_get = arguments.get(1).is_some_and(|word| word.eq_ignore_ascii_case(b"GET"));
    if !is_get {
        return Err(unknown_subcommand("CONFIG", &arguments[1..]));
    }
    let patterns = arguments.get(2..).unwrap_or_default();
    if patterns.is_empty() {
        return Err(Failure::wrong_number("config|get"));
    }
    let settings = [
        ("appendonly", "yes".to_owned()),
        ("databases", DATABASES.to_string()),
        ("maxclients", front.limits.connections.to_string()),
        ("maxmemory", "0".to_owned()),
        ("proto-max-bulk-len", front.config.max_object_bytes.to_string()),
        ("save", String::new()),
        ("timeout", front.limits.idle.as_secs().to_string()),
    ];
    let is_asked = |name: &str| {
        patterns.iter().any(|pattern| glob::matches(&pattern.to_ascii_lowercase(), name.as_bytes()))
    };
    let asked = settings.into_iter().filter(|(name, _)| is_asked(name));
    Ok(Reply::Map(asked.map(|(name, value)| (Reply::text(name), Reply::text(value))).collect()))
}

/// `INFO [section …]`.
pub(crate) fn info(front: &Front, _client: &mut Client, arguments: &[Bytes]) -> Answer {
    let sections = arguments.get(1..).unwrap_or_default();
    let every = ["all", "default", "everything"];
    let is_asked = |name: &str| {
        sections.is_empty()
            || sections.iter().any(|asked| {
                asked.eq_ignore_ascii_case(name.as_bytes())
                    || every.iter().any(|word| asked.eq_ignore_ascii_case(word.as_bytes()))
            })
    };
    let mut text = String::new();
    for (name, lines) in told(front) {
        if !is_asked(name) {
            continue;
        }
        if !text.is_empty() {
            text += "\r\n";
        }
        // Writing to a text can't fail.
        let _ = write!(text, "# {name}\r\n");
        for (key, value) in lines {
            let _ = write!(text, "{key}:{value}\r\n");
        }
    }
    Ok(Reply::text(text))
}

type Lines = Vec<(&'static str, String)>;

fn told(front: &Front) -> [(&'static str, Lines); 5] {
    let view = front.backend.view();
    let ring = view.ring.as_ref();
    let (readiness, missing) = match front.backend.readiness() {
        Readiness::Ready => ("yes", String::new()),
        Readiness::NotReady(missing) => ("no", missing.replace(['\r', '\n'], " ")),
    };
    let uptime = front.opened.elapsed().as_secs();
    [
        (
            "Server",
            vec![
                ("redis_version", REDIS_VERSION.to_owned()),
                ("redis_mode", "standalone".to_owned()),
                ("stator_version", env!("CARGO_PKG_VERSION").to_owned()),
                ("process_id", std::process::id().to_string()),
                ("uptime_in_seconds", uptime.to_string()),
                ("uptime_in_days", (uptime / 86400).to_string()),
            ],
        ),
        ("Clients", vec![("maxclients", front.limits.connections.to_string())]),
        (
            "Stats",
            vec![
                ("total_connections_received", front.clients().to_string()),
                ("total_commands_processed", front.commands().to_string()),
            ],
        ),
        // Every node takes writes: to a client that asks, each is a master.
        ("Replication", vec![("role", "master".to_owned()), ("connected_slaves", "0".to_owned())]),
        (
            "Stator",
            vec![
                ("node", front.backend.name().to_owned()),
                ("node_id", front.backend.me().to_string()),
                ("ring_version", ring.map_or(0, |ring| ring.version.0).to_string()),
                ("members", ring.map_or(0, |ring| ring.members.len()).to_string()),
                ("ready", readiness.to_owned()),
                ("not_ready_because", missing),
            ],
        ),
    ]
}
