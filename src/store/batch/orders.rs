//! The orders of a write transaction: read, and written back whole. The sums follow.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{Batch, MAX_ROWS, insert::insert};
use crate::order::{Order, OrderNumber};
use crate::store::StoreError;
use crate::store::entity::orders;
use crate::store::rows::{self, ORDER_COLUMNS, values};
use crate::store::sums::Share;

impl Batch {
    /// The stored orders of these numbers.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn orders(
        &mut self,
        numbers: &[OrderNumber],
    ) -> Result<HashMap<OrderNumber, Order>, StoreError> {
        let mut found = HashMap::new();
        for chunk in numbers.chunks(MAX_ROWS) {
            let rows = orders::Entity::find()
                .filter(orders::Column::OrderNumber.is_in(chunk.iter().map(OrderNumber::as_str)))
                .all(&self.transaction)
                .await?;
            for row in rows {
                let order = rows::order(row)?;
                found.insert(order.number.clone(), order);
            }
        }
        for number in numbers {
            let share = found.get(number).map(|order| self.share(order));
            self.shares.insert(number.clone(), share);
        }
        Ok(found)
    }

    /// Writes whole rows, new or known by their number, and gives the row id of each number.
    /// The numbers must differ.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_orders(&mut self, orders: &[&Order]) -> Result<HashMap<OrderNumber, i64>, StoreError> {
        self.replace_shares(orders).await?;
        let replaced: Vec<String> =
            ORDER_COLUMNS.iter().skip(1).map(|column| format!("{column} = excluded.{column}")).collect();
        let tail = format!(
            " ON CONFLICT (order_number) DO UPDATE SET {} RETURNING id, order_number",
            replaced.join(", ")
        );
        let rows = orders.iter().map(|order| values(order).into());
        let mut ids = HashMap::with_capacity(orders.len());
        for row in insert(&self.transaction, "orders", &ORDER_COLUMNS, rows, &tail).await? {
            let number: String = row.try_get("", "order_number")?;
            let number =
                OrderNumber::parse(&number).map_err(|_| StoreError::Corrupt { column: "order_number" })?;
            ids.insert(number, row.try_get("", "id")?);
        }
        Ok(ids)
    }

    /// What these orders add to the sums instead of what they added before. Orders that this
    /// transaction has not seen yet are read for it.
    async fn replace_shares(&mut self, orders: &[&Order]) -> Result<(), StoreError> {
        let unseen: Vec<OrderNumber> = orders
            .iter()
            .filter(|order| !self.shares.contains_key(&order.number))
            .map(|order| order.number.clone())
            .collect();
        self.orders(&unseen).await?;
        for order in orders {
            let share = self.share(order);
            let before = self.shares.get(&order.number).and_then(Option::as_ref);
            self.sums.replace(before, Some(&share))?;
            self.shares.insert(order.number.clone(), Some(share));
        }
        Ok(())
    }

    fn share(&self, order: &Order) -> Share {
        Share::of(&order.fields, order.created_at, self.timezone)
    }
}
