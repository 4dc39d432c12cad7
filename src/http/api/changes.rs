//! Changing orders over the API: columns of one order, its cancellation, and one change to many orders.
//!
//! Every change passes through the writer, like an edit in Discord, and is in the order's history.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, header::IF_MATCH},
    response::Response,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::order_body::{OrderBody, etag, with_etag};
use super::order_patch::{Columns, OrderPatch};
use super::orders::{ListOrders, find};
use crate::clock::now;
use crate::http::auth::Caller;
use crate::http::cross_site::SameOrigin;
use crate::http::error::{ApiError, BulkErrors, EditErrors, bad_field, bad_parameter};
use crate::http::query::{NoParameters, PathSegment, Query, read_object};
use crate::http::{AppState, body};
use crate::ingest::{Edit, EditError, Guard};
use crate::order::{Fields, Order, Source, Status};
use crate::store::{OrderFilter, PageStart, Store, StoreError};

/// The most orders that one request may change.
pub(crate) const MAX_ORDERS: usize = 500;

/// Change columns of an order
///
/// Columns that the body does not name keep their value. `items` sets the units received of single items; the order's
/// `qty_received` becomes their sum. Pass the `ETag` of an earlier answer as `If-Match`: ROMS then
/// refuses the change if the order has changed since. Without `If-Match` the change always applies.
#[utoipa::path(
    patch, path = "/api/v2/orders/{order}", tag = "Orders", operation_id = "change_order",
    params(
        ("order" = String, Path, description = "Order number, such as `BBY01-807102506907`, percent-encoded except for its slashes; or row id"),
        ("If-Match" = Option<String>, Header, description = "The version that the order must still have"),
    ),
    request_body(content = OrderPatch, description = "The new values"),
    responses((status = 200, description = "The order after the change, and its version as `ETag`", body = OrderBody, headers(("etag" = String, description = "The version of the order"))), EditErrors)
)]
pub(crate) async fn change(
    _: SameOrigin,
    caller: Caller,
    State(state): State<Arc<AppState>>,
    PathSegment(order): PathSegment,
    _: Query<NoParameters>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let columns = body::read_json::<OrderPatch>(body, &state.closing).await?.read(state.timezone);
    let columns = columns.map_err(ApiError::BadFields)?;
    edit(&state, &caller, &order, &headers, |order| {
        let count = order.items.len();
        let has_item =
            |position: &u32| (1..=count).contains(&usize::try_from(*position).unwrap_or(usize::MAX));
        match columns.received.keys().find(|position| !has_item(position)) {
            Some(position) => {
                Err(bad_field("items", format!("The order has no item {position}; it has {count}.")))
            }
            None => Ok(Some(columns)),
        }
    })
    .await
}

/// Cancel an order
///
/// The order gets the status `cancelled` and stays in the list. An order that is already cancelled or refunded
/// does not change. `If-Match` works as for `PATCH`.
#[utoipa::path(
    delete, path = "/api/v2/orders/{order}", tag = "Orders", operation_id = "cancel_order",
    params(
        ("order" = String, Path, description = "Order number, such as `BBY01-807102506907`, percent-encoded except for its slashes; or row id"),
        ("If-Match" = Option<String>, Header, description = "The version that the order must still have"),
    ),
    responses((status = 200, description = "The cancelled order, and its version as `ETag`", body = OrderBody, headers(("etag" = String, description = "The version of the order"))), EditErrors)
)]
pub(crate) async fn cancel(
    _: SameOrigin,
    caller: Caller,
    State(state): State<Arc<AppState>>,
    PathSegment(order): PathSegment,
    _: Query<NoParameters>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    edit(&state, &caller, &order, &headers, |order| {
        let has_ended = order.fields.status.is_some_and(Status::is_cancelled_or_refunded);
        let set = Fields { status: Some(Status::Cancelled), ..Fields::default() };
        Ok((!has_ended).then(|| Columns { set, ..Columns::default() }))
    })
    .await
}

/// Changes one order under the condition in `If-Match`. `columns` gets the stored order, and returns `None` if there
/// is nothing to do.
async fn edit(
    state: &AppState,
    caller: &Caller,
    order: &str,
    headers: &HeaderMap,
    columns: impl FnOnce(&Order) -> Result<Option<Columns>, ApiError>,
) -> Result<Response, ApiError> {
    let view = caller.view();
    let stored = find(&state.store, order).await?;
    let guard = match Precondition::of(headers)? {
        Precondition::Absent | Precondition::Any => None,
        Precondition::Versions(versions) => {
            if !versions.iter().any(|version| etag(&stored) == *version) {
                return Err(ApiError::Changed(Some(Box::new(OrderBody::new(stored, view)))));
            }
            Some(Guard::Version(stored.updated_at))
        }
    };
    let Some(columns) = columns(&stored)? else { return Ok(with_etag(stored, view)) };
    match state.ingest.edit(change_by(caller.actor(), stored.id, columns, guard)).await {
        Ok(edited) => Ok(with_etag(edited.after, view)),
        Err(EditError::Changed) => {
            let current = state.store.order_by_id(stored.id).await?.ok_or(ApiError::NotFound("order"))?;
            Err(ApiError::Changed(Some(Box::new(OrderBody::new(current, view)))))
        }
        Err(error) => Err(error.into()),
    }
}

