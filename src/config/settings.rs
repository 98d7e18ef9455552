//! The settings, parsed and checked.

use std::fmt::Display;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use stator_core::ring::Weight;
use stator_core::token::PartitionCount;
use stator_node::{BytesPerSecond, DiskReserve};

use crate::config::{KNOWN, Layers, SecretSource, Source, flag, memory, variable};
use crate::failure::Failure;

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON document a line.
    Json,
}

/// Where objects are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EngineChoice {
    /// On disk.
    Fjall,
    /// In memory, lost at exit.
    Memory,
}

/// Where the Redis protocol is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RespListener {
    /// Nowhere.
    Off,
    /// Where nobody asked for anything else. A second node on the same machine finds it taken, and
    /// goes without.
    Usual(SocketAddr),
    /// Where it was asked for, or not at all.
    At(SocketAddr),
}

impl RespListener {
    /// The address, if there is one.
    pub(crate) const fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Off => None,
            Self::Usual(address) | Self::At(address) => Some(address),
        }
    }
}

/// Everything `stator serve` goes by.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) name: String,
    pub(crate) data: PathBuf,
    pub(crate) init: bool,
    pub(crate) join: Vec<String>,
    /// The host, without a port, under which the node is reached.
    pub(crate) advertise: String,
    /// The port that peers dial, if it is not that of the peer listener.
    pub(crate) advertise_peer_port: Option<u16>,
    pub(crate) zone: String,
    pub(crate) weight: Weight,
    pub(crate) peer: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) resp: RespListener,
    pub(crate) partitions: PartitionCount,
    pub(crate) replicas: u8,
    /// Never 0.
    pub(crate) shards: u8,
    pub(crate) engine: EngineChoice,
    pub(crate) max_requests: usize,
    pub(crate) max_key_bytes: usize,
    pub(crate) max_object_bytes: usize,
    /// Of the whole node.
    pub(crate) max_hint_bytes: u64,
    /// Of the whole node, its engine included.
    pub(crate) cache_bytes: u64,
    pub(crate) scrub_interval: Duration,
    /// Of the whole node.
    pub(crate) background: BytesPerSecond,
    pub(crate) disk_reserve: DiskReserve,
    /// None logs nothing.
    pub(crate) slow_after: Option<Duration>,
    /// Where spans are sent; none sends none.
    pub(crate) otlp_endpoint: Option<String>,
    /// Which part of all requests is traced, 0 to 1.
    pub(crate) trace_ratio: f64,
    pub(crate) log: String,
    pub(crate) log_format: LogFormat,
}

