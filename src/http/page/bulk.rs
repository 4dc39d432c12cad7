//! Many orders at once: one change to the chosen orders or to all of a filter, and its undo.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::{Json, body::Body, extract::State};
use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::frame::Viewer;
use super::orders::{PAGE_ONLY, PAGE_PARAMETERS};
use super::url::UrlQuery;
use crate::http::api::changes::{MAX_ORDERS, change_by, orders_to_change};
use crate::http::api::order_patch::{Columns, OrderPatch};
use crate::http::api::orders::ListOrders;
use crate::http::cross_site::SameOrigin;
use crate::http::error::{ApiError, bad_field};
use crate::http::{AppState, body};
use crate::ingest::{EditError, Edited, Guard};
use crate::order::{Fields, Order};

/// A change to many orders.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// Row ids of the orders, if they were chosen one by one.
    #[serde(default)]
    orders: Vec<i64>,
    /// The query of a list, if all its orders were chosen.
    filter: Option<String>,
    /// The new values.
    #[serde(default)]
    set: Map<String, Value>,
    /// Whether all units of each order have arrived.
    #[serde(default)]
    received: bool,
}

/// The result of a change or its undo.
#[derive(Debug, Serialize)]
pub(crate) struct Counts {
    changed: usize,
    unchanged: usize,
    failed: usize,
    /// The former values of the changed orders. Send them to the undo.
    undo: Vec<Undo>,
}

/// The former values of one order.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Undo {
    order: i64,
    /// The version that the change made, in microseconds. A later one is kept.
    version: i64,
    values: BTreeMap<String, Option<String>>,
}

pub(crate) async fn change(
    _: SameOrigin,
    viewer: Viewer,
    State(state): State<Arc<AppState>>,
    body: Body,
) -> Result<Json<Counts>, ApiError> {
    let Change { orders, filter, set, received } = body::read_json(body, &state.closing).await?;
    let columns = OrderPatch::of_texts(set).read(state.timezone).map_err(ApiError::BadFields)?;
    let orders = match filter {
        Some(query) => matching(&state, &viewer, &query).await?,
        None if orders.len() > MAX_ORDERS => return Err(too_many()),
        None => state.store.orders_by_ids(&orders).await?,
    };
    let edits = orders.into_iter().map(|order| {
        let mut columns = columns.clone();
        if received {
            columns.set.qty_received = Some(order.fields.quantity.unwrap_or(1));
        }
        (order.id, order.updated_at, columns)
    });
    make(&state, viewer.actor(), edits.collect()).await
}

/// Gives the orders their former values, unless somebody has changed them again.
pub(crate) async fn undo(
    _: SameOrigin,
    viewer: Viewer,
    State(state): State<Arc<AppState>>,
    body: Body,
) -> Result<Json<Counts>, ApiError> {
    let undo: Vec<Undo> = body::read_json(body, &state.closing).await?;
    if undo.len() > MAX_ORDERS {
        return Err(too_many());
    }
    let mut edits = Vec::new();
    for Undo { order, version, values } in undo {
        let values = values.into_iter().map(|(name, value)| (name, value.map_or(Value::Null, Value::String)));
        let columns = OrderPatch::of_texts(values.collect()).read(state.timezone);
        let version = DateTime::from_timestamp_micros(version);
        let version = version.ok_or_else(|| bad_field("version", "Not a time."))?;
        edits.push((order, version, columns.map_err(ApiError::BadFields)?));
    }
    make(&state, viewer.actor(), edits).await
}

/// All orders of a list.
async fn matching(state: &AppState, viewer: &Viewer, query: &str) -> Result<Vec<Order>, ApiError> {
    let query = UrlQuery::of(Some(query)).without(&PAGE_PARAMETERS).without(&PAGE_ONLY);
    let filter = query.read::<ListOrders>()?.filter(&viewer.caller, state.timezone)?;
    orders_to_change(&state.store, &filter).await?.ok_or_else(too_many)
}

fn too_many() -> ApiError {
    bad_field("orders", format!("At most {MAX_ORDERS} orders at once. Narrow the filter."))
}

/// Makes the edits, each only if the order still has its version. Many share a commit.
async fn make(
    state: &Arc<AppState>,
    actor: String,
    edits: Vec<(i64, DateTime<Utc>, Columns)>,
) -> Result<Json<Counts>, ApiError> {
    let ingest = state.ingest.clone();
    let edits = async move {
        let edits = edits.into_iter().map(|(order, version, columns)| {
            let edit = change_by(actor.clone(), order, columns, Some(Guard::Version(version)));
            ingest.edit(edit)
        });
        join_all(edits).await
    };
    let edited: Vec<Result<Edited, EditError>> = state.run_to_end(edits).await?;
    let mut result = Counts { changed: 0, unchanged: 0, failed: 0, undo: Vec::new() };
    for edited in edited {
        match edited {
            Ok(edited) if edited.changes.is_empty() => result.unchanged += 1,
            Ok(edited) => {
                result.changed += 1;
                result.undo.push(Undo::of(edited));
            }
            Err(_) => result.failed += 1,
        }
    }
    Ok(Json(result))
}

impl Undo {
    fn of(edited: Edited) -> Self {
        let is_column = |name: &str| Fields::NAMES.contains(&name);
        let values = edited.changes.into_iter().filter(|change| is_column(&change.field));
        Self {
            order: edited.after.id,
            version: edited.after.updated_at.timestamp_micros(),
            values: values.map(|change| (change.field, change.old)).collect(),
        }
    }
}