/// A change by a person or a program with this name.
pub(crate) fn change_by(actor: String, order: i64, columns: Columns, guard: Option<Guard>) -> Edit {
    let Columns { set, clear, received } = columns;
    Edit { order, at: now(), source: Source::Webhook, actor, set, clear, received, guard }
}

/// The condition in `If-Match`.
enum Precondition {
    Absent,
    /// `*`: the order must exist.
    Any,
    /// One of these entity tags.
    Versions(Vec<String>),
}

impl Precondition {
    fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        let bad = || bad_parameter("If-Match", "The `ETag` of an earlier answer, or `*`.");
        let mut versions = Vec::new();
        for value in headers.get_all(IF_MATCH) {
            for version in value.to_str().map_err(|_| bad())?.split(',').map(str::trim) {
                let is_tag = version.len() > 1 && version.starts_with('"') && version.ends_with('"');
                match version {
                    "*" => return Ok(Self::Any),
                    // A weak tag never matches, by RFC 9110.
                    _ if is_tag || version.starts_with("W/\"") => versions.push(version.to_owned()),
                    _ => return Err(bad()),
                }
            }
        }
        Ok(if versions.is_empty() { Self::Absent } else { Self::Versions(versions) })
    }
}

/// One change to many orders.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"orders": ["BBY01-807102506907"], "set": {"status": "shipped"}}))]
pub(crate) struct BulkChange {
    /// Numbers or row ids of the orders, at most 500. Either this or `filter`.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>, max_items = 500)]
    orders: Option<Vec<String>>,
    /// All orders that match, at most 500: the filter parameters of `GET /api/v2/orders`, such as
    /// `{"status": "verified", "store": "Best Buy US"}`. It must have at least one.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    filter: Option<Map<String, Value>>,
    /// The new values, as for `PATCH /api/v2/orders/{order}`.
    set: OrderPatch,
}

/// The result of a change to many orders.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BulkResult {
    /// How many orders changed.
    updated: u64,
    /// How many orders had these values already.
    unchanged: u64,
    /// How many orders were not found or could not be changed.
    failed: u64,
    /// One for each order, in the order of the request.
    results: Vec<BulkOrder>,
}

/// The outcome for one order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"order": "BBY01-807102506907", "order_id": 1, "outcome": "updated", "changed": ["status"]}))]
struct BulkOrder {
    /// The order as the request names it, or its number.
    order: String,
    /// Row id; `null` if there is no such order.
    order_id: Option<i64>,
    #[schema(inline)]
    outcome: BulkOutcome,
    /// The columns that changed.
    changed: Vec<String>,
}

/// `changed` means that somebody else changed the order after the filter had found it, and `failed` that the
/// database could not store the change. Both can be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum BulkOutcome {
    Updated,
    Unchanged,
    NotFound,
    Changed,
    Failed,
}

/// Change many orders
///
/// Makes the same change to a list of orders, or to all orders that match a filter. Each order is changed on its
/// own and has a result of its own. A change that was accepted is completed even if the client disconnects.
#[utoipa::path(
    post, path = "/api/v2/orders/bulk", tag = "Orders", operation_id = "change_orders",
    request_body(content = BulkChange, description = "The orders and the change"),
    responses((status = 200, description = "The result for each order", body = BulkResult), BulkErrors)
)]
pub(crate) async fn bulk(
    _: SameOrigin,
    caller: Caller,
    State(state): State<Arc<AppState>>,
    _: Query<NoParameters>,
    body: Body,
) -> Result<Json<BulkResult>, ApiError> {
    let BulkChange { orders, filter, set } = body::read_json(body, &state.closing).await?;
    let columns = set.read(state.timezone).map_err(|errors| {
        ApiError::BadFields(errors.into_iter().map(|error| error.within("set")).collect())
    })?;
    if !columns.received.is_empty() {
        return Err(bad_field("set.items", "The items of one order can only be changed with `PATCH`."));
    }
    let targets = match (orders, filter) {
        (Some(orders), None) => named(&state, orders).await?,
        (None, Some(filter)) => matching(&state, &caller, filter).await?,
        _ => return Err(bad_field("orders", "Give either `orders` or `filter`.")),
    };
    let change = {
        let state = Arc::clone(&state);
        async move { change_all(&state, &caller, targets, &columns).await }
    };
    state.run_to_end(change).await?.map(Json)
}

