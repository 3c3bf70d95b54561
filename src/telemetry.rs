//! Logs, request ids and metrics.
mod json;
mod lines;

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _};
use anyhow::Context as _;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing::Instrument as _;
use tracing_subscriber::EnvFilter;

use self::json::Json;
use self::lines::Lines;
pub use self::lines::WriteAtEnd;
use crate::config::{Config, LogFormat};

/// Seconds; from a point read to a slow report.
const BUCKETS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Sends log lines to standard error. Keep what is returned until the program ends: dropping it writes what still waits.
/// Fails when `log` is not a filter, or logging was set up before.
pub fn init_logs(config: &Config) -> anyhow::Result<WriteAtEnd> {
    let filter = EnvFilter::try_new(&config.log).context("log is not a log filter")?;
    // It would write down what is said to the mail server, the password too.
    let filter = filter.add_directive("async_imap=off".parse()?);
    let (lines, at_end) = Lines::to(std::io::stderr())?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(lines);
    let started = match config.log_format {
        LogFormat::Json => logs.event_format(Json).fmt_fields(Json).try_init(),
        LogFormat::Text => logs.try_init(),
    };
    started.map_err(|e| anyhow::anyhow!("logging could not start: {e}"))?;
    Ok(at_end)
}

/// The recorder behind `/metrics`; one in a process.
pub fn init_metrics() -> anyhow::Result<PrometheusHandle> {
    static HANDLE: std::sync::Mutex<Option<PrometheusHandle>> = std::sync::Mutex::new(None);
    let mut handle =
        HANDLE.lock().map_err(|_| anyhow::anyhow!("metrics failed to start before"))?;
    if let Some(handle) = handle.as_ref() {
        return Ok(handle.clone());
    }
    let seconds = Matcher::Suffix("_seconds".into());
    let recorder = PrometheusBuilder::new().set_buckets_for_metric(seconds, BUCKETS)?;
    let handle = handle.insert(recorder.install_recorder()?);
    describe();
    Ok(handle.clone())
}

fn describe() {
    metrics::describe_histogram!("http_request_duration_seconds", "From request to answer");
    metrics::describe_gauge!("db_connections", "Open database connections of this process");
    metrics::describe_gauge!("db_connections_idle", "Open database connections without work");
    metrics::describe_histogram!("mirror_lag_seconds", "From a change to its case");
    metrics::describe_counter!("mirror_failures_total", "Attempts at a mirror that failed");
    metrics::describe_counter!(
        "mirror_poll_failures_total",
        "Looks for changes in a CRM that failed"
    );
    metrics::describe_gauge!("mirror_backlog", "Mirrors with something to be done");
    metrics::describe_gauge!("mirror_parked", "Mirrors that wait for somebody");
    metrics::describe_gauge!("mirror_behind_seconds", "Since when the oldest change waits");
    metrics::describe_gauge!("mirror_outage", "1 while a CRM is taken to be away");
    metrics::describe_counter!("mail_attempts_total", "Attempts to send a mail, by how they ended");
    metrics::describe_gauge!("mail_waiting", "Mails that are not sent, by state");
    metrics::describe_gauge!("mail_behind_seconds", "How long the oldest queued mail waits");
    metrics::describe_gauge!("build_info", "1, labelled with the version that runs");
    metrics::gauge!("build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

/// Identifies a request in the answer, in problem documents and in every log line about it.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// The name of the header that carries it.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Middleware: takes or makes the request id, opens the span, logs and counts the answer.
pub async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let given = request.headers().get(REQUEST_ID).and_then(|v| v.to_str().ok());
    let id = given.filter(|id| acceptable(id)).map_or_else(new_request_id, str::to_owned);
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    let span = tracing::info_span!(
        "request",
        request_id = id,
        method = method.as_str(),
        path = loggable(request.path())
    );
    let started = Instant::now();
    let mut response = next.call(request).instrument(span.clone()).await?;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let (elapsed, status) = (started.elapsed(), response.status().as_u16());
    // The pattern, not the path: a label for each ticket would never end.
    let route = response.request().match_pattern().unwrap_or_else(|| "unmatched".into());
    let labels = [("method", method.to_string()), ("route", route), ("status", status.to_string())];
    metrics::histogram!("http_request_duration_seconds", &labels).record(elapsed);
    span.in_scope(|| {
        tracing::info!(status, elapsed_ms = elapsed.as_secs_f64() * 1000.0, "answered");
    });
    Ok(response)
}

/// A customer's link is a secret, and it is in the path.
fn loggable(path: &str) -> &str {
    if path.starts_with("/s/") { "/s/..." } else { path }
}

/// A client's own id is taken when it is short and printable, so that it cannot forge log lines.
fn acceptable(id: &str) -> bool {
    !id.is_empty() && id.len() <= 128 && id.bytes().all(|b| b.is_ascii_graphic())
}

fn new_request_id() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}
