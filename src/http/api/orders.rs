//! Reading orders and their history.

use std::sync::Arc;

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::order_body::OrderBody;
use crate::http::AppState;
use crate::http::error::{ApiError, ListErrors, ResourceErrors};
use crate::http::query::{Params, Segment, bad_parameter};
use crate::order::dates::DayEdge;
use crate::order::{FieldChange, Order, OrderNumber, Status};
use crate::store;
use crate::store::{OrderEvent, OrderFilter, Store};

const PAGE_SIZE: i64 = 50;
const MAX_PAGE_SIZE: i64 = 200;
/// Orders that pages may lie behind: those before a page are gone through.
const MAX_OFFSET: u64 = 10_000;

/// A page of orders.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderPage {
    /// Newest first.
    orders: Vec<OrderBody>,
    /// How many orders there are on all pages; at least so many where `total_is_exact` is false.
    total: u64,
    /// Whether `total` counts them all. Long lists with certain filters are not counted to their end.
    total_is_exact: bool,
    /// Which page this is, from 1; `null` where a cursor was given.
    page: Option<u64>,
    /// How many orders a page holds.
    page_size: u64,
    /// Whether a page follows.
    has_next: bool,
    /// Whether a page goes before.
    has_previous: bool,
    /// The `before` that goes on to older orders; `null` at the end.
    next: Option<i64>,
    /// The `after` that goes back to newer orders; `null` at the beginning.
    previous: Option<i64>,
}

/// The history of an order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct History {
    /// Row id of the order.
    order_id: i64,
    /// Number of the order.
    order_number: String,
    /// Oldest first.
    events: Vec<EventBody>,
}

/// One step of an order's history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderEvent, example = json!({
    "id": 2, "event_type": "updated", "changes": [{"field": "status", "old": "verified", "new": "shipped"}],
    "source": "webhook", "log_id": 2, "actor": null, "created_at": "2026-02-01T09:00:00Z"
}))]
struct EventBody {
    /// Row id.
    id: i64,
    /// `created` or `updated`.
    event_type: String,
    /// What changed.
    changes: Vec<ChangeBody>,
    /// What brought it.
    source: String,
    /// The row in `/api/v2/webhooks/logs` that brought it.
    log_id: Option<i64>,
    /// Who did it by hand: `discord:` and a user's id, or `cli`; `null` for what came in by itself.
    actor: Option<String>,
    /// When.
    created_at: DateTime<Utc>,
}

/// What one field was and what it became.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FieldChange)]
struct ChangeBody {
    /// Column, or `extra.` and the label.
    field: String,
    /// Before; `null` where it was empty.
    old: Option<String>,
    /// After; `null` where it is empty now.
    new: Option<String>,
}

/// Lists orders, newest first
#[utoipa::path(
    get, path = "/api/v2/orders", tag = "orders", operation_id = "list_orders",
    params(
        ("before" = Option<i64>, Query, description = "Only orders older than this cursor: `next` of an answer"),
        ("after" = Option<i64>, Query, description = "The orders right above this cursor: `previous` of an answer"),
        ("page" = Option<u64>, Query, description = "Page, from 1, in place of a cursor; at most 10,000 orders may lie before it", minimum = 1, example = 1),
        ("page_size" = Option<u64>, Query, description = "Orders on a page, 50 unless told", minimum = 1, maximum = 200),
        ("status" = Option<String>, Query, description = "Only of this status", example = "verified"),
        ("store" = Option<String>, Query, description = "Only of this store, in any case", example = "Best Buy US"),
        ("profile" = Option<String>, Query, description = "Only of this profile, in any case"),
        ("email" = Option<String>, Query, description = "Only of this e-mail address, in any case"),
        ("search" = Option<String>, Query, description = "Only where number, product, e-mail, profile or tracking number hold this text"),
        ("since" = Option<String>, Query, description = "Only placed from here on: RFC 3339, or a date in the configured time zone", example = "2026-01-01"),
        ("until" = Option<String>, Query, description = "Only placed before this moment, or up to the end of this date", example = "2026-01-31"),
    ),
    responses((status = 200, description = "A page of orders", body = OrderPage), ListErrors)
)]
pub(crate) async fn list(
    State(state): State<Arc<AppState>>,
    params: Params,
) -> Result<Json<OrderPage>, ApiError> {
    let page_size = params.clamped("page_size", 1, MAX_PAGE_SIZE)?.unwrap_or(PAGE_SIZE).unsigned_abs();
    let place = Place::of(&params, page_size)?;
    let filter = OrderFilter {
        status: params.one_of("status", Status::ALL)?,
        store: params.text("store")?.map(str::to_owned),
        profile: params.text("profile")?.map(str::to_owned),
        email: params.text("email")?.map(str::to_owned),
        search: params.text("search")?.map(str::to_owned),
        since: params.moment("since", state.timezone, DayEdge::Start)?,
        until: params.moment("until", state.timezone, DayEdge::End)?,
    };
    let found = match place {
        Place::Page { behind, .. } => state.store.order_page_at_offset(&filter, behind, page_size).await?,
        Place::Cursor(from) => state.store.order_page(&filter, from, page_size).await?,
    };
    let total = state.store.count_orders(&filter).await?;
    let (newest, oldest) =
        (found.items.first().map(|order| order.id), found.items.last().map(|order| order.id));
    Ok(Json(OrderPage {
        orders: found.items.into_iter().map(OrderBody::from).collect(),
        total: total.count,
        total_is_exact: total.exact,
        page: place.page(),
        page_size,
        has_next: found.has_older,
        has_previous: found.has_newer,
        next: oldest.or(place.back()).filter(|_| found.has_older),
        previous: newest.or(place.back()).filter(|_| found.has_newer),
    }))
}

