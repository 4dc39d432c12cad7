//! Orders: the list, single orders and their history.

use std::sync::Arc;

use axum::{Json, extract::State, response::Response};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::order_body::{OrderBody, with_etag};
use crate::clock::now;
use crate::http::AppState;
use crate::http::auth::Caller;
use crate::http::error::{ApiError, ListErrors, ResourceErrors, bad_parameter};
use crate::http::query::{
    AttentionParameter, Name, NoParameters, PathSegment, PeriodName, Query, SortName, StatusName, cut_page,
    read_time, row_limit,
};
use crate::order::dates::{DayEdge, day_of};
use crate::order::{FieldChange, Order, OrderNumber, View, parse_owner};
use crate::store::{OrderEvent, OrderFilter, PageStart, SortBy, Store, Total};

/// The most orders that may lie before a page with a number: the database reads past all of them.
const MAX_OFFSET: u64 = 10_000;

/// Query parameters of the list of orders.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListOrders {
    /// Number of orders in the answer (default 50). Also accepted as `page_size`.
    #[serde(alias = "page_size")]
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// Next page: pass the answer's `next`. Only older orders follow.
    before: Option<i64>,
    /// Previous page: pass the answer's `previous`. Only newer orders follow.
    after: Option<i64>,
    /// Page number, from 1, instead of a cursor. At most 10,000 orders may lie before the page.
    #[param(minimum = 1)]
    page: Option<i64>,
    /// Only orders with this status
    #[param(inline, value_type = StatusName, required = false)]
    status: Option<StatusName>,
    /// Only orders from this store, in upper or lower case
    store: Option<String>,
    /// Only orders with this profile, in upper or lower case. Needs the scope `read:pii`
    profile: Option<String>,
    /// Only orders with this e-mail address, in upper or lower case. Needs the scope `read:pii`
    email: Option<String>,
    /// Only orders that belong to this Discord user: an id, or a mention such as `<@123456789012345678>`
    owner: Option<String>,
    /// Only orders whose number, products, SKUs, e-mail address, profile or tracking number contain this text.
    /// Without the scope `read:pii`, e-mail addresses and profiles are not searched.
    search: Option<String>,
    /// Only orders with this text in the name of a product or in its SKU, in upper or lower case
    product: Option<String>,
    /// Only orders that need attention: without a tracking number 3 days after they were placed, received in part,
    /// delivered but not received, or cancelled today
    #[param(inline, value_type = AttentionParameter, required = false)]
    attention: Option<AttentionParameter>,
    /// Only orders placed in this period. It is counted from today, in the configured time zone
    #[param(inline, value_type = PeriodName, required = false)]
    period: Option<PeriodName>,
    /// Instead of a period: only orders placed on or after this date, or at or after this time (RFC 3339). Dates are days
    /// in the configured time zone.
    since: Option<String>,
    /// Instead of a period: only orders placed on or before this date, or before this time (RFC 3339)
    until: Option<String>,
    /// Sort by a column instead of by age; with a minus sign, the largest value comes first. A sorted list has pages
    /// with numbers, not cursors. Of a longer list, the newest 10,000 orders are sorted. Sorting by personal data needs
    /// the scope `read:pii`
    #[param(inline, value_type = SortName, required = false)]
    sort: Option<SortName>,
}

impl ListOrders {
    /// Whether a parameter chooses a page of the list instead of orders.
    pub(crate) fn chooses_a_page(&self) -> bool {
        self.sort.is_some() || [self.limit, self.before, self.after, self.page].iter().any(Option::is_some)
    }

