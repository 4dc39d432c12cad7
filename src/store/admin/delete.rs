//! Deletes one order and everything that was derived from it.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect};

use crate::clock;
use crate::order::{Order, OrderNumber};
use crate::store::entity::order_events;
use crate::store::entity::order_items;
use crate::store::entity::orders;
use crate::store::entity::rows::to_json;
use crate::store::entity::webhook_logs::{Column, Entity};
use crate::store::{Batch, Store, StoreError};

/// A row of the log that names the order: its id, the orders it names, and the Discord message.
type LogRow = (i64, String, Option<i64>);

impl Store {
    /// Deletes an order, its items, its history, its part of the totals and of the search index, and its messages in the
    /// webhook log. Returns whether the order still existed.
    ///
    /// A message that arrived over HTTP can then be posted again. The row of a Discord message stays, without
    /// its text: without the row, reading the channel's history would create the order again.
    ///
    /// # Errors
    /// If the database fails. Then nothing is deleted.
    pub async fn delete_order(&self, order: &Order) -> Result<bool, StoreError> {
        // `order_ids` is a JSON list without an index, so this reads the whole log: before the batch takes
        // the write lock.
        let id = order.id;
        let names_order = Condition::any()
            .add(Column::OrderIds.eq(format!("[{id}]")))
            .add(Column::OrderIds.like(format!("[{id},%")))
            .add(Column::OrderIds.like(format!("%,{id},%")))
            .add(Column::OrderIds.like(format!("%,{id}]")));
        let logs: Vec<LogRow> = Entity::find()
            .select_only()
            .columns([Column::Id, Column::OrderIds, Column::MessageId])
            .filter(names_order)
            .into_tuple()
            .all(&self.readers)
            .await?;
        let mut batch = self.begin().await?;
        let deleted = batch.delete_order(id, &order.number).await?;
        for row in logs {
            batch.forget_order(id, row).await?;
        }
        batch.commit().await?;
        Ok(deleted)
    }
}

impl Batch {
    pub(crate) async fn delete_order(&mut self, id: i64, number: &OrderNumber) -> Result<bool, StoreError> {
        self.orders(std::slice::from_ref(number)).await?;
        let Some(known) = self.known.remove(number).flatten().filter(|known| known.id == id) else {
            return Ok(false);
        };
        self.sums.replace(Some(&known.contribution), None)?;
        let items = order_items::Entity::delete_many().filter(order_items::Column::OrderId.eq(id));
        items.exec(&self.transaction).await?;
        let events = order_events::Entity::delete_many().filter(order_events::Column::OrderId.eq(id));
        events.exec(&self.transaction).await?;
        orders::Entity::delete_by_id(id).exec(&self.transaction).await?;
        Ok(true)
    }

    /// Removes an order from a row of the log, and the row or its text if it names no other order.
    async fn forget_order(&self, order: i64, (id, orders, message): LogRow) -> Result<(), StoreError> {
        let mut others: Vec<i64> = serde_json::from_str(&orders).unwrap_or_default();
        others.retain(|other| *other != order);
        if others.is_empty() && message.is_none() {
            Entity::delete_by_id(id).exec(&self.transaction).await?;
            return Ok(());
        }
        let mut row = Entity::update_many().col_expr(Column::OrderIds, Expr::val(to_json(&others)));
        if others.is_empty() {
            row = row
                .col_expr(Column::Payload, Expr::val(""))
                .col_expr(Column::Flattened, Expr::val(""))
                .col_expr(Column::EmptiedAt, Expr::val(clock::now()));
        }
        row.filter(Column::Id.eq(id)).exec(&self.transaction).await?;
        Ok(())
    }
}
