//! Logs on stderr: text for people, JSON for machines.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::LogFormat;
use crate::failure::Failure;

/// Starts logging what the filter lets through, for the whole process.
pub(crate) fn start(filter: &str, format: LogFormat) -> Result<(), Failure> {
    let filter: EnvFilter = filter.parse().map_err(|error| {
        Failure::usage(format!("log can't be {filter:?}: {error}"))
            .try_next("write a tracing filter, such as info or info,stator_node=debug")
    })?;
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(stderr);
    let started = match format {
        LogFormat::Text => {
            registry.with(layer.with_ansi(stderr().is_terminal()).with_target(false)).try_init()
        }
        LogFormat::Json => registry.with(layer.json()).try_init(),
    };
    started.map_err(|error| Failure::new(format!("logging can't be started: {error}")))
}
