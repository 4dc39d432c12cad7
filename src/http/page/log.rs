//! The webhook log: every message with its outcome and reason, and one message beside what was read from it.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::{Html, IntoResponse, Redirect, Response},
};

use super::cells::{Link, Moment, order_path, path_of};
use super::frame::{Frame, Head, Viewer};
use super::order::pretty;
use super::render;
use super::url::UrlQuery;
use crate::card::outcome::{CardOutcome, Outcome};
use crate::card::parse::labels::Column;
use crate::card::parse::text_form::{self, Line};
use crate::http::AppState;
use crate::http::api::logs::{ListLogs, Logs};
use crate::http::cross_site::SameOrigin;
use crate::http::error::{ApiError, REJECTED, bad_parameter};
use crate::http::query::PathSegment;
use crate::order::{OrderNumber, Source};
use crate::redact::credentials;
use crate::store::{LogEntry, Total};

/// The parameter with the newest message in the reader's list. The answer is empty if there is no newer one.
const SEEN: &str = "seen";

#[derive(Template)]
#[template(path = "log.html", config = "src/http/page/askama.toml")]
struct LogPage {
    head: Head,
    frame: Frame,
    query: UrlQuery,
    rows: Vec<LogRow>,
    total: Total,
    next: Option<String>,
    /// The URL that the page polls for newer messages; `None` if the list is not the first page.
    newer: Option<String>,
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
) -> Result<Response, ApiError> {
    let query = UrlQuery::of(query.as_deref());
    let (seen, query) = (query.get(SEEN).to_owned(), query.without(&[SEEN]));
    let found = Logs::read(&state, query.read::<ListLogs>()?).await?;
    let newest = found.rows.first().map_or(0, |entry| entry.id).to_string();
    if seen == newest {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let is_first_page = query.get("before").is_empty();
    let row = |entry: LogEntry| LogRow {
        note: entry.error_message.clone().unwrap_or_else(|| entry.preview()),
        id: entry.id,
        at: Moment::of(entry.created_at, state.timezone),
        source: entry.source,
        endpoint: entry.endpoint,
        outcome: entry.outcome,
    };
    render(&LogPage {
        head: viewer.head(),
        frame: viewer.frame("Log", "Log"),
        rows: found.rows.into_iter().map(row).collect(),
        total: found.total,
        next: found.next.map(|id| query.with("before", id).link("/log")),
        newer: is_first_page.then(|| query.with(SEEN, newest).link("/log")),
        query,
    })
    .map(IntoResponse::into_response)
}

#[derive(Template)]
#[template(path = "message.html", config = "src/http/page/askama.toml")]
struct MessagePage {
    head: Head,
    frame: Frame,
    entry: LogEntry,
    arrived: Moment,
    raw: Vec<Part>,
    lines: Vec<MarkedLine>,
    /// The orders that the message concerns.
    orders: Vec<Link>,
    /// The requirements of an order, and whether the message meets each. Empty if the message became an order.
    needs: Vec<(&'static str, bool)>,
    may_replay: bool,
    /// The result of a replay, one for each card. `None` if the message was only opened.
    replayed: Option<Vec<Replayed>>,
}

/// A card that was read again.
struct Replayed {
    outcome: &'static str,
    order: Option<Link>,
    reason: Option<String>,
}

impl From<CardOutcome> for Replayed {
    fn from(CardOutcome { order, outcome, warnings: _ }: CardOutcome) -> Self {
        let link = |(_, number): (i64, OrderNumber)| Link { url: path_of(&number), text: number.to_string() };
        Self { outcome: outcome.as_str(), order: order.map(link), reason: outcome.reason() }
    }
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
    page(&state, &viewer, id, None).await
}

async fn page(
    state: &AppState,
    viewer: &Viewer,
    id: i64,
    replayed: Option<Vec<Replayed>>,
) -> Result<Html<String>, ApiError> {
    let entry = state.store.log(id).await?.ok_or(ApiError::NotFound("log entry"))?;
    let orders = state.store.orders_by_ids(&entry.order_ids).await?;
    let link = |order| Link { url: order_path(order), text: order.number.to_string() };
    let text = credentials(&entry.flattened).into_owned();
    render(&MessagePage {
        head: viewer.head(),
        frame: viewer.frame(format!("Message {id}"), "Log"),
        arrived: Moment::of(entry.created_at, state.timezone),
        raw: parts(&pretty(&credentials(&entry.payload)), &text),
        lines: marked(&text),
        orders: orders.iter().map(link).collect(),
        needs: if orders.is_empty() { needs(&text) } else { Vec::new() },
        may_replay: entry.emptied_at.is_none() && entry.outcome != Outcome::Duplicate.as_str(),
        replayed,
        entry,
    })
}

/// The header of a request that a script sends. The script puts the answer into the page.
const BY_SCRIPT: &str = "hx-request";

/// Reads a message again, and shows it with the outcome of each card. Without a script, the browser goes back to the
/// message, so that a reload does not read it again.
pub(crate) async fn replay(
    _: SameOrigin,
    viewer: Viewer,
    State(state): State<Arc<AppState>>,
    PathSegment(id): PathSegment,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let id: i64 = id.parse().map_err(|_| bad_parameter("id", "Not a whole number."))?;
    let receipt = state.ingest.replay_one(id, &viewer.actor()).await?;
    let receipt = receipt.ok_or(ApiError::NotFound("log entry"))?;
    if !headers.contains_key(BY_SCRIPT) {
        return Ok(Redirect::to(&format!("/log/{id}")).into_response());
    }
    let replayed = receipt.cards.into_iter().map(Replayed::from).collect();
    page(&state, &viewer, id, Some(replayed)).await.map(IntoResponse::into_response)
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

/// A part of a payload.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    text: String,
    /// For a label: whether ROMS knows it. `None` for other text.
    label: Option<bool>,
}

/// Splits a payload into parts, with the labels of the text form marked.
fn parts(raw: &str, text_form: &str) -> Vec<Part> {
    let label = |row: text_form::Row<'_>| match row.line {
        Line::Label(..) => {
            let name = row.raw.split(':').next().unwrap_or_default();
            Some((name.trim_matches(MARKS).trim().to_owned(), true))
        }
        Line::UnknownLabel(name) => Some((name.trim().to_owned(), false)),
        _ => None,
    };
    let mut labels: Vec<(String, bool)> = text_form::rows(text_form)
        .into_iter()
        .filter_map(label)
        .filter(|(name, _)| !name.is_empty())
        .collect();
    // Search longer labels first, because one may contain a shorter one.
    labels.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.cmp(b)));
    labels.dedup();
    let (mut parts, mut plain) = (Vec::new(), String::new());
    let mut rest = raw;
    while let Some(first) = rest.chars().next() {
        let begins = plain.ends_with("\\n") || plain.chars().next_back().is_none_or(is_edge);
        let found = labels.iter().filter(|_| begins).find_map(|(name, is_known)| {
            let after = rest.strip_prefix(name.as_str())?;
            after.chars().next().is_none_or(is_edge).then_some((name, *is_known, after))
        });
        if let Some((name, is_known, after)) = found {
            parts.push(Part { text: std::mem::take(&mut plain), label: None });
            parts.push(Part { text: name.clone(), label: Some(is_known) });
            rest = after;
        } else {
            plain.push(first);
            rest = rest.strip_prefix(first).unwrap_or_default();
        }
    }
    parts.push(Part { text: plain, label: None });
    parts.retain(|part| !part.text.is_empty());
    parts
}

