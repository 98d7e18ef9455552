//! Every command: its name, how many arguments it takes, which keys it touches, and who answers it.
//! The one table: `COMMAND` tells it to clients, and `docs/redis.md` to people.

use bytes::Bytes;

use super::batch::{Access, Touched, UnderWay};
use super::call::Call;
use super::client::Client;
use super::commands::{about, connection, expiry, keys, objects, read, scan, transaction, write};
use super::failure::{Answer, Failure};
use super::front::Front;

/// How many arguments a command takes, its name included; as Redis tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arity {
    Exactly(usize),
    AtLeast(usize),
}

impl Arity {
    const fn fits(self, count: usize) -> bool {
        match self {
            Self::Exactly(exactly) => count == exactly,
            Self::AtLeast(least) => count >= least,
        }
    }

    /// As in the answer to `COMMAND`.
    pub(super) fn number(self) -> i64 {
        match self {
            Self::Exactly(count) => i64::try_from(count).unwrap_or(i64::MAX),
            Self::AtLeast(count) => -i64::try_from(count).unwrap_or(i64::MAX),
        }
    }
}

/// Which arguments are keys of the connection's database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    None,
    /// The first argument.
    First,
    /// All arguments.
    All,
    /// Every second one, from the first.
    Pairs,
    /// The first names a bucket and the second a key of it.
    OfBucket,
}

impl Keys {
    /// First, last and step, as in the answer to `COMMAND`.
    pub(super) const fn places(self) -> (i64, i64, i64) {
        match self {
            Self::None => (0, 0, 0),
            Self::First => (1, 1, 1),
            Self::All => (1, -1, 1),
            Self::Pairs => (1, -1, 2),
            Self::OfBucket => (2, 2, 1),
        }
    }

    fn named(self, database: u8, arguments: &[Bytes]) -> Vec<Bytes> {
        let own = |key: &Bytes| -> Bytes { [&[database, b'/'], &key[..]].concat().into() };
        let arguments = arguments.get(1..).unwrap_or_default();
        match (self, arguments) {
            (Self::First, [key, ..]) => vec![own(key)],
            (Self::All, keys) => keys.iter().map(own).collect(),
            (Self::Pairs, pairs) => pairs.iter().step_by(2).map(own).collect(),
            (Self::OfBucket, [bucket, key, ..]) => match database_of(bucket) {
                Some(database) => vec![[&[database, b'/'], &key[..]].concat().into()],
                None => vec![[&b"/"[..], bucket, b"/", key].concat().into()],
            },
            _ => Vec::new(),
        }
    }
}

/// The number of the database that a bucket is, if it is one: its keys are the same by either name.
fn database_of(bucket: &[u8]) -> Option<u8> {
    let number = bucket.strip_prefix(b"redis.")?;
    (0..16).find(|database| number == database.to_string().as_bytes())
}

/// Who answers a command.
#[derive(Clone, Copy)]
pub(super) enum Answerer {
    /// The connection itself, once all commands before it are answered.
    Connection(fn(&Front, &mut Client, &[Bytes]) -> Answer),
    /// The node.
    Node(Access, fn(Call) -> UnderWay),
    /// Nobody: this is what it would need.
    Nobody(&'static str),
}

/// One command.
pub(super) struct Command {
    /// In capitals.
    pub(super) name: &'static str,
    pub(super) arity: Arity,
    pub(super) keys: Keys,
    pub(super) answerer: Answerer,
    /// As in `COMMAND DOCS`.
    pub(super) group: &'static str,
    pub(super) summary: &'static str,
}

impl Command {
    /// The command of a request, if there is one that takes so many arguments.
    pub(super) fn of(arguments: &[Bytes]) -> Result<&'static Self, Failure> {
        let name = arguments.first().map(|name| &name[..]).unwrap_or_default();
        let command = find(name).ok_or_else(|| unknown(arguments))?;
        if !command.arity.fits(arguments.len()) {
            return Err(Failure::wrong_number(command.name));
        }
        Ok(command)
    }

