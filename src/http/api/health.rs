//! Health: whether ROMS accepts orders, for people and for supervisors.

use std::sync::Arc;
use std::time::Duration;

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::clock::now;
use crate::http::AppState;
use crate::http::auth::Caller;
use crate::status::{ChannelStatus, DiscordStatus};
use crate::store::StoreError;
use crate::token::Scope;

/// The longest time that the database may take to answer.
const PING_TIMEOUT: Duration = Duration::from_secs(1);
/// The role of a process that takes over when the leader ends.
const STANDBY: &str = "standby";

/// The health of ROMS.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "status": "healthy", "version": "1.0.0", "checks": {"database": {"status": "up", "latency_ms": 0.12, "since": null, "cause": null},
        "outbox": {"due": 0, "dead": 0}}
}))]
pub(crate) struct Health {
    /// `healthy`; `degraded` if orders are accepted but Discord is not read completely;
    /// `unhealthy` if no orders are accepted.
    pub(crate) status: &'static str,
    /// Version of ROMS.
    pub(crate) version: &'static str,
    pub(crate) checks: Checks,
}

/// The parts of ROMS that are checked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Checks {
    pub(crate) database: DatabaseCheck,
    /// Absent if ROMS does not watch Discord.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) discord: Option<DiscordCheck>,
    /// `null` if the database does not answer.
    pub(crate) outbox: Option<OutboxCheck>,
}

/// The events and cards that are to be sent to others.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OutboxCheck {
    /// How many wait or are being sent.
    pub(crate) due: i64,
    /// How many could not be sent, and are not tried any more.
    pub(crate) dead: i64,
}

/// The state of the database.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DatabaseCheck {
    /// `up` or `down`.
    pub(crate) status: &'static str,
    /// How long the database took to answer, in milliseconds; `null` if it did not answer.
    pub(crate) latency_ms: Option<f64>,
    /// Since when ROMS cannot store messages; `null` if it can.
    pub(crate) since: Option<DateTime<Utc>>,
    /// Why the database is down; `null` if it is up, and without a token, where tokens are required.
    pub(crate) cause: Option<String>,
}

/// The state of the connection to Discord.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DiscordCheck {
    /// `leader`: this process watches Discord. `standby`: it does not, and takes over when no other
    /// process on the same database does.
    pub(crate) role: &'static str,
    /// Whether the gateway session is up.
    pub(crate) connected: bool,
    /// When the last gateway event arrived.
    pub(crate) last_event_at: Option<DateTime<Utc>>,
    /// Time between a heartbeat and its answer, in milliseconds.
    pub(crate) latency_ms: Option<f64>,
    /// Why ROMS stopped connecting to Discord; `null` if it did not.
    pub(crate) given_up: Option<String>,
    /// The watched channels. Empty without a token, where tokens are required.
    pub(crate) channels: Vec<ChannelCheck>,
}

/// The state of a watched channel.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChannelCheck {
    /// Channel id, as text because it is too large for a JavaScript number.
    pub(crate) id: String,
    /// Name in the configuration.
    pub(crate) name: String,
    /// Age, in seconds, of the newest message up to which everything is stored.
    pub(crate) cursor_age_seconds: Option<i64>,
    /// When ROMS last read the channel's history to its end.
    pub(crate) checked_at: Option<DateTime<Utc>>,
    /// Permissions that the bot lacks.
    pub(crate) missing_permissions: Vec<&'static str>,
    /// Why the channel, or a thread in it, cannot be read; `null` if everything can.
    pub(crate) error: Option<String>,
    /// How many threads are watched that are not archived; `null` if threads are not watched.
    pub(crate) active_threads: Option<usize>,
}

/// A status in one word.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatusBody {
    /// `alive`, `ready` or `not_ready`.
    #[schema(example = "ready")]
    status: &'static str,
}

/// Show the health of ROMS
#[utoipa::path(
    get, path = "/health", tag = "Health", operation_id = "health",
    responses(
        (status = 200, description = "ROMS accepts orders", body = Health),
        (status = 503, description = "The database does not answer, or accepts no messages", body = Health, example = json!({
            "status": "unhealthy", "version": "1.0.0", "checks": {"database": {
                "status": "down", "latency_ms": null, "since": "2026-01-31T12:00:00Z",
                "cause": "the database does not answer"
            }, "outbox": null}
        })),
    )
)]
pub(crate) async fn health(State(state): State<Arc<AppState>>, caller: Caller) -> (StatusCode, Json<Health>) {
    let (code, mut health) = check(&state).await;
    // This route needs no token, so only a token that may read shows the names of channels and servers.
    if state.auth.is_required() && !(caller.token().is_some() && caller.may(Scope::Read)) {
        health.checks.database.cause = None;
        if let Some(discord) = &mut health.checks.discord {
            discord.channels.clear();
        }
    }
    (code, Json(health))
}

