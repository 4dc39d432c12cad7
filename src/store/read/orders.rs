//! Reading orders and their history.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::ExprTrait;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::filter::{key, lowered};
use crate::order::{FieldChange, Order, OrderNumber};
use crate::store::entity::rows;
use crate::store::entity::{order_events, orders};
use crate::store::{Store, StoreError};

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

impl Store {
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
            .filter(key(orders::Column::OrderNumber, self.readers.get_database_backend()).eq(lowered(number)))
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
