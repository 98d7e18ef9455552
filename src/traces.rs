//! Spans of requests on their way to a collector (OpenTelemetry): none without the feature `otlp`, and
//! none where no collector is named.
//!
//! What is traced, and which spans there are, is the node's to say (`crates/node/src/trace.rs`).

#[cfg(feature = "otlp")]
mod collector;
#[cfg(feature = "otlp")]
mod export;

#[cfg(feature = "otlp")]
pub(crate) use export::Exporter;

#[cfg(not(feature = "otlp"))]
pub(crate) use off::Exporter;

#[cfg(not(feature = "otlp"))]
mod off {
    use std::future::Ready;

    use stator_node::Traces;

    use crate::config::Settings;
    use crate::failure::Failure;

    /// There is none in this build.
    pub(crate) enum Exporter {}

    impl Exporter {
        /// Refuses to go without what was asked for.
        pub(crate) fn start(settings: &Settings) -> Result<Option<Self>, Failure> {
            let Some(endpoint) = &settings.otlp_endpoint else { return Ok(None) };
            Err(Failure::usage(format!(
                "spans of {} of all requests were to be sent to {endpoint}, and this stator was \
                 built without that",
                settings.trace_ratio
            ))
            .try_next(
                "build one that can with `cargo build --release --features otlp`, or leave \
                 otlp_endpoint out",
            ))
        }

        pub(crate) fn traces(&self, _: &Settings) -> Traces {
            match *self {}
        }

        pub(crate) fn finish(self) -> Ready<()> {
            match self {}
        }
    }
}
