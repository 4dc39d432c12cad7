//! Replay: reads messages of the webhook log again, like `roms replay` and the button in Discord.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::webhook::CardBody;
use crate::card::outcome::Outcome;
use crate::http::AppState;
use crate::http::auth::Caller;
use crate::http::cross_site::SameOrigin;
use crate::http::error::{ApiError, ReplayAllErrors, ReplayErrors, bad_parameter};
use crate::http::query::{Name, Named, NoParameters, PathSegment, Query, read_time};
use crate::ingest::{ReplayFilter, ReplaySummary};
use crate::order::dates::DayEdge;

/// The result of one message that was read again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "log_id": 1,
    "cards": [{"order_id": 1, "order_number": "BBY01-807102506907", "outcome": "created", "warnings": []}]
}))]
pub(crate) struct Replayed {
    /// The row in `/api/v2/webhooks/logs`, which has the new outcome.
    log_id: i64,
    /// The outcome of each card.
    cards: Vec<CardBody>,
}

/// Read one message again
///
/// Reads a row of the log with the parser of today. The row keeps its time, so that a replay never overwrites newer
/// facts, and replaying twice changes nothing.
#[utoipa::path(
    post, path = "/api/v2/webhooks/logs/{id}/replay", tag = "Webhook", operation_id = "replay_log",
    params(("id" = i64, Path, description = "Row id")),
    responses((status = 200, description = "The outcome of each card", body = Replayed), ReplayErrors)
)]
pub(crate) async fn one(
    _: SameOrigin,
    caller: Caller,
    State(state): State<Arc<AppState>>,
    PathSegment(id): PathSegment,
    _: Query<NoParameters>,
) -> Result<Json<Replayed>, ApiError> {
    let id = id.parse().map_err(|_| bad_parameter("id", "Not a whole number."))?;
    let receipt =
        state.ingest.replay_one(id, &caller.actor()).await?.ok_or(ApiError::NotFound("log entry"))?;
    Ok(Json(Replayed { log_id: id, cards: receipt.cards.into_iter().map(CardBody::from).collect() }))
}

/// Which outcomes to replay; `None` for all.
#[derive(Debug)]
pub(crate) struct Replayable(Option<&'static str>);

impl Named for Replayable {
    fn all() -> impl Iterator<Item = (&'static str, Self)> {
        // Duplicates are never replayed.
        let names = Outcome::NAMES.into_iter().filter(|name| *name != Outcome::Duplicate.as_str());
        names.map(|name| (name, Self(Some(name)))).chain([("all", Self(None))])
    }
}

type ReplayableName = Name<Replayable>;

/// Query parameters of the replay.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayLogs {
    /// Only messages with this outcome, or `all` (default: `rejected`)
    #[param(inline, value_type = ReplayableName, required = false)]
    outcome: Option<ReplayableName>,
    /// Only messages that arrived on or after this date, or at or after this time (RFC 3339)
    since: Option<String>,
    /// Whether to store nothing and only count what would happen (default: false)
    dry_run: Option<bool>,
}

/// The result of a replay. `read` counts messages, the others count their cards.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReplayResult {
    /// Whether nothing was stored.
    dry_run: bool,
    /// Messages that were read again.
    read: u64,
    /// Cards that created an order.
    created: u64,
    /// Cards that changed an order.
    updated: u64,
    /// Cards that said nothing new.
    unchanged: u64,
    /// Cards that are not orders.
    ignored: u64,
    /// Cards that cannot be read.
    rejected: u64,
    /// Numbers of the orders that were cancelled, because no message reads as the order any more.
    cancelled: Vec<String>,
}

/// Read many messages again
///
/// Reads the matching rows of the log again, oldest first, and answers when all are stored. It goes on if the client
/// disconnects, and ends when ROMS shuts down; what was read until then is stored.
#[utoipa::path(
    post, path = "/api/v2/webhooks/logs/replay", tag = "Webhook", operation_id = "replay_logs",
    params(ReplayLogs),
    responses((status = 200, description = "What happened to the cards", body = ReplayResult), ReplayAllErrors)
)]
pub(crate) async fn many(
    _: SameOrigin,
    caller: Caller,
    State(state): State<Arc<AppState>>,
    Query(ReplayLogs { outcome, since, dry_run }): Query<ReplayLogs>,
) -> Result<Json<ReplayResult>, ApiError> {
    let outcome = outcome.map_or(Some("rejected"), |Name(Replayable(outcome))| outcome);
    let filter = ReplayFilter {
        outcome: outcome.map(str::to_owned),
        since: read_time("since", since.as_deref(), state.timezone, DayEdge::Start)?,
    };
    let dry_run = dry_run.unwrap_or(false);
    let replay = {
        let actor = caller.actor();
        let state = Arc::clone(&state);
        async move {
            let replay = state.ingest.replay(&filter, dry_run, &actor, |_| ());
            state.closing.run_until_cancelled(replay).await
        }
    };
    let summary = state.run_to_end(replay).await?.ok_or(ApiError::Closing)??;
    let ReplaySummary { total: _, read, created, updated, unchanged, ignored, rejected, cancelled } = summary;
    let cancelled = cancelled.iter().map(ToString::to_string).collect();
    Ok(Json(ReplayResult { dry_run, read, created, updated, unchanged, ignored, rejected, cancelled }))
}
