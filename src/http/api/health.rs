//! Whether ROMS is well, for people and for what watches over it.

use std::sync::Arc;
use std::time::Duration;

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::discord_health::DiscordCheck;
use crate::http::{AppState, now};

/// How long the database may take to answer.
const PING_TIME: Duration = Duration::from_secs(1);

/// How ROMS is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "status": "healthy", "version": "0.1.0", "checks": {"database": {"status": "up", "latency_ms": 0.12}}
}))]
pub(crate) struct Health {
    /// `healthy`; `degraded` where orders are taken but Discord is not read in full;
    /// `unhealthy` where no order is taken.
    status: &'static str,
    /// Version of ROMS.
    version: &'static str,
    /// What was looked at.
    checks: Checks,
}

/// What was looked at.
#[derive(Debug, Serialize, ToSchema)]
struct Checks {
    database: DatabaseCheck,
    /// Only where Discord is watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    discord: Option<DiscordCheck>,
}

/// How the database is.
#[derive(Debug, Serialize, ToSchema)]
struct DatabaseCheck {
    /// `up` or `down`.
    status: &'static str,
    /// How long it took to answer, in milliseconds; `null` where it did not.
    latency_ms: Option<f64>,
}

/// One word on how ROMS is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Word {
    /// `alive`, `ready` or `not_ready`.
    #[schema(example = "ready")]
    status: &'static str,
}

/// How ROMS is
#[utoipa::path(
    get, path = "/health", tag = "health", operation_id = "health",
    responses(
        (status = 200, description = "All is well", body = Health),
        (status = 503, description = "The database does not answer, or takes no messages", body = Health, example = json!({
            "status": "unhealthy", "version": "0.1.0", "checks": {"database": {"status": "down", "latency_ms": null}}
        })),
    )
)]
pub(crate) async fn health(State(state): State<Arc<AppState>>) -> (StatusCode, Json<Health>) {
    let latency = ping(&state).await;
    let discord = state.discord.as_ref().map(|board| DiscordCheck::new(board.snapshot(), now()));
    let degraded = discord.as_ref().is_some_and(DiscordCheck::is_degraded);
    let (code, status, database) = match latency {
        Some(_) if degraded => (StatusCode::OK, "degraded", "up"),
        Some(_) => (StatusCode::OK, "healthy", "up"),
        None => (StatusCode::SERVICE_UNAVAILABLE, "unhealthy", "down"),
    };
    let latency_ms = latency.map(milliseconds);
    let checks = Checks { database: DatabaseCheck { status: database, latency_ms }, discord };
    (code, Json(Health { status, version: env!("CARGO_PKG_VERSION"), checks }))
}

/// Whether the process runs
#[utoipa::path(
    get, path = "/health/live", tag = "health", operation_id = "health_live",
    responses((status = 200, description = "It does", body = Word))
)]
pub(crate) async fn live() -> Json<Word> {
    Json(Word { status: "alive" })
}

/// Whether ROMS takes orders
#[utoipa::path(
    get, path = "/health/ready", tag = "health", operation_id = "health_ready",
    responses(
        (status = 200, description = "It does", body = Word),
        (status = 503, description = "The database does not answer or takes no messages, or ROMS is shutting down", body = Word,
            example = json!({"status": "not_ready"})),
    )
)]
pub(crate) async fn ready(State(state): State<Arc<AppState>>) -> (StatusCode, Json<Word>) {
    if !state.closing.is_cancelled() && ping(&state).await.is_some() {
        (StatusCode::OK, Json(Word { status: "ready" }))
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, Json(Word { status: "not_ready" }))
    }
}

/// Milliseconds, to the microsecond.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// How long the database took to answer; `None` where it did not in time. Why not is for the
/// log of whoever needed an answer: this is asked every few seconds. While it takes no messages it
/// is down, although it may still be read from: reading alone stores no order.
async fn ping(state: &AppState) -> Option<Duration> {
    if state.ingest.is_failing() {
        return None;
    }
    timeout(PING_TIME, state.store.ping()).await.ok()?.ok()
}
