//! The webhook log: every message with its outcome and reason, and one message beside what was read from it.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::{StatusCode, header::LOCATION},
    response::{Html, IntoResponse, Response},
};

use super::cells::{Link, Moment, order_path};
use super::frame::{Frame, Head, Viewer};
use super::order::pretty;
use super::render;
use super::url::UrlQuery;
use crate::card::outcome::Outcome;
use crate::card::parse::labels::Column;
use crate::card::parse::text_form::{self, Line};
use crate::http::AppState;
use crate::http::api::logs::{ListLogs, Logs};
use crate::http::cross_site::SameOrigin;
use crate::http::error::{ApiError, REJECTED, bad_parameter};
use crate::http::query::PathSegment;
use crate::order::Source;
use crate::redact::credentials;
use crate::store::{LogEntry, Total};

#[derive(Template)]
#[template(path = "log.html", config = "src/http/page/askama.toml")]
struct LogPage {
    head: Head,
    frame: Frame,
    query: UrlQuery,
    rows: Vec<LogRow>,
    total: Total,
    next: Option<String>,
}

/// A message in the list.
struct LogRow {
    id: i64,
    at: Moment,
    source: String,
    endpoint: String,
    outcome: String,
    /// The reason, else the beginning of the message.
    note: String,
}

pub(crate) async fn list(
    viewer: Viewer,
    State(state): State<Arc<AppState>>,
    RawQuery(query): RawQuery,
) -> Result<Html<String>, ApiError> {
    let query = UrlQuery::of(query.as_deref());
    let found = Logs::read(&state, query.read::<ListLogs>()?).await?;
    let row = |entry: LogEntry| LogRow {
        id: entry.id,
        at: Moment::of(entry.created_at, state.timezone),
        source: entry.source,
        endpoint: entry.endpoint,
        outcome: entry.outcome,
        note: entry.error_message.unwrap_or_else(|| credentials(&entry.payload).into_owned()),
    };
    render(&LogPage {
        head: viewer.head(),
        frame: viewer.frame("Log", "Log"),
        rows: found.rows.into_iter().map(row).collect(),
        total: found.total,
        next: found.next.map(|id| query.with("before", id).link("/log")),
        query,
    })
}

#[derive(Template)]
#[template(path = "message.html", config = "src/http/page/askama.toml")]
struct MessagePage {
    head: Head,
    frame: Frame,
    entry: LogEntry,
    arrived: Moment,
    raw: String,
    lines: Vec<MarkedLine>,
    /// The orders that the message concerns.
    orders: Vec<Link>,
    /// The requirements of an order, and whether the message meets each. Empty if the message became an order.
    needs: Vec<(&'static str, bool)>,
    may_replay: bool,
}

/// A line of the text form, with the way it was read.
struct MarkedLine {
    text: String,
    kind: &'static str,
    /// The column of a label.
    column: Option<String>,
}

pub(crate) async fn one(
    viewer: Viewer,
    State(state): State<Arc<AppState>>,
    PathSegment(id): PathSegment,
) -> Result<Html<String>, ApiError> {
    let id: i64 = id.parse().map_err(|_| bad_parameter("id", "Not a whole number."))?;
    let entry = state.store.log(id).await?.ok_or(ApiError::NotFound("log entry"))?;
    let orders = state.store.orders_by_ids(&entry.order_ids).await?;
    let link = |order| Link { url: order_path(order), text: order.number.to_string() };
    let text = credentials(&entry.flattened).into_owned();
    render(&MessagePage {
        head: viewer.head(),
        frame: viewer.frame(format!("Message {id}"), "Log"),
        arrived: Moment::of(entry.created_at, state.timezone),
        raw: pretty(&credentials(&entry.payload)),
        lines: marked(&text),
        orders: orders.iter().map(link).collect(),
        needs: if orders.is_empty() { needs(&text) } else { Vec::new() },
        may_replay: entry.emptied_at.is_none() && entry.outcome != Outcome::Duplicate.as_str(),
        entry,
    })
}

/// Reads a message again, and shows it with its new outcome.
pub(crate) async fn replay(
    _: SameOrigin,
    viewer: Viewer,
    State(state): State<Arc<AppState>>,
    PathSegment(id): PathSegment,
) -> Result<Response, ApiError> {
    let id: i64 = id.parse().map_err(|_| bad_parameter("id", "Not a whole number."))?;
    let receipt = state.ingest.replay_one(id, &viewer.actor()).await?;
    receipt.ok_or(ApiError::NotFound("log entry"))?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, format!("/log/{id}"))]).into_response())
}

/// The lines of a text form with the way each was read.
fn marked(text: &str) -> Vec<MarkedLine> {
    let line = |row: text_form::Row<'_>| {
        let (kind, column) = match row.line {
            Line::Heading(_) => ("heading", None),
            Line::Label(label, _) => ("label", Some(format!("{:?}", label.column))),
            Line::UnknownLabel(_) => ("unknown", None),
            Line::Text | Line::Escaped(_) => ("value", None),
        };
        MarkedLine { text: row.raw.to_owned(), kind, column }
    };
    text_form::rows(text).into_iter().map(line).collect()
}

/// The requirements of an order, and whether a text form meets each.
fn needs(text: &str) -> Vec<(&'static str, bool)> {
    let form = text_form::parse(text);
    let has = |column: Column| form.known.iter().any(|known| known.label.column == column);
    vec![
        ("A heading that says what happened, such as Successful Checkout | Store", form.heading.is_some()),
        ("An order number", has(Column::OrderNumber)),
        ("A product", has(Column::Product)),
        ("A price or a total", has(Column::Price) || has(Column::Total)),
    ]
}
