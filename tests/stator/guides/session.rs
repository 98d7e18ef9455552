//! Carries the guides' examples out against a cluster: `curl` as far as they use it, `stator` as it
//! is, `redis-cli` over a socket. So the tests need neither curl nor Redis.

use std::collections::BTreeMap;

use super::shell::{self, Variables};
use crate::harness::{Answer, Cluster, Node, Redis, Request, stderr};

/// A shell in which the examples are typed one after the other.
pub(super) struct Session<'a> {
    cluster: &'a Cluster,
    variables: Variables,
    redis: BTreeMap<String, Redis>,
    requests: usize,
}

impl<'a> Session<'a> {
    pub(super) const fn new(cluster: &'a Cluster) -> Self {
        Self { cluster, variables: BTreeMap::new(), redis: BTreeMap::new(), requests: 0 }
    }

    /// How many HTTP requests were made.
    pub(super) const fn requests(&self) -> usize {
        self.requests
    }

    /// Carries a line out; what differs from what its comment says is an error.
    pub(super) fn carry_out(&mut self, line: &str) -> Result<(), String> {
        if let Some((name, command)) = assignment(line) {
            let curl = Curl::read(&shell::line(command, &self.variables).words)?;
            let header = curl.shown_header().ok_or("only a header can be kept in a variable")?;
            let value = self.request(&curl)?.header(&header);
            let value = value.ok_or(format!("the answer has no {header}"))?;
            self.variables.insert(name.to_owned(), value);
            return Ok(());
        }
        let line = shell::line(line, &self.variables);
        match line.words.first().map(String::as_str) {
            Some("curl") => {
                let answer = self.request(&Curl::read(&line.words)?)?;
                let body = String::from_utf8_lossy(&answer.body);
                expect(&answer.status.to_string(), &line.comment)
                    .map_err(|why| format!("{why}: {body}"))
            }
            Some("stator") => {
                let words: Vec<&str> = line.words[1..].iter().map(String::as_str).collect();
                let output = self.cluster.nodes[0].cli(&words);
                let status = format!("exit {}", output.status.code().unwrap_or(-1));
                let said = if line.comment.is_empty() { "exit 0" } else { &line.comment };
                expect(&status, said).map_err(|why| format!("{why}: {}", stderr(&output)))
            }
            Some("redis-cli") => self.redis_cli(&line.words[1..]),
            _ => Err("the examples use curl, stator and redis-cli".to_owned()),
        }
    }

    fn request(&mut self, curl: &Curl) -> Result<Answer, String> {
        self.requests += 1;
        let node = self.node(&curl.port, '1')?;
        Ok(node.send(&curl.request()?))
    }

    fn redis_cli(&mut self, words: &[String]) -> Result<(), String> {
        let [flag, port, command @ ..] = words else { return Err("-p PORT is missing".to_owned()) };
        if flag != "-p" {
            return Err("-p PORT is missing".to_owned());
        }
        let address = self.node(port, '2')?.resp.clone();
        let client = self.redis.entry(port.clone()).or_insert_with(|| Redis::connect(&address));
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let answer = client.ask(&command);
        if answer.starts_with('-') { Err(answer) } else { Ok(()) }
    }

    /// The node that the demo has at this port: 74k1 is HTTP of node k, 74k2 Redis.
    fn node(&self, port: &str, door: char) -> Result<&Node, String> {
        let k = port.strip_prefix("74").and_then(|rest| rest.strip_suffix(door));
        let k: Option<usize> = k.and_then(|k| k.parse().ok());
        let node = k.and_then(|k| self.cluster.nodes.get(k.checked_sub(1)?));
        node.ok_or(format!("no node of three is at port {port}"))
    }
}

fn expect(found: &str, said: &str) -> Result<(), String> {
    if found == said { Ok(()) } else { Err(format!("it says {said:?} and was {found:?}")) }
}

/// `NAME=$(command)`.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let (name, command) = line.split_once("=$(")?;
    let is_name = name.bytes().all(|byte| byte.is_ascii_lowercase());
    is_name.then_some((name, command.strip_suffix(')')?))
}

/// A `curl` command line.
#[derive(Default)]
struct Curl {
    method: Option<String>,
    port: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
    format: String,
}

impl Curl {
    fn read(words: &[String]) -> Result<Self, String> {
        let mut curl = Self::default();
        let mut words = words.iter().skip(1).cloned();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} wants a value"));
            match word.as_str() {
                "-i" | "-s" => {}
                "-I" => curl.method = Some("HEAD".to_owned()),
                "-X" => curl.method = Some(value()?),
                "-d" => curl.body = Some(value()?),
                "-w" => curl.format = value()?,
                "-o" => drop(value()?),
                "-H" => {
                    let header = value()?;
                    let (name, text) = header.split_once(": ").ok_or("a header is NAME: VALUE")?;
                    curl.headers.push((name.to_owned(), text.to_owned()));
                }
                _ => (curl.port, curl.target) = address(&word)?,
            }
        }
        Ok(curl)
    }

    /// The header that `-w` prints.
    fn shown_header(&self) -> Option<String> {
        Some(self.format.strip_prefix("%header{")?.strip_suffix('}')?.to_owned())
    }

    fn request(&self) -> Result<Request, String> {
        let default = if self.body.is_some() { "POST" } else { "GET" };
        let method = match self.method.as_deref().unwrap_or(default) {
            "GET" => "GET",
            "HEAD" => "HEAD",
            "PUT" => "PUT",
            "POST" => "POST",
            "DELETE" => "DELETE",
            other => return Err(format!("the examples use no {other}")),
        };
        let mut request = Request::new(method, &self.target);
        if let Some(body) = &self.body {
            request = request.body(body.as_bytes());
            if !self.headers.iter().any(|(name, _)| name == "Content-Type") {
                request = request.header("Content-Type", "application/x-www-form-urlencoded");
            }
        }
        let with = |request: Request, (name, text): &(String, String)| request.header(name, text);
        Ok(self.headers.iter().fold(request, with))
    }
}

/// The port and the target of a URL.
fn address(url: &str) -> Result<(String, String), String> {
    let rest = url.strip_prefix("http://127.0.0.1:").ok_or(format!("{url} is no node's"))?;
    let slash = rest.find('/').ok_or("a URL has a path")?;
    Ok((rest[..slash].to_owned(), rest[slash..].to_owned()))
}
