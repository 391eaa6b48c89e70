//! Traces: spans of requests, lanes, jobs and prints, sent to an OpenTelemetry collector when one
//! is named. Without one every span is off, at the cost of a look at a flag.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::http::{HeaderMap, Method, StatusCode};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HeaderExtractor, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Span, Subscriber, field};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

/// How long the collector may take to take a batch.
const WITHIN: Duration = Duration::from_secs(10);

/// Traces being sent; what is left of them goes out when they are ended.
pub(crate) struct Traces(SdkTracerProvider);

impl Traces {
    /// Sends to a collector, as `http://127.0.0.1:4318`. What else there is to set (headers, sampling,
    /// service name) is read from OpenTelemetry's own environment variables.
    ///
    /// # Errors
    /// When the address or one of those is not understood.
    pub(crate) fn start(endpoint: &str) -> Result<Traces, String> {
        let path = "/v1/traces";
        let endpoint = endpoint.trim_end_matches('/').trim_end_matches(path);
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Post::new())
            .with_endpoint(format!("{endpoint}{path}"))
            .with_timeout(WITHIN)
            .build()
            .map_err(|fault| format!("{endpoint}: {fault}"))?;
        let resource = Resource::builder();
        let resource = match std::env::var_os("OTEL_SERVICE_NAME") {
            Some(_) => resource,
            None => resource.with_service_name("ledgerbee"),
        };
        let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = resource.with_attribute(version).build();
        Ok(Traces(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build()))
    }

    /// What hands our spans, and nothing else, to the collector.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'s> LookupSpan<'s>,
    {
        let layer = tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("ledgerbee"))
            .with_location(false)
            .with_threads(false)
            .with_target(false);
        layer.with_filter(Targets::new().with_target("spans", tracing::Level::TRACE))
    }

    /// Sends what is left.
    pub(crate) fn end(&self) {
        if let Err(fault) = self.0.shutdown_with_timeout(WITHIN) {
            tracing::warn!(%fault, "the last traces were not sent");
        }
    }
}

/// The span of a request, in the trace of its `traceparent` if it carries one.
pub(crate) fn request(method: &Method, route: &'static str, headers: &HeaderMap) -> Span {
    let span = tracing::trace_span!(
        target: "spans",
        parent: None,
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = field::Empty,
        http.request.method = method.as_str(),
        http.route = route,
        http.response.status_code = field::Empty,
    );
    if !span.is_disabled() {
        // It fails only where nobody traces.
        let _ = span.set_parent(TraceContextPropagator::new().extract(&HeaderExtractor(headers)));
    }
    span
}

/// Writes on a request's span what it was answered.
pub(crate) fn answered(span: &Span, status: StatusCode) {
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
}

/// Brings batches to the collector, on the exporter's own thread, which may wait.
#[derive(Debug)]
struct Post {
    agent: ureq::Agent,
    is_well: AtomicBool,
}

impl Post {
    fn new() -> Post {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(WITHIN));
        Post { agent: config.build().new_agent(), is_well: AtomicBool::new(true) }
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ureq::Error> {
        let (parts, body) = self.agent.run(request.map(|body| body.to_vec()))?.into_parts();
        Ok(Response::from_parts(parts, body.into_with_config().read_to_vec()?.into()))
    }

    /// Says it once when traces begin to be lost, and once when they no longer are.
    fn say(&self, fault: Option<String>) {
        let was_well = self.is_well.swap(fault.is_none(), Ordering::Relaxed);
        match fault {
            Some(fault) if was_well => tracing::warn!(fault, "the collector does not take the traces"),
            None if !was_well => tracing::info!("the collector takes the traces again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Post {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.send(request);
        self.say(match &answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(answer.status().to_string()),
            Err(fault) => Some(fault.to_string()),
        });
        Ok(answer?)
    }
}