    /// Which orders to list.
    pub(crate) fn filter(self, caller: &Caller, zone: Tz) -> Result<OrderFilter, ApiError> {
        if self.email.is_some() || self.profile.is_some() {
            caller.require_pii()?;
        }
        let mut since = read_time("since", self.since.as_deref(), zone, DayEdge::Start)?;
        let mut until = read_time("until", self.until.as_deref(), zone, DayEdge::End)?;
        if let Some(Name(period)) = self.period {
            if since.is_some() || until.is_some() {
                return Err(bad_parameter(
                    "period",
                    "Either a period, or `since` and `until`, but not both.",
                ));
            }
            (since, until) = period.days(day_of(now(), zone)).times(zone);
        }
        Ok(OrderFilter {
            public_search: caller.view() == View::Masked,
            status: self.status.map(|Name(status)| status),
            since,
            until,
            product: self.product,
            attention: self.attention.map(|Name(reason)| reason.at(now(), zone)),
            store: self.store,
            profile: self.profile,
            email: self.email,
            owner: self.owner.as_deref().map(read_owner).transpose()?,
            search: self.search,
        })
    }
}

fn read_owner(text: &str) -> Result<String, ApiError> {
    parse_owner(text).ok_or_else(|| bad_parameter("owner", "A Discord user id or a mention of a user."))
}

/// A page of orders.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderPage {
    /// Newest first, or sorted.
    orders: Vec<OrderBody>,
    /// Number of orders on all pages. There may be more if `total_is_exact` is false.
    total: u64,
    /// Whether `total` counts all orders. With some filters, a long list is not counted to its end.
    total_is_exact: bool,
    /// Number of this page, from 1; `null` if the request had a cursor.
    page: Option<u64>,
    /// Largest number of orders on a page.
    limit: u64,
    /// The same as `limit`, under its older name.
    page_size: u64,
    /// Whether there are older orders.
    has_next: bool,
    /// Whether there are newer orders.
    has_previous: bool,
    /// Pass this as `before` to get the next page; `null` on the last page and in a sorted list.
    next: Option<i64>,
    /// Pass this as `after` to get the previous page; `null` on the first page and in a sorted list.
    previous: Option<i64>,
}

/// List orders, newest first
#[utoipa::path(
    get, path = "/api/v2/orders", tag = "Orders", operation_id = "list_orders",
    params(ListOrders),
    responses((status = 200, description = "A page of orders", body = OrderPage), ListErrors)
)]
pub(crate) async fn list(
    caller: Caller,
    State(state): State<Arc<AppState>>,
    Query(query): Query<ListOrders>,
) -> Result<Json<OrderPage>, ApiError> {
    let listed = Listed::read(&state, &caller, query).await?;
    Ok(Json(OrderPage {
        orders: listed.orders.into_iter().map(|order| OrderBody::new(order, caller.view())).collect(),
        total: listed.total.count,
        total_is_exact: listed.total.exact,
        page: listed.page,
        limit: listed.limit,
        page_size: listed.limit,
        has_next: listed.has_older,
        has_previous: listed.has_newer,
        next: listed.next,
        previous: listed.previous,
    }))
}

/// A page of the list, as it was asked for.
pub(crate) struct Listed {
    pub(crate) filter: OrderFilter,
    /// Newest first or sorted, with their items.
    pub(crate) orders: Vec<Order>,
    /// How many orders the whole list has.
    pub(crate) total: Total,
    /// The number of the page; `None` if a cursor chose it.
    pub(crate) page: Option<u64>,
    limit: u64,
    pub(crate) has_older: bool,
    has_newer: bool,
    /// The `before` of the next page.
    pub(crate) next: Option<i64>,
    /// The `after` of the previous page.
    pub(crate) previous: Option<i64>,
}

