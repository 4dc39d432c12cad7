//! The orders of a write transaction: read, and written back whole. The sums follow.
//!
//! On PostgreSQL other processes write too. Orders that are there are locked when they are read;
//! that one was not there is checked when it is written.

use std::collections::HashMap;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, QueryFilter, QueryOrder};
use sea_orm::{QueryResult, QuerySelect, Statement, Value};

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
            let mut wanted = orders::Entity::find()
                .filter(orders::Column::OrderNumber.is_in(chunk.iter().map(OrderNumber::as_str)));
            if self.backend() == DbBackend::Postgres {
                // In the order of the bytes, as everybody locks, so that no two wait in a circle.
                wanted = wanted.order_by_asc(Expr::cust("order_number COLLATE \"C\"")).lock_exclusive();
            }
            for row in wanted.all(&self.transaction).await? {
                let order = rows::order(row)?;
                found.insert(order.number.clone(), order);
            }
        }
        for number in numbers {
            let seen = found.get(number).map(|order| (order.id, self.share(order)));
            self.seen.insert(number.clone(), seen);
        }
        Ok(found)
    }

    /// Writes whole rows, new or known by their number, and gives the row id of each number. The
    /// numbers must differ. New orders get their ids in the order in which they stand here.
    ///
    /// # Errors
    /// [`StoreError::Raced`] when another process has created one of the new orders; else when
    /// the database fails.
    pub async fn save_orders(&mut self, orders: &[&Order]) -> Result<HashMap<OrderNumber, i64>, StoreError> {
        let unseen: Vec<OrderNumber> = orders
            .iter()
            .filter(|order| !self.seen.contains_key(&order.number))
            .map(|order| order.number.clone())
            .collect();
        self.orders(&unseen).await?;
        let ids = self.write_orders(orders).await?;
        for order in orders {
            let share = self.share(order);
            let before = self.seen.get(&order.number).and_then(Option::as_ref).map(|(_, share)| share);
            self.sums.replace(before, Some(&share))?;
            self.seen.insert(order.number.clone(), ids.get(&order.number).map(|id| (*id, share)));
        }
        Ok(ids)
    }

    async fn write_orders(&self, orders: &[&Order]) -> Result<HashMap<OrderNumber, i64>, StoreError> {
        let replaced: Vec<String> =
            ORDER_COLUMNS.iter().skip(1).map(|column| format!("{column} = excluded.{column}")).collect();
        let tail = format!(
            " ON CONFLICT (order_number) DO UPDATE SET {} RETURNING id, order_number",
            replaced.join(", ")
        );
        if self.backend() != DbBackend::Postgres {
            let rows = orders.iter().map(|order| values(order).into());
            return ids(&insert(&self.transaction, "orders", &ORDER_COLUMNS, rows, &tail).await?);
        }
        let columns: Vec<&str> = ["id"].into_iter().chain(ORDER_COLUMNS).collect();
        let given = self.with_ids(orders).await?;
        let rows =
            given.iter().map(|(id, order)| [Value::from(*id)].into_iter().chain(values(order)).collect());
        let written = ids(&insert(&self.transaction, "orders", &columns, rows, &tail).await?)?;
        // A row of another id than it was given had been there.
        let raced = given.iter().any(|(id, order)| written.get(&order.number) != Some(id));
        if raced { Err(StoreError::Raced) } else { Ok(written) }
    }

    /// The orders with their ids, those of new ones from the sequence, and then in the order in
    /// which everybody locks. The upsert itself would take an id for known orders too.
    async fn with_ids<'a>(&self, orders: &[&'a Order]) -> Result<Vec<(i64, &'a Order)>, StoreError> {
        let known = |order: &Order| match self.seen.get(&order.number) {
            Some(Some((id, _))) => Some(*id),
            _ => Some(order.id).filter(|id| *id != 0),
        };
        let new = orders.iter().filter(|order| known(order).is_none()).count();
        let sql = "SELECT nextval(pg_get_serial_sequence('orders', 'id')) AS id FROM generate_series(1, $1)";
        let count = i64::try_from(new).unwrap_or(i64::MAX);
        let ask = Statement::from_sql_and_values(self.backend(), sql, [count.into()]);
        let rows = if new == 0 { Vec::new() } else { self.transaction.query_all_raw(ask).await? };
        let mut fresh = rows.iter().map(|row| row.try_get("", "id")).collect::<Result<Vec<i64>, DbErr>>()?;
        fresh.sort_unstable();
        let mut fresh = fresh.into_iter();
        let id = |order: &Order| known(order).or_else(|| fresh.next()).unwrap_or(0);
        let mut given: Vec<_> = orders.iter().copied().map(id).zip(orders.iter().copied()).collect();
        given.sort_unstable_by_key(|(_, order)| &order.number);
        Ok(given)
    }

    fn share(&self, order: &Order) -> Share {
        Share::of(&order.fields, order.created_at, self.timezone)
    }
}

/// The row id of each number.
fn ids(written: &[QueryResult]) -> Result<HashMap<OrderNumber, i64>, StoreError> {
    let of_row = |row: &QueryResult| {
        let number: String = row.try_get("", "order_number")?;
        let number =
            OrderNumber::parse(&number).map_err(|_| StoreError::Corrupt { column: "order_number" })?;
        Ok((number, row.try_get("", "id")?))
    };
    written.iter().map(of_row).collect()
}