/// Marks of Markdown around a label.
const MARKS: [char; 4] = ['*', '_', '`', ':'];

/// Whether a label may begin after this character or end before it. In JSON, a line ends with `\n`.
fn is_edge(c: char) -> bool {
    MARKS.contains(&c) || matches!(c, '\n' | '\r' | '"' | '\\')
}

/// The requirements of an order, and whether a text form meets each.
fn needs(text: &str) -> Vec<(&'static str, bool)> {
    let form = text_form::parse(text);
    let has = |column: Column| {
        form.known.iter().any(|known| known.label.column == column && !known.lines.is_empty())
    };
    vec![
        ("A heading that says what happened, such as Successful Checkout | Store", form.heading.is_some()),
        ("An order number", has(Column::OrderNumber)),
        ("A product", has(Column::Product)),
        ("A price or a total", has(Column::Price) || has(Column::Total)),
    ]
}

#[cfg(test)]
mod tests {
    use super::{Part, parts};

    fn labels(raw: &str, text_form: &str) -> Vec<(String, bool)> {
        let parts: Vec<Part> = parts(raw, text_form);
        let whole: String = parts.iter().map(|part| part.text.as_str()).collect();
        assert_eq!(whole, raw);
        parts.into_iter().filter_map(|part| Some((part.text, part.label?))).collect()
    }

    #[test]
    fn labels_are_marked_where_they_stand_alone() {
        let text_form = "Order Number\nA-1\nOrder\nProduct\nOrder of Product\n**Reward Points**\n12\n";
        let known = |name: &str| (name.to_owned(), true);
        let unknown = ("Reward Points".to_owned(), false);
        let raw = "Order Number\nA-1\nProduct: Order of Product\n**Reward Points**\n12";
        assert_eq!(labels(raw, text_form), [known("Order Number"), known("Product"), unknown.clone()]);
        let raw = r#"{"name": "**Order Number**", "value": "A-1\nProduct\nReward Points"}"#;
        assert_eq!(labels(raw, text_form), [known("Order Number"), known("Product"), unknown]);
        assert!(labels("é Product é", text_form).is_empty());
    }
}
