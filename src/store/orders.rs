//! Reading orders and their history.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{BinOper, Expr, ExprTrait, Func};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::entity::{order_events, orders};
use super::{Page, Store, StoreError, rows};
use crate::order::{FieldChange, Order, OrderNumber, Status};

/// Which orders to list.
#[derive(Clone, Debug, Default)]
pub struct OrderFilter {
    /// Only of this status.
    pub status: Option<Status>,
    /// Only of this store, in any case.
    pub store: Option<String>,
    /// Only where number, product, e-mail, profile or tracking number hold this text, in any case.
    pub search: Option<String>,
    /// Only with an order date from here on.
    pub since: Option<DateTime<Utc>>,
    /// Only with an order date before this.
    pub until: Option<DateTime<Utc>>,
}

/// One step of an order's history.
#[derive(Clone, Debug)]
pub struct OrderEvent {
    /// Row id.
    pub id: i64,
    /// The order.
    pub order_id: i64,
    /// `created` or `updated`.
    pub event_type: String,
    /// What changed.
    pub changes: Vec<FieldChange>,
    /// What brought it.
    pub source: String,
    /// The message that brought it, in `webhook_logs`.
    pub log_id: Option<i64>,
    /// Who did it by hand: `discord:` and the user's id, or `cli`; `None` for what came in by itself.
    pub actor: Option<String>,
    /// When. UTC.
    pub created_at: DateTime<Utc>,
}

/// Columns that a search looks into.
const SEARCHED: [orders::Column; 5] = [
    orders::Column::OrderNumber,
    orders::Column::Product,
    orders::Column::Email,
    orders::Column::Profile,
    orders::Column::TrackingNumber,
];

impl Store {
    /// Page `page` (from 1) of the orders, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn orders(
        &self,
        filter: &OrderFilter,
        page: u64,
        page_size: u64,
    ) -> Result<Page<Order>, StoreError> {
        let found = orders::Entity::find().filter(condition(filter));
        let total = found.clone().count(&self.readers).await?;
        let rows = found
            .order_by_desc(orders::Column::Id)
            .offset(page.saturating_sub(1).saturating_mul(page_size))
            .limit(page_size)
            .all(&self.readers)
            .await?;
        let items = rows.into_iter().map(rows::order).collect::<Result<_, _>>()?;
        Ok(Page { items, total })
    }

    /// The order of that number, with or without `#`, else of that row id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn order(&self, number_or_id: &str) -> Result<Option<Order>, StoreError> {
        let Ok(number) = OrderNumber::parse(number_or_id) else { return Ok(None) };
        let by_number = orders::Entity::find().filter(orders::Column::OrderNumber.eq(number.as_str()));
        let row = match (by_number.one(&self.readers).await?, number_or_id.parse::<i64>()) {
            (None, Ok(id)) => orders::Entity::find_by_id(id).one(&self.readers).await?,
            (row, _) => row,
        };
        row.map(rows::order).transpose()
    }

    /// The history of an order, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn events(&self, order_id: i64) -> Result<Vec<OrderEvent>, StoreError> {
        let rows = order_events::Entity::find()
            .filter(order_events::Column::OrderId.eq(order_id))
            .order_by_asc(order_events::Column::Id)
            .all(&self.readers)
            .await?;
        let event = |row: order_events::Model| OrderEvent {
            id: row.id,
            order_id: row.order_id,
            event_type: row.event_type,
            changes: rows::changes_from_json(&row.changes),
            source: row.source,
            log_id: row.log_id,
            actor: row.actor,
            created_at: row.created_at,
        };
        Ok(rows.into_iter().map(event).collect())
    }
}

fn condition(filter: &OrderFilter) -> Condition {
    // Both sides by the database, whose lower case may stop at ASCII.
    let lower = |column: orders::Column| Expr::from(Func::lower(Expr::col(column)));
    let lowered = |text: &str| Expr::from(Func::lower(Expr::val(text)));
    let mut all = Condition::all();
    if let Some(status) = filter.status {
        all = all.add(orders::Column::Status.eq(status.as_str()));
    }
    if let Some(store) = &filter.store {
        all = all.add(lower(orders::Column::Store).eq(lowered(store)));
    }
    if let Some(text) = &filter.search {
        let escaped = text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
        let pattern = format!("%{escaped}%");
        let hit = |column| {
            let pattern = lowered(&pattern).binary(BinOper::Escape, Expr::val(r"\"));
            lower(column).binary(BinOper::Like, pattern)
        };
        all = all.add(SEARCHED.into_iter().fold(Condition::any(), |any, column| any.add(hit(column))));
    }
    all.add_option(filter.since.map(|since| orders::Column::OrderDate.gte(since)))
        .add_option(filter.until.map(|until| orders::Column::OrderDate.lt(until)))
}