/// Where a list begins.
#[derive(Clone, Copy, Debug)]
enum Place {
    Page { page: u64, behind: u64 },
    Cursor(store::PageStart),
}

impl Place {
    fn of(params: &Params, page_size: u64) -> Result<Self, ApiError> {
        let page = params.clamped("page", 1, i64::MAX)?;
        let before = params.clamped("before", 0, i64::MAX)?;
        let after = params.clamped("after", 0, i64::MAX)?;
        match (page, before, after) {
            (None, Some(id), None) => Ok(Self::Cursor(store::PageStart::Before(id))),
            (None, None, Some(id)) => Ok(Self::Cursor(store::PageStart::After(id))),
            (page, None, None) => {
                let page = page.unwrap_or(1).unsigned_abs();
                let behind = (page - 1).checked_mul(page_size).filter(|behind| *behind <= MAX_OFFSET);
                let behind = behind.ok_or_else(|| too_far(page_size))?;
                Ok(Self::Page { page, behind })
            }
            (Some(_), ..) => Err(bad_parameter("page", "A page or a cursor (`before`, `after`), not both.")),
            (None, Some(_), Some(_)) => Err(bad_parameter("after", "One cursor: `before` or `after`.")),
        }
    }

    /// The cursor that leads back from where there is nothing.
    fn back(self) -> Option<i64> {
        match self {
            Self::Cursor(store::PageStart::Before(id)) => Some(id.saturating_sub(1).max(0)),
            Self::Cursor(store::PageStart::After(id)) => Some(id.saturating_add(1)),
            Self::Cursor(store::PageStart::Newest | store::PageStart::Oldest) => None,
            // Behind the last page: that is the one which goes on from the oldest order.
            Self::Page { .. } => Some(0),
        }
    }

    const fn page(self) -> Option<u64> {
        match self {
            Self::Page { page, .. } => Some(page),
            Self::Cursor(_) => None,
        }
    }
}

fn too_far(page_size: u64) -> ApiError {
    let last = MAX_OFFSET / page_size + 1;
    bad_parameter(
        "page",
        format!(
            "At most {last} with {page_size} orders a page. Further on go by cursor: give `before` the `next` of an \
             answer."
        ),
    )
}

/// One order
#[utoipa::path(
    get, path = "/api/v2/orders/{order}", tag = "orders", operation_id = "get_order",
    params(("order" = String, Path, description = "Order number, percent-encoded; else row id", example = "BBY01-807102506907")),
    responses((status = 200, description = "The order", body = OrderBody), ResourceErrors)
)]
pub(crate) async fn one(
    State(state): State<Arc<AppState>>,
    Segment(key): Segment,
) -> Result<Json<OrderBody>, ApiError> {
    find(&state.store, &key).await.map(|order| Json(order.into()))
}

/// The history of an order, oldest first
#[utoipa::path(
    get, path = "/api/v2/orders/{order}/events", tag = "orders", operation_id = "list_order_events",
    params(("order" = String, Path, description = "Order number, percent-encoded; else row id", example = "BBY01-807102506907")),
    responses((status = 200, description = "The history", body = History), ResourceErrors)
)]
pub(crate) async fn events(
    State(state): State<Arc<AppState>>,
    Segment(key): Segment,
) -> Result<Json<History>, ApiError> {
    let order = find(&state.store, &key).await?;
    let events = state.store.events(order.id).await?;
    Ok(Json(History {
        order_id: order.id,
        order_number: order.number.to_string(),
        events: events.into_iter().map(EventBody::from).collect(),
    }))
}

/// The order of a number as people write it, else of a row id.
async fn find(store: &Store, key: &str) -> Result<Order, ApiError> {
    let number = OrderNumber::parse(key).map_err(|_| ApiError::NotFound("order"))?;
    store.order(number.as_str()).await?.ok_or(ApiError::NotFound("order"))
}

impl From<OrderEvent> for EventBody {
    fn from(event: OrderEvent) -> Self {
        let OrderEvent { id, order_id: _, event_type, changes, source, log_id, actor, created_at } = event;
        let changes = changes.into_iter().map(ChangeBody::from).collect();
        Self { id, event_type, changes, source, log_id, actor, created_at }
    }
}

impl From<FieldChange> for ChangeBody {
    fn from(FieldChange { field, old, new }: FieldChange) -> Self {
        Self { field, old, new }
    }
}
