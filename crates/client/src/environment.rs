//! How a client finds its cluster when its surroundings say so, as the command line does.

use crate::endpoint::{Endpoint, InvalidEndpoint};
use crate::ring::RingOptions;
use stator_wire::secret::{ClientKey, InvalidClientKey};

/// Where a demo's first node, and a node that was told nothing, serves HTTP.
const USUAL_ENDPOINT: &str = "http://127.0.0.1:7411";

/// Why the environment does not say how to find a cluster.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// An endpoint can't be meant so.
    #[error("STATOR_ENDPOINT: {0}")]
    Endpoint(#[from] InvalidEndpoint),
    /// A key can't be meant so.
    #[error("{variable}: {source}")]
    Key {
        /// Where it stands.
        variable: &'static str,
        /// What is wrong.
        source: InvalidClientKey,
    },
    /// The file can't be read.
    #[error("the client key file {path} can't be read: {cause}")]
    File {
        /// Which.
        path: String,
        /// What the system said.
        cause: String,
    },
}

impl RingOptions {
    /// What `STATOR_ENDPOINT` (one endpoint or several with commas; the demo's first node if it is
    /// not set), `STATOR_CLIENT_KEY` and `STATOR_CLIENT_KEY_FILE` say.
    pub fn from_environment() -> Result<Self, EnvironmentError> {
        let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let text = variable("STATOR_ENDPOINT").unwrap_or_else(|| USUAL_ENDPOINT.to_owned());
        let endpoints = text.split(',').map(|text| text.trim().parse::<Endpoint>());
        let endpoints = endpoints.collect::<Result<Vec<_>, _>>()?;
        let key = match (variable("STATOR_CLIENT_KEY"), variable("STATOR_CLIENT_KEY_FILE")) {
            (Some(text), _) => Some(key("STATOR_CLIENT_KEY", &text)?),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(&path);
                let text = text.map_err(|error| EnvironmentError::File {
                    path: path.clone(),
                    cause: error.to_string(),
                })?;
                Some(key("STATOR_CLIENT_KEY_FILE", &text)?)
            }
            (None, None) => None,
        };
        Ok(Self { endpoints, seeds: Vec::new(), key, coordinators: crate::Coordinators::default() })
    }
}

fn key(variable: &'static str, text: &str) -> Result<ClientKey, EnvironmentError> {
    text.parse().map_err(|source| EnvironmentError::Key { variable, source })
}
