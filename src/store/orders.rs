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
    /// Only of this profile, in any case.
    pub profile: Option<String>,
    /// Only of this e-mail address, in any case.
    pub email: Option<String>,
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

    /// The order of that number, with or without `#`: as it is written, else in any other case,
    /// else the order of that row id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn order(&self, number_or_id: &str) -> Result<Option<Order>, StoreError> {
        let Ok(number) = OrderNumber::parse(number_or_id) else { return Ok(None) };
        let number = number.as_str();
        let exact = orders::Entity::find().filter(orders::Column::OrderNumber.eq(number));
        if let Some(row) = exact.one(&self.readers).await? {
            return rows::order(row).map(Some);
        }
        let any_case = orders::Entity::find()
            .filter(lower(orders::Column::OrderNumber).eq(lowered(number)))
            .order_by_desc(orders::Column::Id);
        if let Some(row) = any_case.one(&self.readers).await? {
            return rows::order(row).map(Some);
        }
        match number.parse() {
            Ok(id) => self.order_by_id(id).await,
            Err(_) => Ok(None),
        }
    }

    /// The order of that row id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn order_by_id(&self, id: i64) -> Result<Option<Order>, StoreError> {
        orders::Entity::find_by_id(id).one(&self.readers).await?.map(rows::order).transpose()
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

/// What a filter asks of a row.
pub(super) fn condition(filter: &OrderFilter) -> Condition {
    let mut all = Condition::all();
    if let Some(status) = filter.status {
        all = all.add(orders::Column::Status.eq(status.as_str()));
    }
    let whole = [
        (orders::Column::Store, &filter.store),
        (orders::Column::Profile, &filter.profile),
        (orders::Column::Email, &filter.email),
    ];
    for (column, text) in whole {
        all = all.add_option(text.as_deref().map(|text| lower(column).eq(lowered(text))));
    }
    if let Some(text) = &filter.search {
        let pattern = like_pattern("%", text);
        let hit = |column| {
            let pattern = lowered(&pattern).binary(BinOper::Escape, Expr::val(r"\"));
            lower(column).binary(BinOper::Like, pattern)
        };
        all = all.add(SEARCHED.into_iter().fold(Condition::any(), |any, column| any.add(hit(column))));
    }
    all.add_option(filter.since.map(|since| orders::Column::OrderDate.gte(since)))
        .add_option(filter.until.map(|until| orders::Column::OrderDate.lt(until)))
}

/// A column in lower case. Both sides by the database, whose lower case may stop at ASCII.
fn lower(column: orders::Column) -> Expr {
    Func::lower(Expr::col(column)).into()
}

fn lowered(text: &str) -> Expr {
    Func::lower(Expr::val(text)).into()
}

/// The pattern of `LIKE … ESCAPE '\'` for texts that hold this one behind `start`, and go on.
pub(super) fn like_pattern(start: &str, text: &str) -> String {
    let escaped = text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("{start}{escaped}%")
}
