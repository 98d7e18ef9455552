//! What a client says about its connection: the handshake, and what it chooses.

#![expect(
    clippy::unnecessary_wraps,
    reason = "the table has one signature for all answers, and some can't fail"
)]

use bytes::Bytes;

use super::super::client::Client;
use super::super::failure::{Answer, Failure};
use super::super::front::Front;
use super::super::reply::{Protocol, Reply};
use super::super::request::integer;
use super::about;

/// The number of databases.
pub(super) const DATABASES: u8 = 16;

/// `PING [message]`.
pub(crate) fn ping(_front: &Front, _client: &mut Client, arguments: &[Bytes]) -> Answer {
    match arguments {
        [_] => Ok(Reply::Simple("PONG")),
        [_, message] => Ok(Reply::Bulk(message.clone())),
        _ => Err(Failure::wrong_number("ping")),
    }
}

/// `ECHO message`.
pub(crate) fn echo(_front: &Front, _client: &mut Client, arguments: &[Bytes]) -> Answer {
    Ok(Reply::Bulk(arguments.get(1).cloned().unwrap_or_default()))
}

/// `QUIT`.
pub(crate) fn quit(_front: &Front, client: &mut Client, _arguments: &[Bytes]) -> Answer {
    client.leaves = true;
    Ok(Reply::OK)
}

/// `RESET`.
pub(crate) fn reset(_front: &Front, client: &mut Client, _arguments: &[Bytes]) -> Answer {
    *client = Client::new(client.id);
    Ok(Reply::Simple("RESET"))
}

/// `SELECT index`.
pub(crate) fn select(_front: &Front, client: &mut Client, arguments: &[Bytes]) -> Answer {
    let number = arguments.get(1).and_then(|text| integer(text));
    let number = number.ok_or_else(Failure::not_an_integer)?;
    let database = u8::try_from(number).ok().filter(|&database| database < DATABASES);
    client.database = database.ok_or_else(|| Failure::err("DB index is out of range"))?;
    Ok(Reply::OK)
}

/// `AUTH [username] password`. The door has no passwords, as the HTTP door has none for data, and
/// says so as a Redis without passwords does: the default user is let in by any.
pub(crate) fn auth(_front: &Front, _client: &mut Client, arguments: &[Bytes]) -> Answer {
    match arguments {
        [_, _] => Err(Failure::err(
            "AUTH <password> called without any password configured for the default user. Are you \
             sure your configuration is correct?",
        )),
        [_, user, _] => log_in(user).map(|()| Reply::OK),
        _ => Err(Failure::syntax()),
    }
}

fn log_in(user: &[u8]) -> Result<(), Failure> {
    if user == b"default" {
        return Ok(());
    }
    Err(Failure::as_redis("WRONGPASS invalid username-password pair or user is disabled."))
}

/// `HELLO [version [AUTH username password] [SETNAME name]]`. Nothing changes unless all of it
/// can.
pub(crate) fn hello(_front: &Front, client: &mut Client, arguments: &[Bytes]) -> Answer {
    let protocol = match arguments.get(1) {
        None => client.protocol,
        Some(version) => match integer(version) {
            Some(2) => Protocol::Resp2,
            Some(3) => Protocol::Resp3,
            Some(_) => return Err(Failure::as_redis("NOPROTO unsupported protocol version")),
            None => {
                let text = "Protocol version is not an integer or out of range";
                return Err(Failure::err(text));
            }
        },
    };
    let mut name = client.name.clone();
    let mut rest = arguments.get(2..).unwrap_or_default();
    while let [word, after @ ..] = rest {
        rest = match after {
            [user, _password, after @ ..] if word.eq_ignore_ascii_case(b"AUTH") => {
                log_in(user)?;
                after
            }
            [given, after @ ..] if word.eq_ignore_ascii_case(b"SETNAME") => {
                name = checked_name(given)?;
                after
            }
            _ => {
                let word = String::from_utf8_lossy(word);
                return Err(Failure::err(format!("Syntax error in HELLO option '{word}'")));
            }
        };
    }
    (client.protocol, client.name) = (protocol, name);
    let pair = |key: &str, value| (Reply::text(key), value);
    Ok(Reply::Map(vec![
        pair("server", Reply::text("redis")),
        pair("version", Reply::text(about::REDIS_VERSION)),
        pair("proto", Reply::Integer(protocol.number())),
        pair("id", id(client)),
        pair("mode", Reply::text("standalone")),
        pair("role", Reply::text("master")),
        pair("modules", Reply::Array(Vec::new())),
    ]))
}

fn id(client: &Client) -> Reply {
    Reply::Integer(i64::try_from(client.id).unwrap_or(i64::MAX))
}

/// `CLIENT ID | GETNAME | SETNAME name | SETINFO option value`.
pub(crate) fn client(_front: &Front, client: &mut Client, arguments: &[Bytes]) -> Answer {
    let subcommand = arguments.get(1).map(|word| word.to_ascii_uppercase()).unwrap_or_default();
    let subcommand = String::from_utf8_lossy(&subcommand).into_owned();
    match (subcommand.as_str(), arguments.get(2..).unwrap_or_default()) {
        ("ID", []) => Ok(id(client)),
        ("GETNAME", []) if client.name.is_empty() => Ok(Reply::Null),
        ("GETNAME", []) => Ok(Reply::Bulk(client.name.clone())),
        ("SETNAME", [name]) => {
            client.name = checked_name(name)?;
            Ok(Reply::OK)
        }
        ("SETINFO", [option, value]) => set_info(option, value),
        ("ID" | "GETNAME" | "SETNAME" | "SETINFO", _) => {
            Err(Failure::wrong_number(&format!("client|{subcommand}")))
        }
        _ => Err(about::unknown_subcommand("CLIENT", &arguments[1..])),
    }
}

fn checked_name(name: &Bytes) -> Result<Bytes, Failure> {
    if name.iter().all(u8::is_ascii_graphic) {
        return Ok(name.clone());
    }
    Err(Failure::err("Client names cannot contain spaces, newlines or special characters."))
}

/// What library a client is tells nothing that the door needs; it is checked as Redis checks it.
fn set_info(option: &Bytes, value: &Bytes) -> Answer {
    let name = String::from_utf8_lossy(option).into_owned();
    let is_known = ["lib-name", "lib-ver"].iter().any(|known| name.eq_ignore_ascii_case(known));
    if !is_known {
        return Err(Failure::err(format!("Unrecognized option '{name}'")));
    }
    if !value.iter().all(u8::is_ascii_graphic) {
        let text = format!("{name} cannot contain spaces, newlines or special characters.");
        return Err(Failure::err(text));
    }
    Ok(Reply::OK)
}