impl Listed {
    pub(crate) async fn read(state: &AppState, caller: &Caller, query: ListOrders) -> Result<Self, ApiError> {
        let limit = row_limit(query.limit)?;
        let start = Start::of(&query, limit)?;
        let sort = query.sort.as_ref().map(|Name(sort)| *sort);
        if sort.is_some_and(SortBy::is_personal) {
            caller.require_pii()?;
        }
        let filter = query.filter(caller, state.timezone)?;
        let mut found = match (start, sort) {
            (Start::Page { offset, .. }, Some(sort)) => {
                state.store.sorted_page(&filter, sort, offset, limit).await?
            }
            (Start::Page { offset, .. }, None) => {
                state.store.order_page_at_offset(&filter, offset, limit).await?
            }
            (Start::Cursor(start), None) => state.store.order_page(&filter, start, limit).await?,
            (Start::Cursor(_), Some(_)) => {
                return Err(bad_parameter(
                    "sort",
                    "A sorted list has no cursors. Choose its pages with `page`.",
                ));
            }
        };
        state.store.load_items(&mut found.items).await?;
        let total = state.store.count_orders(&filter).await?;
        let newest = found.items.first().map(|order| order.id);
        let oldest = found.items.last().map(|order| order.id);
        Ok(Self {
            filter,
            orders: found.items,
            total,
            page: start.page(),
            limit,
            has_older: found.has_older,
            has_newer: found.has_newer,
            next: oldest.or(start.cursor_back()).filter(|_| found.has_older && sort.is_none()),
            previous: newest.or(start.cursor_back()).filter(|_| found.has_newer && sort.is_none()),
        })
    }
}

/// Where the page begins.
#[derive(Clone, Copy, Debug)]
enum Start {
    Page { page: u64, offset: u64 },
    Cursor(PageStart),
}

impl Start {
    fn of(query: &ListOrders, limit: u64) -> Result<Self, ApiError> {
        match (query.page, query.before, query.after) {
            (None, Some(id), None) => Ok(Self::Cursor(PageStart::Before(id.max(0)))),
            (None, None, Some(id)) => Ok(Self::Cursor(PageStart::After(id.max(0)))),
            (page, None, None) => {
                let page = page.unwrap_or(1);
                if page < 1 {
                    return Err(bad_parameter("page", "A number from 1."));
                }
                let page = page.unsigned_abs();
                let offset = (page - 1).checked_mul(limit).filter(|offset| *offset <= MAX_OFFSET);
                let last = MAX_OFFSET / limit + 1;
                let detail = format!(
                    "At most {last} with {limit} orders on a page. To go further, pass the `next` of an answer as `before`."
                );
                let offset = offset.ok_or_else(|| bad_parameter("page", detail))?;
                Ok(Self::Page { page, offset })
            }
            (Some(_), ..) => {
                Err(bad_parameter("page", "Either a page or a cursor (`before`, `after`), not both."))
            }
            (None, Some(_), Some(_)) => Err(bad_parameter("after", "Either `before` or `after`, not both.")),
        }
    }

    /// The cursor that leads from an empty page back to the orders.
    fn cursor_back(self) -> Option<i64> {
        match self {
            Self::Cursor(PageStart::Before(id)) => Some(id.saturating_sub(1).max(0)),
            Self::Cursor(PageStart::After(id)) => Some(id.saturating_add(1)),
            Self::Cursor(PageStart::Newest | PageStart::Oldest) => None,
            // Beyond the last page: the orders after 0 are the oldest ones.
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

/// Read one order
#[utoipa::path(
    get, path = "/api/v2/orders/{order}", tag = "Orders", operation_id = "get_order",
    params(("order" = String, Path, description = "Order number, such as `BBY01-807102506907`, percent-encoded except for its slashes; or row id")),
    responses((status = 200, description = "The order. Its `ETag` is the version for `If-Match`", body = OrderBody, headers(("etag" = String, description = "The version of the order"))), ResourceErrors)
)]
pub(crate) async fn one(
    caller: Caller,
    State(state): State<Arc<AppState>>,
    PathSegment(order): PathSegment,
    _: Query<NoParameters>,
) -> Result<Response, ApiError> {
    find(&state.store, &order).await.map(|order| with_etag(order, caller.view()))
}

/// Finds an order by its number as people write it, otherwise by its row id.
pub(crate) async fn find(store: &Store, key: &str) -> Result<Order, ApiError> {
    let number = OrderNumber::parse(key).map_err(|_| ApiError::NotFound("order"))?;
    store.order(number.as_str()).await?.ok_or(ApiError::NotFound("order"))
}

/// Query parameters of the history of an order.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListEvents {
    /// Number of events in the answer (default 50)
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// Next page: pass the answer's `next`. Only newer events follow.
    after: Option<i64>,
}

