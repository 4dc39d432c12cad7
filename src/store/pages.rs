//! Pages of the list of orders, and how many there are.

use sea_orm::{
    ColumnTrait, Condition, EntityTrait, Order as Sort, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::entity::orders::{Column, Entity};
use super::orders::condition;
use super::{OrderFilter, Store, StoreError, rows};
use crate::order::Order;

/// Where a page of a list begins. The list goes by row id, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// At the newest order.
    Newest,
    /// At the oldest order: the last page.
    Oldest,
    /// At the next order older than this row id.
    Before(i64),
    /// At the next order newer than this row id: the page ends there.
    After(i64),
}

/// A page of the list of orders.
#[derive(Clone, Debug)]
pub struct OrderPage {
    /// Newest first.
    pub items: Vec<Order>,
    /// Whether the filter finds orders newer than these.
    pub has_newer: bool,
    /// Whether the filter finds orders older than these.
    pub has_older: bool,
}

/// How many orders a filter finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// How many; at least so many where that is not exact.
    pub count: u64,
    /// Whether these are all.
    pub exact: bool,
}

impl Store {
    /// At most `limit` orders from that place on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn order_page(
        &self,
        filter: &OrderFilter,
        from: From,
        limit: u64,
    ) -> Result<OrderPage, StoreError> {
        let (bound, backward) = match from {
            From::Newest => (None, false),
            From::Oldest => (None, true),
            From::Before(id) => (Some(Column::Id.lt(id)), false),
            From::After(id) => (Some(Column::Id.gt(id)), true),
        };
        let sort = if backward { Sort::Asc } else { Sort::Desc };
        // One order more than asked for tells whether any follow.
        let rows = Entity::find()
            .filter(condition(filter).add_option(bound))
            .order_by(Column::Id, sort)
            .limit(limit.saturating_add(1))
            .all(&self.readers)
            .await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let ahead = rows.len() > limit;
        let mut items: Vec<Order> =
            rows.into_iter().take(limit).map(rows::order).collect::<Result<_, _>>()?;
        let behind = match from {
            From::Newest | From::Oldest => false,
            From::Before(id) => self.any_order(filter, Column::Id.gte(id)).await?,
            From::After(id) => self.any_order(filter, Column::Id.lte(id)).await?,
        };
        if backward {
            items.reverse();
            return Ok(OrderPage { items, has_newer: ahead, has_older: behind });
        }
        Ok(OrderPage { items, has_newer: behind, has_older: ahead })
    }

    /// How many orders the filter finds.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_orders(&self, filter: &OrderFilter) -> Result<Total, StoreError> {
        let count = Entity::find().filter(condition(filter)).count(&self.readers).await?;
        Ok(Total { count, exact: true })
    }

    async fn any_order(&self, filter: &OrderFilter, bound: impl Into<Condition>) -> Result<bool, StoreError> {
        let any = Entity::find().filter(condition(filter).add(bound.into())).limit(1);
        Ok(any.one(&self.readers).await?.is_some())
    }
}