/// The health of ROMS, and the status code of the answer.
pub(crate) async fn check(state: &AppState) -> (StatusCode, Health) {
    let pinged = ping(state).await;
    let discord = state.discord.as_ref().map(|board| DiscordCheck::new(board.snapshot(), now()));
    let degraded = discord.as_ref().is_some_and(DiscordCheck::is_degraded);
    let (code, status) = match pinged {
        Ok(_) if degraded => (StatusCode::OK, "degraded"),
        Ok(_) => (StatusCode::OK, "healthy"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "unhealthy"),
    };
    let database = match &pinged {
        Ok(latency) => {
            DatabaseCheck { status: "up", latency_ms: Some(milliseconds(*latency)), since: None, cause: None }
        }
        Err(Down { since, cause }) => {
            DatabaseCheck { status: "down", latency_ms: None, since: *since, cause: Some(cause.clone()) }
        }
    };
    let outbox = match &pinged {
        Ok(_) => outbox(state).await,
        Err(_) => None,
    };
    let checks = Checks { database, discord, outbox };
    (code, Health { status, version: env!("CARGO_PKG_VERSION"), checks })
}

/// Check that the process runs
#[utoipa::path(
    get, path = "/health/live", tag = "Health", operation_id = "health_live",
    responses((status = 200, description = "The process runs", body = StatusBody))
)]
pub(crate) async fn live() -> Json<StatusBody> {
    Json(StatusBody { status: "alive" })
}

/// Check that ROMS accepts orders
#[utoipa::path(
    get, path = "/health/ready", tag = "Health", operation_id = "health_ready",
    responses(
        (status = 200, description = "ROMS accepts orders", body = StatusBody),
        (status = 503, description = "The database does not answer or accepts no messages, or ROMS is shutting down", body = StatusBody,
            example = json!({"status": "not_ready"})),
    )
)]
pub(crate) async fn ready(State(state): State<Arc<AppState>>) -> (StatusCode, Json<StatusBody>) {
    if !state.closing.is_cancelled() && ping(&state).await.is_ok() {
        (StatusCode::OK, Json(StatusBody { status: "ready" }))
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, Json(StatusBody { status: "not_ready" }))
    }
}

/// Why the database is down, and since when ROMS cannot store messages.
struct Down {
    since: Option<DateTime<Utc>>,
    cause: String,
}

/// How long the database took to answer. The cause is not logged here, because supervisors ask every few
/// seconds; whoever needed the database logs it. A database that accepts no messages counts as down even if
/// it can be read, because ROMS cannot store orders.
async fn ping(state: &AppState) -> Result<Duration, Down> {
    if let Some(outage) = state.ingest.outage() {
        return Err(Down { since: Some(outage.since), cause: outage.cause });
    }
    let pinged = timeout(PING_TIMEOUT, state.store.ping()).await.unwrap_or(Err(StoreError::Silent));
    pinged.map_err(|error| Down { since: None, cause: error.to_string() })
}

async fn outbox(state: &AppState) -> Option<OutboxCheck> {
    let counts = timeout(PING_TIMEOUT, state.store.outbox_counts()).await.ok()?.ok()?;
    Some(OutboxCheck { due: counts.due, dead: counts.dead })
}

/// Milliseconds, rounded to the microsecond.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

impl DiscordCheck {
    fn new(status: DiscordStatus, now: DateTime<Utc>) -> Self {
        Self {
            role: if status.leads { "leader" } else { STANDBY },
            connected: status.connected,
            last_event_at: status.last_event_at,
            latency_ms: status.latency.map(milliseconds),
            given_up: status.given_up,
            channels: status.channels.into_iter().map(|channel| ChannelCheck::new(channel, now)).collect(),
        }
    }

    /// Whether Discord may hold cards that ROMS has not read.
    fn is_degraded(&self) -> bool {
        let unread =
            |channel: &ChannelCheck| channel.error.is_some() || !channel.missing_permissions.is_empty();
        self.role != STANDBY
            && (!self.connected || self.given_up.is_some() || self.channels.iter().any(unread))
    }
}

impl ChannelCheck {
    fn new(channel: ChannelStatus, now: DateTime<Utc>) -> Self {
        Self {
            id: channel.id.to_string(),
            error: channel.any_error().map(str::to_owned),
            name: channel.name,
            cursor_age_seconds: channel.read_to.map(|read_to| (now - read_to).num_seconds().max(0)),
            checked_at: channel.checked_at,
            missing_permissions: channel.missing,
            active_threads: channel.threads.map(|threads| threads.active),
        }
    }
}