/// A page of the history of an order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventPage {
    /// Row id of the order.
    order_id: i64,
    /// Number of the order.
    order_number: String,
    /// Oldest first.
    events: Vec<EventBody>,
    /// Whether there are newer events.
    has_next: bool,
    /// Pass this as `after` to get the next page; `null` on the last page.
    next: Option<i64>,
}

/// One step of an order's history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderEvent, example = json!({
    "id": 2, "event_type": "updated", "changes": [{"field": "status", "old": "verified", "new": "shipped"}],
    "source": "webhook", "log_id": 2, "actor": null, "import_id": null, "created_at": "2026-02-01T09:00:00Z"
}))]
struct EventBody {
    /// Row id.
    id: i64,
    /// `created`, `updated`, or `legacy` for a step that the old Python system recorded.
    event_type: String,
    changes: Vec<ChangeBody>,
    /// Where the change came from.
    source: String,
    /// The row in `/api/v2/webhooks/logs` with the message that made the change.
    log_id: Option<i64>,
    /// The person behind a change by hand: `discord:` and a user id, or `cli`; `null` for a message that
    /// arrived by itself.
    actor: Option<String>,
    /// The import in `/api/v2/imports` that made the change.
    import_id: Option<i64>,
    created_at: DateTime<Utc>,
}

/// The change of one field.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FieldChange)]
pub(crate) struct ChangeBody {
    /// Column, or `extra.` and the label.
    field: String,
    /// Value before; `null` if it was empty.
    old: Option<String>,
    /// Value after; `null` if it is empty.
    new: Option<String>,
}

/// Read the history of an order, oldest first
#[utoipa::path(
    get, path = "/api/v2/orders/{order}/events", tag = "Orders", operation_id = "list_order_events",
    params(
        ("order" = String, Path, description = "Order number, such as `BBY01-807102506907`, percent-encoded except for its slashes; or row id"),
        ListEvents,
    ),
    responses((status = 200, description = "A page of the history", body = EventPage), ResourceErrors)
)]
pub(crate) async fn events(
    caller: Caller,
    State(state): State<Arc<AppState>>,
    PathSegment(order): PathSegment,
    Query(query): Query<ListEvents>,
) -> Result<Json<EventPage>, ApiError> {
    let order = find(&state.store, &order).await?;
    let limit = row_limit(query.limit)?;
    let mut events = state.store.events(order.id, query.after.unwrap_or(0), limit + 1).await?;
    let has_next = cut_page(&mut events, limit);
    Ok(Json(EventPage {
        order_id: order.id,
        order_number: order.number.to_string(),
        next: events.last().map(|event| event.id).filter(|_| has_next),
        has_next,
        events: events.into_iter().map(|event| EventBody::new(event, caller.view())).collect(),
    }))
}

impl From<FieldChange> for ChangeBody {
    fn from(FieldChange { field, old, new }: FieldChange) -> Self {
        Self { field, old, new }
    }
}

impl EventBody {
    fn new(event: OrderEvent, view: View) -> Self {
        let OrderEvent {
            id,
            order_id: _,
            event_type,
            changes,
            source,
            log_id,
            actor,
            import: import_id,
            created_at,
        } = event;
        let changes = changes.into_iter().map(|change| view.change(change));
        let changes = changes.map(ChangeBody::from);
        Self { id, event_type, changes: changes.collect(), source, log_id, actor, import_id, created_at }
    }
}
