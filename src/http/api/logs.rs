//! The webhook log: every received message and its outcome.

use std::sync::Arc;

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::AppState;
use crate::http::error::{ApiError, ListErrors, REJECTED, ResourceErrors, bad_parameter, logged_status_code};
use crate::http::query::{
    LoggedOutcome, Name, NoParameters, OutcomeName, PathSegment, Query, SourceName, cut_page, row_limit,
};
use crate::order::Source;
use crate::redact::credentials;
use crate::store::{LogEntry, LogFilter, Total};

/// Query parameters of the webhook log.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListLogs {
    /// Number of rows in the answer (default 50)
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// Next page: pass the answer's `next`. Only older rows follow. Also accepted as `before_id`.
    #[serde(alias = "before_id")]
    before: Option<i64>,
    /// Only messages with this outcome
    #[param(inline, value_type = OutcomeName, required = false)]
    outcome: Option<OutcomeName>,
    /// Only messages from this source
    #[param(inline, value_type = SourceName, required = false)]
    source: Option<SourceName>,
}

/// A page of the webhook log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogPage {
    /// Number of rows with this outcome and source on all pages.
    total: u64,
    /// Whether `total` is exact. Counting stops after some thousand rows.
    total_is_exact: bool,
    /// Newest first.
    logs: Vec<LogPreview>,
    /// Largest number of rows on a page.
    limit: u64,
    /// Whether there are older rows.
    has_next: bool,
    /// Pass this as `before` to get the next page; `null` on the last page.
    next: Option<i64>,
    /// The same as `next`, under its older name.
    next_before_id: Option<i64>,
}

/// A row of the log, with the beginning of its payload.
#[derive(Debug, Serialize, ToSchema)]
struct LogPreview {
    #[serde(flatten)]
    row: LogRow,
    /// The first 200 characters of the payload, without the credentials of proxies.
    payload_preview: String,
}

/// A row of the log, with its whole payload.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogDetail {
    #[serde(flatten)]
    row: LogRow,
    /// The message as it was received, without the credentials of proxies. Invalid UTF-8 is replaced.
    payload: String,
    /// The text forms of the cards, from which the orders were read.
    flattened: String,
}

/// The outcome of one message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": 1, "source": "webhook", "endpoint": "/api/v2/webhooks/orders", "method": "POST", "status_code": 200,
    "processed": true, "outcome": "created", "code": null, "error_message": null, "warnings": [],
    "order_ids": [1], "created_at": "2026-01-31T17:56:00Z", "emptied_at": null
}))]
struct LogRow {
    /// Row id.
    id: i64,
    #[schema(inline, value_type = SourceName)]
    source: String,
    /// The path of the request, or the Discord channel.
    endpoint: String,
    /// HTTP method; `null` if the message did not arrive over HTTP.
    method: Option<String>,
    /// HTTP status code of the answer to a plain webhook request; `null` if the message did not arrive over HTTP.
    status_code: Option<u16>,
    /// Whether the message could be read.
    processed: bool,
    #[schema(inline, value_type = OutcomeName)]
    outcome: String,
    /// Why the message was ignored or rejected, for programs.
    code: Option<String>,
    /// Why the message was ignored or rejected, for people.
    error_message: Option<String>,
    /// Values that could not be read.
    warnings: Vec<String>,
    /// Row ids of the orders in the message.
    order_ids: Vec<i64>,
    /// When the message arrived.
    created_at: DateTime<Utc>,
    /// When the payload was deleted, because of its age or because a person's data was removed;
    /// `null` if it is still there.
    emptied_at: Option<DateTime<Utc>>,
}

/// List received messages, newest first
#[utoipa::path(
    get, path = "/api/v2/webhooks/logs", tag = "Webhook", operation_id = "list_logs",
    params(ListLogs),
    responses((status = 200, description = "A page of the log", body = LogPage), ListErrors)
)]
pub(crate) async fn list(
    State(state): State<Arc<AppState>>,
    Query(query): Query<ListLogs>,
) -> Result<Json<LogPage>, ApiError> {
    let Logs { rows, total, limit, next } = Logs::read(&state, query).await?;
    Ok(Json(LogPage {
        total: total.count,
        total_is_exact: total.exact,
        logs: rows.into_iter().map(LogPreview::from).collect(),
        limit,
        has_next: next.is_some(),
        next,
        next_before_id: next,
    }))
}

/// One page of the log, for the API and for the web page.
pub(crate) struct Logs {
    /// Newest first.
    pub(crate) rows: Vec<LogEntry>,
    pub(crate) total: Total,
    limit: u64,
    /// The `before` of the next page.
    pub(crate) next: Option<i64>,
}

impl Logs {
    pub(crate) async fn read(state: &AppState, query: ListLogs) -> Result<Self, ApiError> {
        let limit = row_limit(query.limit)?;
        let filter = LogFilter {
            before_id: query.before,
            outcome: query.outcome.map(|Name(LoggedOutcome(outcome))| outcome.to_owned()),
            source: query.source.map(|Name(source)| source.as_str().to_owned()),
        };
        let found = state.store.logs(&filter, limit + 1).await?;
        let mut rows = found.items;
        let has_next = cut_page(&mut rows, limit);
        let next = rows.last().map(|row| row.id).filter(|_| has_next);
        Ok(Self { rows, total: found.total, limit, next })
    }
}

/// Read one received message
#[utoipa::path(
    get, path = "/api/v2/webhooks/logs/{id}", tag = "Webhook", operation_id = "get_log",
    params(("id" = i64, Path, description = "Row id")),
    responses((status = 200, description = "The row", body = LogDetail), ResourceErrors)
)]
pub(crate) async fn one(
    State(state): State<Arc<AppState>>,
    PathSegment(id): PathSegment,
    _: Query<NoParameters>,
) -> Result<Json<LogDetail>, ApiError> {
    let id = id.parse().map_err(|_| bad_parameter("id", "Not a whole number."))?;
    let entry = state.store.log(id).await?.ok_or(ApiError::NotFound("log entry"))?;
    Ok(Json(entry.into()))
}

impl LogRow {
    /// Splits an entry into the row, its payload and its text form.
    fn split(entry: LogEntry) -> (Self, String, String) {
        let over_http = entry.source == Source::Webhook.as_str();
        // Only refused requests store their method, as `GET /ws`.
        let (method, endpoint) = match entry.endpoint.split_once(' ') {
            Some((method, route)) if over_http => (Some(method.to_owned()), route.to_owned()),
            _ => (over_http.then(|| "POST".to_owned()), entry.endpoint),
        };
        let row = Self {
            method,
            status_code: over_http
                .then(|| logged_status_code(&endpoint, &entry.outcome, entry.code.as_deref()).as_u16()),
            processed: entry.outcome != REJECTED,
            id: entry.id,
            source: entry.source,
            endpoint,
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
        let payload_preview = entry.preview();
        Self { row: LogRow::split(entry).0, payload_preview }
    }
}

impl From<LogEntry> for LogDetail {
    fn from(entry: LogEntry) -> Self {
        let (row, payload, flattened) = LogRow::split(entry);
        let shown = |text: String| credentials(&text).into_owned();
        Self { row, payload: shown(payload), flattened: shown(flattened) }
    }
}
