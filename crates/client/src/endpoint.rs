//! Where a node's HTTP door is: `http://host:port`.

use std::fmt;
use std::str::FromStr;

use http::uri::Authority;

/// A node's HTTP address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(Authority);

/// Text that names no endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no endpoint ({why}): write http://HOST:PORT, such as http://127.0.0.1:7411")]
pub struct InvalidEndpoint {
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub why: String,
}

impl Endpoint {
    /// `host:port`, as it stands in the `Host` header and as a socket is opened to it.
    pub fn authority(&self) -> &str {
        self.0.as_str()
    }

    /// The same for the `http` crate's types.
    pub fn as_authority(&self) -> &Authority {
        &self.0
    }
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let invalid = |why: &str| InvalidEndpoint { text: text.to_owned(), why: why.to_owned() };
        if text.starts_with("https://") {
            return Err(invalid("TLS is not served"));
        }
        let rest = text.strip_prefix("http://").unwrap_or(text);
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#', '@']) {
            return Err(invalid("it has more than a host and a port"));
        }
        let authority = Authority::from_str(rest).map_err(|error| invalid(&error.to_string()))?;
        if authority.host().is_empty() {
            return Err(invalid("the host is missing"));
        }
        if authority.port_u16().is_none() {
            return Err(invalid("the port is missing"));
        }
        Ok(Self(authority))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.0)
    }
}

#[cfg(test)]
mod tests;
