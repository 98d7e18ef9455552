//! Who may ask. A web page that somebody has open must not reach a node on their machine, and off
//! loopback only who knows the cluster's secret administers.
//!
//! On a loopback listener every request must name a loopback host (which a page that was loaded
//! from elsewhere and rebinds its own name to 127.0.0.1 does not) and must not come from a foreign
//! page. Off loopback the names of a node are not known here, and administration wants the token.

use std::net::IpAddr;

use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Request, Uri};

use super::HttpConfig;
use super::problem::{Problem, kind};

/// What a request does, which decides who may make it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    /// Asking whether the node is alive or serves: whoever watches over a node asks it by whatever
    /// name they know.
    Watch,
    /// Data, and reading what the cluster is like.
    Use,
    /// Changing the cluster or a bucket's properties.
    Administer,
}

/// Refuses a request that may not be made.
pub(super) fn check<B>(
    config: &HttpConfig,
    request: &Request<B>,
    right: Right,
) -> Result<(), Problem> {
    if right == Right::Watch {
        return Ok(());
    }
    if config.is_loopback {
        check_host(request)?;
        return check_origin(request.headers());
    }
    if right == Right::Administer {
        let given = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
        return check_token(config, given);
    }
    Ok(())
}

fn check_host<B>(request: &Request<B>) -> Result<(), Problem> {
    if let Some(authority) = request.uri().authority() {
        local_host(authority.host())?;
    }
    for value in request.headers().get_all(HOST) {
        let authority = value.to_str().ok().and_then(|text| text.parse::<Authority>().ok());
        local_host(authority.as_ref().map_or("", Authority::host))?;
    }
    Ok(())
}

fn local_host(host: &str) -> Result<(), Problem> {
    if is_loopback(host) {
        return Ok(());
    }
    let detail = format!(
        "this node listens on loopback and the request is for the host {host:?}: ask for \
         localhost or 127.0.0.1, or serve on another address"
    );
    Err(Problem::new(kind::FOREIGN_HOST, detail))
}

fn check_origin(headers: &HeaderMap) -> Result<(), Problem> {
    for value in headers.get_all(ORIGIN) {
        let origin = value.to_str().ok().and_then(|text| text.parse::<Uri>().ok());
        let host = origin.as_ref().and_then(Uri::host).unwrap_or("");
        if !is_loopback(host) {
            let detail = format!(
                "the request comes from a page of {:?}, and this node listens on loopback: pages \
                 from elsewhere may not reach it",
                String::from_utf8_lossy(value.as_bytes())
            );
            return Err(Problem::new(kind::FOREIGN_ORIGIN, detail));
        }
    }
    Ok(())
}

fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Refuses whoever may not administer. `given` is what `Authorization` says, or would.
pub(super) fn check_token(config: &HttpConfig, given: Option<&[u8]>) -> Result<(), Problem> {
    let Some(token) = &config.admin_token else {
        let detail = "this node has no cluster secret, so nobody administers it through an \
                      address off loopback: set a secret, or use a listener on loopback";
        return Err(Problem::new(kind::ADMIN_DISABLED, detail));
    };
    let Some(given) = given else {
        let detail = "administration through an address off loopback wants \
                      `Authorization: Bearer` with the admin token of the cluster's secret";
        return Err(Problem::new(kind::UNAUTHORIZED, detail));
    };
    let scheme = given.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "));
    if scheme && same(given[7..].trim_ascii(), token.as_bytes()) {
        return Ok(());
    }
    let detail = "the admin token is not the one of this cluster's secret";
    Err(Problem::new(kind::FORBIDDEN, detail))
}

/// Compares without telling by its duration how much is alike.
fn same(given: &[u8], token: &[u8]) -> bool {
    let differing = given.iter().zip(token).fold(0, |seen, (a, b)| seen | (a ^ b));
    given.len() == token.len() && std::hint::black_box(differing) == 0
}

#[cfg(test)]
mod tests;