    /// What it touches.
    pub(super) fn touched(&self, access: Access, database: u8, arguments: &[Bytes]) -> Touched {
        let bytes = arguments.iter().map(Bytes::len).sum();
        Touched { access, keys: self.keys.named(database, arguments), bytes }
    }
}

/// The command of that name, however it is written.
pub(super) fn find(name: &[u8]) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name.as_bytes().eq_ignore_ascii_case(name))
}

/// How much of a name or of all arguments an error repeats.
const SHOWN: usize = 128;

/// As Redis 7 says it.
fn unknown(arguments: &[Bytes]) -> Failure {
    let shown = |bytes: &[u8], most: usize| {
        String::from_utf8_lossy(&bytes[..bytes.len().min(most)]).into_owned()
    };
    let name = shown(arguments.first().map(|name| &name[..]).unwrap_or_default(), SHOWN);
    let mut text = format!("unknown command '{name}', with args beginning with: ");
    let mut left = SHOWN;
    for argument in arguments.iter().skip(1) {
        if left == 0 {
            break;
        }
        text.push('\'');
        text.push_str(&shown(argument, left));
        text.push_str("' ");
        left = left.saturating_sub(argument.len() + 3);
    }
    Failure::err(text)
}

const fn connection(
    name: &'static str,
    arity: Arity,
    answer: fn(&Front, &mut Client, &[Bytes]) -> Answer,
    summary: &'static str,
) -> Command {
    let answerer = Answerer::Connection(answer);
    Command { name, arity, keys: Keys::None, answerer, group: "connection", summary }
}

const fn server(
    name: &'static str,
    arity: Arity,
    answer: fn(&Front, &mut Client, &[Bytes]) -> Answer,
    summary: &'static str,
) -> Command {
    Command { group: "server", ..connection(name, arity, answer, summary) }
}

const fn node(
    name: &'static str,
    arity: Arity,
    (access, keys): (Access, Keys),
    answer: fn(Call) -> UnderWay,
    group: &'static str,
    summary: &'static str,
) -> Command {
    Command { name, arity, keys, answerer: Answerer::Node(access, answer), group, summary }
}

const fn nobody(name: &'static str, needs: &'static str) -> Command {
    let (arity, answerer) = (AtLeast(1), Answerer::Nobody(needs));
    Command { name, arity, keys: Keys::None, answerer, group: "string", summary: "Refused" }
}

/// What a command needs that acts on what it finds.
pub(super) const CONDITIONAL: &str =
    "acts on what it finds, which needs a linearizable bucket: `strong` buckets are not built yet";

use Access::{Reads, Scans, Writes};
use Arity::{AtLeast, Exactly};

