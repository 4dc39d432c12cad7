//! The metrics of ROMS for Prometheus: on the main listener with the scope `admin`, or on a listener of their own.

use std::sync::Arc;
use std::time::Duration;

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{Method, header::CONTENT_TYPE},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::get,
};
use chrono::{DateTime, Utc};
use tokio::time::{Instant, timeout};

use super::live::MAX_CLIENTS;
use crate::http::AppState;
use crate::http::error::PageErrors;
use crate::metrics::{self, Metrics, process};
use crate::status::ChannelStatus;

/// Prometheus' text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// How long counting the deliveries may take.
const COUNT_TIMEOUT: Duration = Duration::from_secs(1);
/// The label of requests for a path that ROMS does not have.
const UNKNOWN_ROUTE: &str = "unknown";

/// Read the metrics
///
/// In the text format of Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "Health", operation_id = "metrics",
    responses((status = 200, description = "The metrics", body = String, content_type = "text/plain"), PageErrors)
)]
pub(crate) async fn read(State(state): State<Arc<AppState>>) -> Response {
    measure(&state).await;
    ([(CONTENT_TYPE, TEXT_FORMAT)], state.metrics.render()).into_response()
}

/// The router of a listener that serves nothing but metrics.
pub(crate) fn router(state: Arc<AppState>) -> Router {
    Router::new().route("/metrics", get(read)).with_state(state)
}

/// Sets the metrics that are read when they are asked for.
#[expect(clippy::cast_precision_loss, reason = "Prometheus' values are floats")]
async fn measure(state: &AppState) {
    let AppState { metrics, ingest, store, .. } = state;
    let set = |metric, value: f64| metrics.set(metric, &[], value);
    metrics.set(&metrics::BUILD_INFO, &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    set(&metrics::QUEUE, ingest.waiting() as f64);
    set(&metrics::QUEUE_LIMIT, ingest.limit() as f64);
    set(&metrics::WRITABLE, flag(ingest.outage().is_none()));
    for (pool, usage) in store.connections() {
        let labels = |state| [("pool", pool), ("state", state)];
        metrics.set(&metrics::CONNECTIONS, &labels("used"), usage.used as f64);
        metrics.set(&metrics::CONNECTIONS, &labels("idle"), usage.idle as f64);
        metrics.set(&metrics::CONNECTION_LIMIT, &[("pool", pool)], usage.limit as f64);
    }
    set(&metrics::LIVE_CLIENTS, MAX_CLIENTS.saturating_sub(state.live_clients.available_permits()) as f64);
    if let Some(board) = &state.discord {
        let status = board.snapshot();
        set(&metrics::LEADER, flag(status.leads));
        set(&metrics::GATEWAY_CONNECTED, flag(status.connected));
        metrics.set_total(&metrics::GATEWAY_SESSIONS, status.sessions);
        metrics.set_total(&metrics::BACKFILL, status.history_messages);
        set_time(metrics, &metrics::GATEWAY_EVENT, &[], status.last_event_at);
        if let Some(latency) = status.latency {
            set(&metrics::GATEWAY_LATENCY, latency.as_secs_f64());
        }
        for channel in &status.channels {
            let id = channel.id.to_string();
            let labels = [("channel", id.as_str()), ("name", channel.name.as_str())];
            set_time(metrics, &metrics::CHANNEL_MESSAGE, &labels, channel.read_to);
            set_time(metrics, &metrics::CHANNEL_CHECKED, &labels, channel.checked_at);
            metrics.set(&metrics::CHANNEL_READABLE, &labels, flag(is_readable(channel)));
        }
    }
    // During an outage, the other metrics must still be answered.
    if let Ok(Ok(counts)) = timeout(COUNT_TIMEOUT, store.outbox_counts()).await {
        set(&metrics::OUTBOX_DUE, counts.due as f64);
        set(&metrics::OUTBOX_DEAD, counts.dead as f64);
    }
    process::measure(metrics);
}

fn is_readable(channel: &ChannelStatus) -> bool {
    channel.missing.is_empty() && channel.any_error().is_none()
}

fn flag(is_so: bool) -> f64 {
    if is_so { 1.0 } else { 0.0 }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "Prometheus' values are floats, and times of today are exact to a microsecond"
)]
fn set_time(
    metrics: &Metrics,
    metric: &metrics::Metric,
    labels: &[(&'static str, &str)],
    time: Option<DateTime<Utc>>,
) {
    if let Some(time) = time {
        metrics.set(metric, labels, time.timestamp_micros() as f64 / 1e6);
    }
}

/// Middleware that counts requests and measures their time. It is used only if metrics are on.
pub(crate) async fn count(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let method = known_method(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let started = Instant::now();
    let response = next.run(request).await;
    let route = route.as_ref().map_or(UNKNOWN_ROUTE, MatchedPath::as_str);
    record(&metrics, route, method, response.status().as_str(), started.elapsed());
    response
}

fn record(metrics: &Metrics, route: &str, method: &str, status: &str, time: Duration) {
    metrics.add(&metrics::REQUESTS, &[("route", route), ("method", method), ("status", status)], 1);
    metrics.observe(&metrics::REQUEST_TIMES, &[("route", route), ("method", method)], time.as_secs_f64());
}

/// The name of a method. Clients can make up others, so these share a name.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
