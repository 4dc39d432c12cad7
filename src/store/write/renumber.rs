//! Orders that take another number: an order was stored under a number made from its Discord message, and the message
//! states the real number later.

use std::collections::HashMap;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::batch::Batch;
use super::insert::MAX_ROWS;
use super::orders::numbers_of;
use crate::order::OrderNumber;
use crate::store::StoreError;
use crate::store::entity::rows::to_json;
use crate::store::entity::{order_events, orders, webhook_logs};

/// A stored order that takes another number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renumbered {
    /// Its row id.
    pub id: i64,
    /// Its number in the database.
    pub from: OrderNumber,
    /// Its new number. No order has it.
    pub to: OrderNumber,
}

/// A stored order that becomes part of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absorbed {
    /// Its row id, which will be gone.
    pub id: i64,
    /// Its number, made from a Discord message.
    pub number: OrderNumber,
    /// The row id of the other order.
    pub into: i64,
}

/// The orders of these Discord messages, in the order of the cards. Of several versions of a message, the newest one
/// that names an order counts.
pub(crate) async fn orders_of_messages(
    connection: &impl ConnectionTrait,
    message_ids: &[i64],
) -> Result<HashMap<i64, Vec<OrderNumber>>, StoreError> {
    let mut ids = HashMap::new();
    for chunk in message_ids.chunks(MAX_ROWS) {
        let lists = webhook_logs::Entity::find()
            .select_only()
            .columns([webhook_logs::Column::MessageId, webhook_logs::Column::OrderIds])
            .filter(webhook_logs::Column::MessageId.is_in(chunk.iter().copied()))
            .order_by_asc(webhook_logs::Column::Id)
            .into_tuple::<(i64, String)>()
            .all(connection)
            .await?;
        for (message, list) in lists {
            let orders: Vec<i64> = serde_json::from_str(&list).unwrap_or_default();
            if !orders.is_empty() {
                ids.insert(message, orders);
            }
        }
    }
    let named: Vec<i64> = ids.values().flatten().copied().collect();
    let numbers: HashMap<i64, OrderNumber> = numbers_of(connection, &named).await?.into_iter().collect();
    let numbers_of_list = |list: Vec<i64>| list.iter().filter_map(|id| numbers.get(id).cloned()).collect();
    Ok(ids.into_iter().map(|(message, list)| (message, numbers_of_list(list))).collect())
}

impl Batch {
    /// Gives orders their new numbers. The rows must have been read by this batch.
    ///
    /// # Errors
    /// [`StoreError::Raced`] if another process changed one of the orders meanwhile, and if the database fails.
    pub async fn renumber_orders(&mut self, renumbered: &[Renumbered]) -> Result<(), StoreError> {
        for Renumbered { id, from, to } in renumbered {
            let written = orders::Entity::update_many()
                .col_expr(orders::Column::OrderNumber, Expr::val(to.as_str()))
                .filter(orders::Column::Id.eq(*id))
                .filter(orders::Column::OrderNumber.eq(from.as_str()))
                .exec(&self.transaction)
                .await?;
            if written.rows_affected != 1 {
                return Err(StoreError::Raced);
            }
            let known = self.known.insert(from.clone(), None).flatten();
            self.known.insert(to.clone(), known);
        }
        Ok(())
    }

    /// Moves the history and the log rows of orders to the orders that they become part of, and deletes their rows.
    pub async fn absorb_orders(&mut self, absorbed: &[Absorbed]) -> Result<(), StoreError> {
        for Absorbed { id, number, into } in absorbed {
            self.move_log_rows(*id, number, *into).await?;
            order_events::Entity::update_many()
                .col_expr(order_events::Column::OrderId, Expr::val(*into))
                .filter(order_events::Column::OrderId.eq(*id))
                .exec(&self.transaction)
                .await?;
            self.delete_order(*id, number).await?;
        }
        Ok(())
    }

    /// Replaces the order `from` by `into` in log rows: those of its history, and those of the Discord message that its
    /// number was made from.
    async fn move_log_rows(&self, from: i64, number: &OrderNumber, into: i64) -> Result<(), StoreError> {
        use webhook_logs::Column;

        let of_history: Vec<Option<i64>> = order_events::Entity::find()
            .select_only()
            .column(order_events::Column::LogId)
            .filter(order_events::Column::OrderId.eq(from))
            .filter(order_events::Column::LogId.is_not_null())
            .into_tuple()
            .all(&self.transaction)
            .await?;
        let chosen = Condition::any()
            .add(Column::Id.is_in(of_history.into_iter().flatten()))
            .add_option(number.message_id().map(|message| Column::MessageId.eq(message)));
        let rows: Vec<(i64, String)> = webhook_logs::Entity::find()
            .select_only()
            .columns([Column::Id, Column::OrderIds])
            .filter(chosen)
            .into_tuple()
            .all(&self.transaction)
            .await?;
        for (id, list) in rows {
            let mut moved: Vec<i64> = Vec::new();
            for order in serde_json::from_str::<Vec<i64>>(&list).unwrap_or_default() {
                let order = if order == from { into } else { order };
                if !moved.contains(&order) {
                    moved.push(order);
                }
            }
            webhook_logs::Entity::update_many()
                .col_expr(Column::OrderIds, Expr::val(to_json(&moved)))
                .filter(Column::Id.eq(id))
                .exec(&self.transaction)
                .await?;
        }
        Ok(())
    }
}
