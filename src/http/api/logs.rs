//! Reading the log of what came in.

use std::sync::Arc;

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::card::outcome::Outcome;
use crate::http::AppState;
use crate::http::error::{ApiError, ListErrors, REJECTED, ResourceErrors, logged_status_code};
use crate::http::query::{Params, Segment, bad_parameter};
use crate::order::Source;
use crate::store::{LogEntry, LogFilter};

const LIMIT: i64 = 50;
const MAX_LIMIT: i64 = 200;

/// A stretch of the log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogPage {
    /// How many rows of that outcome and source there are in all.
    total: u64,
    /// Newest first.
    logs: Vec<LogPreview>,
    /// The `before_id` that goes on from here; `null` at the end.
    next_before_id: Option<i64>,
}

/// A row of the log, with the start of its payload.
#[derive(Debug, Serialize, ToSchema)]
struct LogPreview {
    #[serde(flatten)]
    row: LogRow,
    /// The first 200 characters of what came in.
    payload_preview: String,
}

/// A row of the log, whole.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogWhole {
    #[serde(flatten)]
    row: LogRow,
    /// What came in, invalid UTF-8 replaced.
    payload: String,
    /// The text forms of its cards, which is what was read.
    flattened: String,
}

/// What became of one message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": 1, "source": "webhook", "endpoint": "/api/v2/webhooks/orders", "method": "POST", "status_code": 200,
    "processed": true, "outcome": "created", "code": null, "error_message": null, "warnings": [],
    "order_ids": [1], "created_at": "2026-01-31T17:56:00Z", "emptied_at": null
}))]
struct LogRow {
    /// Row id.
    id: i64,
    /// `webhook`, `discord_bot` or `manual_upload`.
    source: String,
    /// Path that it was posted to, or the channel.
    endpoint: String,
    /// Method that it was posted with; `null` where it was not posted.
    method: Option<&'static str>,
    /// Status that it was answered with; `null` where it was not posted.
    status_code: Option<u16>,
    /// Whether it could be read.
    processed: bool,
    /// `created`, `updated`, `unchanged`, `duplicate`, `ignored` or `rejected`.
    outcome: String,
    /// Why it was ignored or rejected, for programs.
    code: Option<String>,
    /// The same for people.
    error_message: Option<String>,
    /// What could not be read right.
    warnings: Vec<String>,
    /// Row ids of the orders concerned.
    order_ids: Vec<i64>,
    /// When it came in.
    created_at: DateTime<Utc>,
    /// When its text was emptied, because of its age or because a person was removed; `null` where
    /// it is whole.
    emptied_at: Option<DateTime<Utc>>,
}

/// Lists what came in, newest first
#[utoipa::path(
    get, path = "/api/v2/webhooks/logs", tag = "webhook", operation_id = "list_logs",
    params(
        ("limit" = Option<u64>, Query, description = "At most so many rows, 50 unless told", minimum = 1, maximum = 200, example = 10),
        ("before_id" = Option<i64>, Query, description = "Only rows older than this one"),
        ("outcome" = Option<String>, Query, description = "Only of this outcome", example = "rejected"),
        ("source" = Option<String>, Query, description = "Only from this source", example = "webhook"),
    ),
    responses((status = 200, description = "A stretch of the log", body = LogPage), ListErrors)
)]
pub(crate) async fn list(
    State(state): State<Arc<AppState>>,
    params: Params,
) -> Result<Json<LogPage>, ApiError> {
    let limit = params.clamped("limit", 1, MAX_LIMIT)?.unwrap_or(LIMIT).unsigned_abs();
    let filter = LogFilter {
        before_id: params.clamped("before_id", 0, i64::MAX)?,
        outcome: params.one_of("outcome", Outcome::NAMES)?.map(str::to_owned),
        source: params.one_of("source", Source::ALL.map(Source::as_str))?.map(str::to_owned),
    };
    // One row more than asked for tells whether any follow.
    let found = state.store.logs(&filter, limit + 1).await?;
    let has_more = found.items.len() as u64 > limit;
    let logs: Vec<_> =
        found.items.into_iter().zip(0..limit).map(|(entry, _)| LogPreview::from(entry)).collect();
    let next_before_id = logs.last().filter(|_| has_more).map(|last| last.row.id);
    Ok(Json(LogPage { total: found.total, logs, next_before_id }))
}

/// One row of the log, whole
#[utoipa::path(
    get, path = "/api/v2/webhooks/logs/{id}", tag = "webhook", operation_id = "get_log",
    params(("id" = i64, Path, description = "Row id", example = 1)),
    responses((status = 200, description = "The row", body = LogWhole), ResourceErrors)
)]
pub(crate) async fn one(
    State(state): State<Arc<AppState>>,
    Segment(id): Segment,
) -> Result<Json<LogWhole>, ApiError> {
    let id = id.parse().map_err(|_| bad_parameter("id", "A whole number."))?;
    let entry = state.store.log(id).await?.ok_or(ApiError::NotFound("log entry"))?;
    Ok(Json(entry.into()))
}

impl LogRow {
    /// The row, its payload and its text form.
    fn split(entry: LogEntry) -> (Self, String, String) {
        let is_posted = entry.source == Source::Webhook.as_str();
        let row = Self {
            method: is_posted.then_some("POST"),
            status_code: is_posted
                .then(|| logged_status_code(&entry.outcome, entry.code.as_deref()).as_u16()),
            processed: entry.outcome != REJECTED,
            id: entry.id,
            source: entry.source,
            endpoint: entry.endpoint,
            outcome: entry.outcome,
            code: entry.code,
            error_message: entry.error_message,
            warnings: entry.warnings,
            order_ids: entry.order_ids,
            created_at: entry.created_at,
            emptied_at: entry.emptied_at,
        };
        (row, entry.payload, entry.flattened)
    }
}

impl From<LogEntry> for LogPreview {
    fn from(entry: LogEntry) -> Self {
        let (row, payload_preview, _) = LogRow::split(entry);
        Self { row, payload_preview }
    }
}

impl From<LogEntry> for LogWhole {
    fn from(entry: LogEntry) -> Self {
        let (row, payload, flattened) = LogRow::split(entry);
        Self { row, payload, flattened }
    }
}