/// All of them.
pub(super) static COMMANDS: &[Command] = &[
    connection("AUTH", AtLeast(2), connection::auth, "Says who the client is"),
    connection("CLIENT", AtLeast(2), connection::client, "Names the connection"),
    connection("ECHO", Exactly(2), connection::echo, "Returns its argument"),
    connection("HELLO", AtLeast(1), connection::hello, "Agrees on a protocol"),
    connection("PING", AtLeast(1), connection::ping, "Answers that the node is there"),
    connection("QUIT", AtLeast(1), connection::quit, "Closes the connection"),
    connection("RESET", Exactly(1), connection::reset, "Makes the connection as new"),
    connection("SELECT", Exactly(2), connection::select, "Chooses a database, 0 to 15"),
    connection("MULTI", Exactly(1), transaction::multi, "Refused"),
    connection("EXEC", Exactly(1), transaction::exec, "Refused"),
    connection("DISCARD", Exactly(1), transaction::discard, "Ends a refused MULTI"),
    server("COMMAND", AtLeast(1), about::command, "Describes the commands"),
    server("CONFIG", AtLeast(2), about::config, "Tells settings"),
    server("INFO", AtLeast(1), about::info, "Describes the node"),
    node("GET", Exactly(2), (Reads, Keys::First), read::get, "string", "Returns a value"),
    node("MGET", AtLeast(2), (Reads, Keys::All), read::mget, "string", "Returns several values"),
    node("STRLEN", Exactly(2), (Reads, Keys::First), read::strlen, "string", "A value's length"),
    node(
        "GETEX",
        AtLeast(2),
        (Writes, Keys::First),
        expiry::getex,
        "string",
        "Returns a value and sets its expiry",
    ),
    node(
        "GETDEL",
        Exactly(2),
        (Writes, Keys::First),
        keys::getdel,
        "string",
        "Returns a value and deletes it",
    ),
    node("SET", AtLeast(3), (Writes, Keys::First), write::set, "string", "Sets a value"),
    node(
        "SETEX",
        Exactly(4),
        (Writes, Keys::First),
        write::setex,
        "string",
        "Sets a value that expires",
    ),
    node(
        "PSETEX",
        Exactly(4),
        (Writes, Keys::First),
        write::psetex,
        "string",
        "Sets a value that expires",
    ),
    node(
        "MSET",
        AtLeast(3),
        (Writes, Keys::Pairs),
        write::mset,
        "string",
        "Sets several values, not atomically",
    ),
    node("DEL", AtLeast(2), (Writes, Keys::All), keys::del, "generic", "Deletes keys"),
    node("UNLINK", AtLeast(2), (Writes, Keys::All), keys::del, "generic", "Deletes keys"),
    node(
        "EXISTS",
        AtLeast(2),
        (Reads, Keys::All),
        keys::exists,
        "generic",
        "Counts the keys that are there",
    ),
    node(
        "TYPE",
        Exactly(2),
        (Reads, Keys::First),
        keys::kind,
        "generic",
        "Tells the kind of a value",
    ),
    node(
        "EXPIRE",
        AtLeast(3),
        (Writes, Keys::First),
        expiry::expire,
        "generic",
        "Sets when a key expires, in seconds from now",
    ),
    node(
        "PEXPIRE",
        AtLeast(3),
        (Writes, Keys::First),
        expiry::pexpire,
        "generic",
        "Sets when a key expires, in milliseconds from now",
    ),
    node(
        "TTL",
        Exactly(2),
        (Reads, Keys::First),
        expiry::ttl,
        "generic",
        "Seconds until a key expires",
    ),
    node(
        "PTTL",
        Exactly(2),
        (Reads, Keys::First),
        expiry::pttl,
        "generic",
        "Milliseconds until a key expires",
    ),
    node(
        "PERSIST",
        Exactly(2),
        (Writes, Keys::First),
        expiry::persist,
        "generic",
        "Takes a key's expiry away",
    ),
    node("SCAN", AtLeast(2), (Scans, Keys::None), scan::scan, "generic", "Goes through the keys"),
    node(
        "DBSIZE",
        Exactly(1),
        (Scans, Keys::None),
        scan::dbsize,
        "server",
        "Estimates the number of keys",
    ),
    node(
        "STATOR.GET",
        AtLeast(3),
        (Reads, Keys::OfBucket),
        objects::get,
        "stator",
        "Returns a context and all siblings",
    ),
    node(
        "STATOR.PUT",
        AtLeast(5),
        (Writes, Keys::OfBucket),
        objects::put,
        "stator",
        "Stores a value and returns its context",
    ),
    node(
        "STATOR.DEL",
        AtLeast(4),
        (Writes, Keys::OfBucket),
        objects::delete,
        "stator",
        "Deletes what a context covers",
    ),
    node(
        "STATOR.LOCATE",
        Exactly(3),
        (Reads, Keys::OfBucket),
        objects::locate,
        "stator",
        "Tells where an object lives",
    ),
    nobody("SETNX", CONDITIONAL),
    nobody("MSETNX", CONDITIONAL),
    nobody("GETSET", CONDITIONAL),
    nobody("APPEND", CONDITIONAL),
    nobody("SETRANGE", CONDITIONAL),
    nobody("INCR", CONDITIONAL),
    nobody("INCRBY", CONDITIONAL),
    nobody("INCRBYFLOAT", CONDITIONAL),
    nobody("DECR", CONDITIONAL),
    nobody("DECRBY", CONDITIONAL),
    nobody("RENAME", CONDITIONAL),
    nobody("RENAMENX", CONDITIONAL),
    nobody("WATCH", CONDITIONAL),
];

#[cfg(test)]
mod tests;