impl Settings {
    /// Parses what the layers hold.
    pub(crate) fn parse(layers: &Layers) -> Result<Self, Failure> {
        let peer: SocketAddr = parsed(layers, "peer", "write IP:PORT, such as 127.0.0.1:7410")?;
        let advertise = text(layers, "advertise");
        let join = text(layers, "join");
        let replicas = checked(layers, "replicas", "write a number from 1 to 16", |text| {
            text.parse().ok().filter(|replicas| (1..=16).contains(replicas))
        })?;
        let settings = Self {
            name: checked(layers, "name", "write 1 to 64 letters, digits, dots or dashes", name)?,
            data: PathBuf::from(text(layers, "data")),
            init: parsed(layers, "init", "write true or false")?,
            join: join
                .split(',')
                .map(str::trim)
                .filter(|peer| !peer.is_empty())
                .map(str::to_owned)
                .collect(),
            advertise,
            advertise_peer_port: None,
            zone: checked(layers, "zone", "write 1 to 64 letters, digits, dots or dashes", name)?,
            weight: checked(layers, "weight", "write a number from 1 to 10000", |text| {
                text.parse().ok().and_then(Weight::new)
            })?,
            peer,
            http: parsed(layers, "http", "write IP:PORT, such as 127.0.0.1:7411")?,
            resp: resp(layers)?,
            partitions: checked(
                layers,
                "partitions",
                "write a power of two up to 1048576",
                |text| PartitionCount::new(text.parse().ok()?).ok(),
            )?,
            replicas,
            shards: shards(parsed(layers, "shards", "write a number from 0 to 255")?),
            engine: checked(layers, "engine", "write fjall or memory", |text| match text {
                "fjall" => Some(EngineChoice::Fjall),
                "memory" => Some(EngineChoice::Memory),
                _ => None,
            })?,
            max_requests: checked(layers, "max_requests", "write a number above 0", positive)?,
            max_key_bytes: checked(layers, "max_key_bytes", "write 1 to 65536", |text| {
                positive(text).filter(|&bytes| bytes <= 65536)
            })?,
            max_object_bytes: checked(
                layers,
                "max_object_bytes",
                "write a number above 0",
                positive,
            )?,
            max_hint_bytes: parsed(layers, "max_hint_bytes", "write a number of bytes")?,
            cache_bytes: checked(layers, "cache_bytes", "write a number of bytes", |text| {
                if text.is_empty() {
                    return Some(memory::default_cache_bytes());
                }
                text.parse().ok()
            })?,
            scrub_interval: checked(
                layers,
                "scrub_interval",
                "write seconds, at least 1",
                |text| text.parse().ok().filter(|&seconds| seconds > 0).map(Duration::from_secs),
            )?,
            background: checked(
                layers,
                "background_bytes_per_second",
                "write a number of bytes above 0",
                |text| text.parse().ok().and_then(BytesPerSecond::new),
            )?,
            disk_reserve: checked(layers, "disk_reserve", "write a number of bytes", |text| {
                if text.is_empty() {
                    return Some(DiskReserve::Default);
                }
                text.parse().ok().map(DiskReserve::Bytes)
            })?,
            slow_after: checked(
                layers,
                "slow_request_ms",
                "write milliseconds, or 0 for no slow log",
                |text| text.parse().ok().map(|ms| (ms > 0).then(|| Duration::from_millis(ms))),
            )?,
            otlp_endpoint: checked(
                layers,
                "otlp_endpoint",
                "write http://HOST:PORT, such as http://127.0.0.1:4318: a collector near the node, \
                 without TLS",
                otlp_endpoint,
            )?,
            trace_ratio: checked(layers, "trace_ratio", "write a number from 0 to 1", |text| {
                text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio))
            })?,
            log: text(layers, "log"),
            log_format: checked(layers, "log_format", "write text or json", |text| match text {
                "text" => Some(LogFormat::Text),
                "json" => Some(LogFormat::Json),
                _ => None,
            })?,
        };
        settings.reachable(layers)
    }

    /// A listener on every address can't be told to others: they need a name to dial.
    fn reachable(mut self, layers: &Layers) -> Result<Self, Failure> {
        if !self.advertise.is_empty() {
            let rule = "write HOST, or HOST:PORT if peers reach another port than --peer names";
            let (host, port) =
                host_and_port(&self.advertise).ok_or_else(|| wrong(layers, "advertise", rule))?;
            (self.advertise, self.advertise_peer_port) = (host, port);
            return Ok(self);
        }
        if self.peer.ip().is_unspecified() {
            return Err(Failure::usage(format!(
                "the peer listener is on every address ({}), which is no address that peers can dial",
                self.peer
            ))
            .try_next("name this node's host with --advertise HOST"));
        }
        self.advertise = bracketed(self.peer);
        Ok(self)
    }

    /// A node that others can reach must be told its secret, and what cluster it is in.
    pub(crate) fn safe(&self, secret: &SecretSource, data_is_empty: bool) -> Result<(), Failure> {
        let listeners = [Some(self.peer), Some(self.http), self.resp.address()];
        let open = listeners.into_iter().flatten().find(|address| !address.ip().is_loopback());
        let Some(open) = open else { return Ok(()) };
        if secret.current.is_none() {
            return Err(Failure::usage(format!(
                "{open} can be reached from other machines, and there is no cluster secret"
            ))
            .try_next(
                "make one with `(umask 077; stator secret > secret)`, copy it to every node, and \
                 set STATOR_SECRET_FILE=secret",
            ));
        }
        if data_is_empty && !self.init && self.join.is_empty() {
            return Err(Failure::usage(format!(
                "{} is empty, and off loopback a cluster is not started by accident",
                self.data.display()
            ))
            .try_next(
                "start a new cluster with --init, or name members of one with --join HOST:PORT",
            ));
        }
        Ok(())
    }

    /// `host:port` under which a listener is reached.
    pub(crate) fn advertised(&self, listener: SocketAddr) -> String {
        format!("{}:{}", self.advertise, listener.port())
    }

    /// `host:port` that peers dial.
    pub(crate) fn advertised_to_peers(&self) -> String {
        let port = self.advertise_peer_port.unwrap_or(self.peer.port());
        format!("{}:{port}", self.advertise)
    }
}

