//! The orders of a write transaction: they are read, and written back as whole rows. The sums are updated with them.
//!
//! On PostgreSQL other processes write as well. Existing orders are locked when they are read. Whether a new order
//! is still new is checked when it is written.

use std::collections::HashMap;

use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Value,
};

use super::batch::{Batch, KnownOrder};
use super::insert::{MAX_ROWS, insert, padded, reserve_ids};
use super::items;
use super::sums::Contribution;
use crate::order::{Order, OrderNumber};
use crate::store::StoreError;
use crate::store::entity::orders;
use crate::store::entity::rows;
use crate::store::entity::rows::{ORDER_COLUMNS, values};

/// The stored orders of these numbers, with their items.
pub(crate) async fn find(
    connection: &impl ConnectionTrait,
    numbers: &[OrderNumber],
    for_update: bool,
) -> Result<HashMap<OrderNumber, Order>, StoreError> {
    let mut found = HashMap::new();
    for chunk in numbers.chunks(MAX_ROWS) {
        let mut wanted = orders::Entity::find()
            .filter(orders::Column::OrderNumber.is_in(padded(chunk).map(OrderNumber::as_str)));
        if for_update && connection.get_database_backend() == DbBackend::Postgres {
            // Everybody locks in the order of the bytes, so that no two wait for each other.
            wanted = wanted.order_by_asc(Expr::cust("order_number COLLATE \"C\"")).lock_exclusive();
        }
        for row in wanted.all(connection).await? {
            let order = rows::order(row)?;
            found.insert(order.number.clone(), order);
        }
    }
    items::load(connection, found.values_mut()).await?;
    Ok(found)
}

/// The orders with these row ids, by id and number. Ids without an order are left out.
pub(crate) async fn numbers_of(
    connection: &impl ConnectionTrait,
    ids: &[i64],
) -> Result<Vec<(i64, OrderNumber)>, StoreError> {
    let mut numbers = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(MAX_ROWS) {
        let found = orders::Entity::find()
            .select_only()
            .columns([orders::Column::Id, orders::Column::OrderNumber])
            .filter(orders::Column::Id.is_in(chunk.iter().copied()))
            .into_tuple::<(i64, String)>()
            .all(connection)
            .await?;
        numbers.extend(found.iter().filter_map(|(id, text)| Some((*id, OrderNumber::parse(text).ok()?))));
    }
    Ok(numbers)
}

impl Batch {
    /// Reads and locks the stored orders of these numbers.
    pub async fn orders(
        &mut self,
        numbers: &[OrderNumber],
    ) -> Result<HashMap<OrderNumber, Order>, StoreError> {
        let found = find(&self.transaction, numbers, true).await?;
        self.note_known(numbers, &found);
        Ok(found)
    }

    /// Remembers which of these orders exist.
    pub(crate) fn note_known(&mut self, numbers: &[OrderNumber], found: &HashMap<OrderNumber, Order>) {
        for number in numbers.iter().filter(|number| !found.contains_key(number)) {
            self.known.insert(number.clone(), None);
        }
        for (number, order) in found {
            let (contribution, items) = (self.contribution(order), order.items.clone());
            self.known.insert(number.clone(), Some(KnownOrder { id: order.id, contribution, items }));
        }
    }

    /// Writes new and existing orders as whole rows, and returns the row id of each number. The numbers must differ.
    /// New orders get ascending ids.
    ///
    /// # Errors
    /// [`StoreError::Raced`] if another process created one of the new orders in the meantime, and if the database
    /// fails.
    pub async fn save_orders(&mut self, orders: &[&Order]) -> Result<HashMap<OrderNumber, i64>, StoreError> {
        let unseen: Vec<OrderNumber> = orders
            .iter()
            .filter(|order| !self.known.contains_key(&order.number))
            .map(|order| order.number.clone())
            .collect();
        self.orders(&unseen).await?;
        let given = self.with_ids(orders).await?;
        self.write_orders(&given).await?;
        self.save_items(&given).await?;
        let mut ids = HashMap::with_capacity(given.len());
        for (id, order) in given {
            let contribution = self.contribution(order);
            let before = self.known.get(&order.number).and_then(Option::as_ref);
            self.sums.replace(before.map(|known| &known.contribution), Some(&contribution))?;
            let known = KnownOrder { id, contribution, items: Vec::new() };
            self.known.insert(order.number.clone(), Some(known));
            ids.insert(order.number.clone(), id);
        }
        Ok(ids)
    }

    async fn write_orders(&self, orders: &[(i64, &Order)]) -> Result<(), StoreError> {
        let columns: Vec<&str> = ["id"].iter().chain(ORDER_COLUMNS).copied().collect();
        let rows =
            orders.iter().map(|(id, order)| [Value::from(*id)].into_iter().chain(values(order)).collect());
        let replaced: Vec<String> =
            ORDER_COLUMNS.iter().skip(1).map(|column| format!("{column} = excluded.{column}")).collect();
        // A row with a different id was created by another process in the meantime. It is left alone.
        let tail = format!(
            " ON CONFLICT (order_number) DO UPDATE SET {} WHERE orders.id = excluded.id",
            replaced.join(", ")
        );
        let written = insert(&self.transaction, "orders", &columns, rows, &tail).await?;
        if written == orders.len() as u64 { Ok(()) } else { Err(StoreError::Raced) }
    }

    /// Pairs each order with its id, which is reserved for a new order.
    async fn with_ids<'a>(&self, orders: &[&'a Order]) -> Result<Vec<(i64, &'a Order)>, StoreError> {
        let known = |order: &Order| match self.known.get(&order.number) {
            Some(Some(known)) => Some(known.id),
            _ => Some(order.id).filter(|id| *id != 0),
        };
        let new = orders.iter().filter(|order| known(order).is_none()).count();
        let mut reserved = reserve_ids(&self.transaction, "orders", new).await?.into_iter();
        let id = |order: &Order| known(order).or_else(|| reserved.next()).unwrap_or(0);
        let mut given: Vec<_> = orders.iter().copied().map(id).zip(orders.iter().copied()).collect();
        if self.backend() == DbBackend::Postgres {
            // Every process locks in this order.
            given.sort_unstable_by_key(|(_, order)| &order.number);
        }
        Ok(given)
    }

    fn contribution(&self, order: &Order) -> Contribution {
        Contribution::of(&order.fields, &order.items, order.created_at, self.timezone)
    }
}
