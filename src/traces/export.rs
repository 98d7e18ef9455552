//! The node's spans as OpenTelemetry's, gathered and sent by a thread of its SDK.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::{
    Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor,
};
use stator_node::{Attribute, Span, SpanName, SpanSink, Traces};
use tokio::runtime::Handle;

use super::collector::Collector;
use crate::config::Settings;
use crate::failure::Failure;

/// How long the last spans may take to be sent when the node stops.
const LAST: Duration = Duration::from_secs(3);
/// What the collector's users may call all nodes together otherwise.
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";

/// Sends spans to a collector.
pub(crate) struct Exporter {
    queue: Arc<BatchSpanProcessor>,
}

impl Exporter {
    /// Starts one, if a collector is named. Must be called within a runtime, which sends.
    pub(crate) fn start(settings: &Settings) -> Result<Option<Self>, Failure> {
        let Some(endpoint) = &settings.otlp_endpoint else { return Ok(None) };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new(Handle::current()))
            .with_endpoint(endpoint)
            .build()
            .map_err(|error| {
                Failure::usage(format!("spans can't be sent to {endpoint}: {error}"))
                    .try_next("check --otlp-endpoint and the OTEL_EXPORTER_OTLP_* variables")
            })?;
        let mut queue = BatchSpanProcessor::builder(exporter).build();
        queue.set_resource(&resource(settings));
        tracing::info!(endpoint, ratio = settings.trace_ratio, "requests are traced");
        Ok(Some(Self { queue: Arc::new(queue) }))
    }

    /// How the node is to trace.
    pub(crate) fn traces(&self, settings: &Settings) -> Traces {
        Traces::new(Sink { queue: Arc::clone(&self.queue), scope: scope() }, settings.trace_ratio)
    }

    /// Sends what has not been sent.
    pub(crate) async fn finish(self) {
        let sending = move || self.queue.shutdown_with_timeout(LAST);
        match tokio::task::spawn_blocking(sending).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last spans were not sent"),
            Err(error) => tracing::warn!(%error, "the last spans were not sent"),
        }
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("stator").with_version(env!("CARGO_PKG_VERSION")).build()
}

/// What is said of the node once, for all its spans.
fn resource(settings: &Settings) -> Resource {
    let known = Resource::builder().with_attributes([
        KeyValue::new("service.instance.id", settings.name.clone()),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
    ]);
    match std::env::var_os(SERVICE_NAME) {
        Some(_) => known.build(),
        None => known.with_service_name("stator").build(),
    }
}

/// Puts spans into the SDK's queue, which drops them where it is full and never waits.
struct Sink {
    queue: Arc<BatchSpanProcessor>,
    scope: InstrumentationScope,
}

impl SpanSink for Sink {
    fn ended(&self, span: Span) {
        self.queue.on_end(translated(span, self.scope.clone()));
    }
}

fn translated(span: Span, instrumentation_scope: InstrumentationScope) -> SpanData {
    let mut links = SpanLinks::default();
    links.links.extend(span.links.into_iter().map(|to| Link::with_context(context(to, true))));
    let attributes = span.attributes.into_iter().map(|(name, value)| match value {
        Attribute::Text(text) => KeyValue::new(name, text),
        Attribute::Number(number) => KeyValue::new(name, number),
    });
    let span_kind = match span.kind {
        stator_node::SpanKind::Server => SpanKind::Server,
        stator_node::SpanKind::Internal => SpanKind::Internal,
    };
    SpanData {
        span_context: context(span.name, false),
        parent_span_id: span
            .parent
            .map_or(SpanId::INVALID, |parent| SpanId::from(parent.span.get())),
        // What is done for somebody else is below a span of somebody else's.
        parent_span_is_remote: span.parent.is_some() && span_kind == SpanKind::Server,
        span_kind,
        name: span.title.into(),
        start_time: span.began,
        end_time: span.ended,
        attributes: attributes.collect(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links,
        status: span.failure.map_or(Status::Unset, Status::error),
        instrumentation_scope,
    }
}

fn context(name: SpanName, is_remote: bool) -> SpanContext {
    let (trace, span) = (TraceId::from(name.trace.get()), SpanId::from(name.span.get()));
    SpanContext::new(trace, span, TraceFlags::SAMPLED, is_remote, TraceState::NONE)
}