/// A host, in brackets if it is an IPv6 address, and the port behind it if there is one.
fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some((bracketed(SocketAddr::new(address, 0)), None));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok().filter(|&port| port != 0)?)),
        None => (text, None),
    };
    let is_v6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = match is_v6 {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && !host.contains([':', '/', ' ', '[', ']', '@']),
    };
    is_host.then(|| (host.to_owned(), port))
}

fn bracketed(address: SocketAddr) -> String {
    if address.is_ipv6() { format!("[{}]", address.ip()) } else { address.ip().to_string() }
}

fn default_of(name: &str) -> &'static str {
    KNOWN.iter().find(|known| known.name == name).map_or("", |known| known.default)
}

fn text(layers: &Layers, name: &str) -> String {
    layers.text(name, default_of(name)).0
}

fn wrong(layers: &Layers, name: &str, rule: &str) -> Failure {
    let (text, source) = layers.text(name, default_of(name));
    Failure::usage(format!("{name} can't be {text:?} ({source})")).try_next(format!(
        "{rule} ({}, {}, or {name} in the file)",
        flag(name),
        variable(name)
    ))
}

fn checked<T>(
    layers: &Layers,
    name: &str,
    rule: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, Failure> {
    parse(&text(layers, name)).ok_or_else(|| wrong(layers, name, rule))
}

fn parsed<T: FromStr>(layers: &Layers, name: &str, rule: &str) -> Result<T, Failure>
where
    T::Err: Display,
{
    checked(layers, name, rule, |text| text.parse().ok())
}

fn name(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(plain);
    fits.then(|| text.to_owned())
}

fn resp(layers: &Layers) -> Result<RespListener, Failure> {
    let (text, source) = layers.text("resp", default_of("resp"));
    if text.is_empty() {
        return Ok(RespListener::Off);
    }
    let rule = "write IP:PORT, such as 127.0.0.1:7412, or nothing for nowhere";
    let address = text.parse().map_err(|_| wrong(layers, "resp", rule))?;
    Ok(match source {
        Source::Default => RespListener::Usual(address),
        _ => RespListener::At(address),
    })
}

/// The address to which spans are posted, if there is one: the standard path below a collector's
/// own, unless it is there already.
#[expect(clippy::option_option, reason = "a wrong text, no text, an address")]
fn otlp_endpoint(text: &str) -> Option<Option<String>> {
    const PATH: &str = "/v1/traces";
    if text.is_empty() {
        return Some(None);
    }
    let uri: http::Uri = text.parse().ok()?;
    if uri.scheme_str() != Some("http") || uri.host().is_none_or(str::is_empty) {
        return None;
    }
    let base = text.trim_end_matches('/');
    Some(Some(if base.ends_with(PATH) { base.to_owned() } else { format!("{base}{PATH}") }))
}

fn positive(text: &str) -> Option<usize> {
    text.parse().ok().filter(|&number| number > 0)
}

fn shards(asked: u8) -> u8 {
    if asked > 0 {
        return asked;
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    u8::try_from(cores).unwrap_or(u8::MAX)
}

/// Every setting with its text and where it came from, one a line, as TOML with comments.
pub(crate) fn print(layers: &Layers, secret: &SecretSource) -> String {
    let mut lines: Vec<String> = KNOWN
        .iter()
        .map(|known| {
            let (text, source) = layers.text(known.name, known.default);
            format!("{:<40} # {source}", format!("{} = {text:?}", known.name))
        })
        .collect();
    let state = match &secret.current {
        Some(_) => format!("set, {} older accepted", secret.older.len()),
        None => "none".to_owned(),
    };
    lines.push(format!("{:<40} # {}", format!("# secret: {state}"), secret.source));
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests;
