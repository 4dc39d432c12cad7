//! Single orders and their history.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::ExprTrait;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};

use super::filter::{key, lowered};
use super::stats::MAX_COUNTED;
use crate::order::{FieldChange, Order, OrderNumber};
use crate::store::entity::rows;
use crate::store::entity::{order_events, orders};
use crate::store::write::items;
use crate::store::{Page, Store, StoreError};

/// One step of an order's history.
#[derive(Clone, Debug)]
pub struct OrderEvent {
    /// Row id.
    pub id: i64,
    /// The order.
    pub order_id: i64,
    /// `created`, `updated`, or `legacy` for a step of the old system.
    pub event_type: String,
    /// The changed fields.
    pub changes: Vec<FieldChange>,
    /// How it arrived, as a source's name.
    pub source: String,
    /// The row of `webhook_logs` that caused it.
    pub log_id: Option<i64>,
    /// The person who made the change: `discord:` and the user's id, or `cli`; `None` for messages.
    pub actor: Option<String>,
    /// The import that caused it.
    pub import: Option<i64>,
    /// When. UTC.
    pub created_at: DateTime<Utc>,
}

impl Store {
    /// The order with this number, with or without `#`: exactly as written, else in any other case, else
    /// the order with this row id, else the order that had this number, made from its Discord message, before
    /// the message stated the real one.
    pub async fn order(&self, number_or_id: &str) -> Result<Option<Order>, StoreError> {
        let Ok(number) = OrderNumber::parse(number_or_id) else { return Ok(None) };
        let (former, number) = (&number, number.as_str());
        let exact = orders::Entity::find().filter(orders::Column::OrderNumber.eq(number));
        if let Some(row) = exact.one(&self.readers).await? {
            return self.with_items(row).await.map(Some);
        }
        let any_case = orders::Entity::find()
            .filter(key(orders::Column::OrderNumber, self.readers.get_database_backend()).eq(lowered(number)))
            .order_by_desc(orders::Column::Id);
        if let Some(row) = any_case.one(&self.readers).await? {
            return self.with_items(row).await.map(Some);
        }
        match number.parse() {
            Ok(id) => self.order_by_id(id).await,
            Err(_) => self.order_of_former_number(former).await,
        }
    }

    async fn order_of_former_number(&self, former: &OrderNumber) -> Result<Option<Order>, StoreError> {
        let Some(message) = former.message_id() else { return Ok(None) };
        for order in self.orders_of_message(message).await? {
            let took_number: Vec<String> = order_events::Entity::find()
                .select_only()
                .column(order_events::Column::Changes)
                .filter(order_events::Column::OrderId.eq(order.id))
                .filter(order_events::Column::Changes.contains(r#""field":"order_number""#))
                .into_tuple()
                .all(&self.readers)
                .await?;
            let mut changes = took_number.iter().flat_map(|changes| rows::changes_from_json(changes));
            let is_taken = |change: FieldChange| {
                change.field == "order_number" && change.old.as_deref() == Some(former.as_str())
            };
            if changes.any(is_taken) {
                return Ok(Some(order));
            }
        }
        Ok(None)
    }

    /// The order with this row id.
    pub async fn order_by_id(&self, id: i64) -> Result<Option<Order>, StoreError> {
        match orders::Entity::find_by_id(id).one(&self.readers).await? {
            Some(row) => self.with_items(row).await.map(Some),
            None => Ok(None),
        }
    }

    /// Reads the items of these orders.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn load_items(&self, orders: &mut [Order]) -> Result<(), StoreError> {
        items::load(&self.readers, orders).await
    }

    async fn with_items(&self, row: orders::Model) -> Result<Order, StoreError> {
        let mut order = rows::order(row)?;
        items::load(&self.readers, [&mut order]).await?;
        Ok(order)
    }

    /// At most `limit` steps of an order's history, oldest first, after the step with the id `after`; 0
    /// starts at the oldest.
    pub async fn events(&self, order_id: i64, after: i64, limit: u64) -> Result<Vec<OrderEvent>, StoreError> {
        let rows = order_events::Entity::find()
            .filter(order_events::Column::OrderId.eq(order_id))
            .filter(order_events::Column::Id.gt(after))
            .order_by_asc(order_events::Column::Id)
            .limit(limit)
            .all(&self.readers)
            .await?;
        Ok(rows.into_iter().map(event).collect())
    }

    /// At most `limit` steps of all orders, oldest first, after the step with the id `after`.
    pub async fn events_after(&self, after: i64, limit: u64) -> Result<Vec<OrderEvent>, StoreError> {
        let rows = order_events::Entity::find()
            .filter(order_events::Column::Id.gt(after))
            .order_by_asc(order_events::Column::Id)
            .limit(limit)
            .all(&self.readers)
            .await?;
        Ok(rows.into_iter().map(event).collect())
    }

    /// The step with this row id.
    pub async fn order_event(&self, id: i64) -> Result<Option<OrderEvent>, StoreError> {
        Ok(order_events::Entity::find_by_id(id).one(&self.readers).await?.map(event))
    }

    /// The id of the newest step of all orders; 0 if there is none.
    pub async fn last_event_id(&self) -> Result<i64, StoreError> {
        let newest = order_events::Entity::find()
            .select_only()
            .column(order_events::Column::Id)
            .order_by_desc(order_events::Column::Id)
            .into_tuple::<i64>()
            .one(&self.readers)
            .await?;
        Ok(newest.unwrap_or_default())
    }

    /// The newest steps of an order's history, newest first, at most `limit`, and how many there are.
    pub async fn latest_events(&self, order_id: i64, limit: u64) -> Result<Page<OrderEvent>, StoreError> {
        let of_order = order_events::Entity::find().filter(order_events::Column::OrderId.eq(order_id));
        let rows = of_order.clone().order_by_desc(order_events::Column::Id).limit(limit);
        let items = rows.all(&self.readers).await?.into_iter().map(event).collect();
        let ids = of_order.select_only().column(order_events::Column::Id).into_query();
        Ok(Page { items, total: self.count_rows(ids, Condition::all(), MAX_COUNTED).await? })
    }
}

pub(crate) fn event(row: order_events::Model) -> OrderEvent {
    OrderEvent {
        id: row.id,
        order_id: row.order_id,
        event_type: row.event_type,
        changes: rows::changes_from_json(&row.changes),
        source: row.source,
        log_id: row.log_id,
        actor: row.actor,
        import: row.import_id,
        created_at: row.created_at,
    }
}
