//! The items of orders: read with the orders that exist, and written in the transaction of their order.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use super::batch::Batch;
use super::insert::{MAX_ROWS, insert, padded};
use crate::order::Order;
use crate::store::StoreError;
use crate::store::entity::order_items;
use crate::store::entity::order_items::{COLUMNS, Column, Entity};

/// Reads the items of these orders. New orders, which have no row id, are left out.
pub(crate) async fn load<'a>(
    connection: &impl ConnectionTrait,
    orders: impl IntoIterator<Item = &'a mut Order>,
) -> Result<(), StoreError> {
    let mut orders: HashMap<i64, &mut Order> =
        orders.into_iter().filter(|order| order.id != 0).map(|order| (order.id, order)).collect();
    let mut ids: Vec<i64> = orders.keys().copied().collect();
    ids.sort_unstable();
    for chunk in ids.chunks(MAX_ROWS) {
        let rows = Entity::find()
            .filter(Column::OrderId.is_in(padded(chunk).copied()))
            .order_by_asc(Column::OrderId)
            .order_by_asc(Column::Position);
        for row in rows.all(connection).await? {
            if let Some(order) = orders.get_mut(&row.order_id) {
                order.items.push(order_items::item(row));
            }
        }
    }
    Ok(())
}

impl Batch {
    /// Writes the items that differ from the stored ones, and deletes stored items that the order no longer
    /// has. The orders must be written first.
    pub(crate) async fn save_items(&self, orders: &[(i64, &Order)]) -> Result<(), StoreError> {
        let replaced: Vec<String> =
            COLUMNS.iter().skip(2).map(|column| format!("{column} = excluded.{column}")).collect();
        let tail = format!(" ON CONFLICT (order_id, position) DO UPDATE SET {}", replaced.join(", "));
        let mut rows = Vec::with_capacity(orders.len());
        for (id, order) in orders {
            let known = self.known.get(&order.number).and_then(Option::as_ref);
            let stored = known.map_or(&[][..], |known| &known.items);
            if stored.len() > order.items.len() {
                let last = i32::try_from(order.items.len()).unwrap_or(i32::MAX);
                let gone =
                    Entity::delete_many().filter(Column::OrderId.eq(*id)).filter(Column::Position.gt(last));
                gone.exec(&self.transaction).await?;
            }
            let differing =
                order.items.iter().enumerate().filter(|(at, item)| stored.get(*at) != Some(*item));
            rows.extend(differing.map(|(at, item)| order_items::values(*id, at, item)));
        }
        insert(&self.transaction, "order_items", COLUMNS, rows.into_iter(), &tail).await.map(drop)
    }
}