/// An order of a bulk change.
struct Target {
    /// The name for the result.
    name: String,
    order_id: Option<i64>,
    guard: Option<Guard>,
}

async fn named(state: &AppState, names: Vec<String>) -> Result<Vec<Target>, ApiError> {
    if names.len() > MAX_ORDERS {
        return Err(bad_field("orders", format!("At most {MAX_ORDERS} orders.")));
    }
    let mut targets = Vec::with_capacity(names.len());
    for name in names {
        let order_id = match find(&state.store, &name).await {
            Ok(order) => Some(order.id),
            Err(ApiError::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        targets.push(Target { name, order_id, guard: None });
    }
    Ok(targets)
}

/// The orders that match a filter. A change by somebody else could take an order out of the filter, so each is
/// changed only in the version that was found.
async fn matching(
    state: &AppState,
    caller: &Caller,
    filter: Map<String, Value>,
) -> Result<Vec<Target>, ApiError> {
    let query: ListOrders =
        read_object(filter).map_err(|error| ApiError::BadFields(vec![error.within("filter")]))?;
    if query.chooses_a_page() {
        return Err(bad_field("filter", "Only parameters that choose orders, not a page of them."));
    }
    let filter = query.filter(caller, state.timezone)?;
    if filter == OrderFilter::default() {
        return Err(bad_field("filter", "At least one parameter; an empty filter would change every order."));
    }
    let orders = orders_to_change(&state.store, &filter).await?.ok_or_else(|| {
        let detail = format!("More than {MAX_ORDERS} orders match. Narrow the filter, for example by date.");
        bad_field("filter", detail)
    })?;
    let target = |order: Order| Target {
        name: order.number.to_string(),
        order_id: Some(order.id),
        guard: Some(Guard::Version(order.updated_at)),
    };
    Ok(orders.into_iter().map(target).collect())
}

/// All orders that match a filter; `None` if there are more than [`MAX_ORDERS`].
pub(crate) async fn orders_to_change(
    store: &Store,
    filter: &OrderFilter,
) -> Result<Option<Vec<Order>>, StoreError> {
    let limit = u64::try_from(MAX_ORDERS).unwrap_or(u64::MAX);
    let page = store.order_page(filter, PageStart::Newest, limit).await?;
    Ok((!page.has_older).then_some(page.items))
}

/// Changes the orders one after the other in the queue, so that many share a commit.
async fn change_all(
    state: &AppState,
    caller: &Caller,
    targets: Vec<Target>,
    columns: &Columns,
) -> Result<BulkResult, ApiError> {
    let edits = targets.iter().map(|target| async move {
        match target.order_id {
            Some(id) => {
                Some(state.ingest.edit(change_by(caller.actor(), id, columns.clone(), target.guard)).await)
            }
            None => None,
        }
    });
    let edited = futures_util::future::join_all(edits).await;
    // If nothing at all was stored, the whole request can be repeated.
    if let Some(Some(Err(error @ (EditError::Storage | EditError::Closed)))) = edited.first()
        && edited.iter().all(|edited| matches!(edited, Some(Err(EditError::Storage | EditError::Closed))))
    {
        return Err((*error).into());
    }
    let results = targets.into_iter().zip(edited).map(|(target, edited)| {
        let mut changed = Vec::new();
        let outcome = match edited {
            Some(Ok(edited)) if edited.changes.is_empty() => BulkOutcome::Unchanged,
            Some(Ok(edited)) => {
                changed = edited.changes.into_iter().map(|change| change.field).collect();
                BulkOutcome::Updated
            }
            Some(Err(EditError::Changed)) => BulkOutcome::Changed,
            None | Some(Err(EditError::NotFound)) => BulkOutcome::NotFound,
            Some(Err(EditError::Storage | EditError::Closed)) => BulkOutcome::Failed,
        };
        BulkOrder { order: target.name, order_id: target.order_id, outcome, changed }
    });
    let results: Vec<BulkOrder> = results.collect();
    let count = |outcome| results.iter().filter(|result| result.outcome == outcome).count() as u64;
    let (updated, unchanged) = (count(BulkOutcome::Updated), count(BulkOutcome::Unchanged));
    Ok(BulkResult { updated, unchanged, failed: results.len() as u64 - updated - unchanged, results })
}
