//! Pages of the list of orders.

use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, Order as Sort, QueryFilter, QueryOrder,
    QuerySelect, StatementBuilder,
};

use super::entity::orders::{Column, Entity};
use super::filter::Split;
use super::search::Hits;
use super::ways::{CHECKED, Way};
use super::{OrderFilter, Store, StoreError, rows};
use crate::order::Order;

/// Orders at the beginning of a stretch that are looked at before an index is asked whose finds
/// come in another order.
const NEAR: u64 = 3_000;

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

/// A stretch of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Only row ids beyond this one.
    pub(super) beyond: Option<i64>,
    /// From new to old.
    pub(super) descending: bool,
}

impl Stretch {
    /// All of the list, from new to old.
    pub(super) const ALL: Self = Self { beyond: None, descending: true };

    fn sort(self) -> Sort {
        if self.descending { Sort::Desc } else { Sort::Asc }
    }

    /// Which ids lie on it.
    pub(super) fn condition(self, id: Expr) -> Condition {
        let beyond = self.beyond.map(|beyond| if self.descending { id.lt(beyond) } else { id.gt(beyond) });
        Condition::all().add_option(beyond)
    }
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
        // What lies behind begins at the row of the cursor itself.
        let (stretch, back) = match from {
            From::Newest => (Stretch::ALL, None),
            From::Oldest => (Stretch { beyond: None, descending: false }, None),
            From::Before(id) => (
                Stretch { beyond: Some(id), descending: true },
                Some(Stretch { beyond: id.checked_sub(1), descending: false }),
            ),
            From::After(id) => (
                Stretch { beyond: Some(id), descending: false },
                Some(Stretch { beyond: id.checked_add(1), descending: true }),
            ),
        };
        let way = self.way(filter).await?;
        // One order more than asked for tells whether any follow.
        let mut items = self.stretch(&way, stretch, limit.saturating_add(1)).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let ahead = items.len() > limit;
        items.truncate(limit);
        let behind = match back {
            Some(back) => !self.stretch(&way, back, 1).await?.is_empty(),
            None => false,
        };
        if stretch.descending {
            return Ok(OrderPage { items, has_newer: behind, has_older: ahead });
        }
        items.reverse();
        Ok(OrderPage { items, has_newer: ahead, has_older: behind })
    }

    /// The page behind the newest `skipped` orders. Those are gone through, so that this is for
    /// the first few thousand; a cursor goes anywhere.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn order_page_behind(
        &self,
        filter: &OrderFilter,
        skipped: u64,
        limit: u64,
    ) -> Result<OrderPage, StoreError> {
        let Some(before) = skipped.checked_sub(1) else {
            return self.order_page(filter, From::Newest, limit).await;
        };
        let last_skipped = match self.way(filter).await? {
            Way::InOrder(Split { lookup, rest }) => {
                let at = list(Condition::all().add(lookup).add(rest), 1).offset(before).to_owned();
                self.ids(at).await?.pop()
            }
            way => {
                let skip = usize::try_from(before).unwrap_or(usize::MAX);
                self.scattered_ids(&way, Stretch::ALL, skipped).await?.get(skip).copied()
            }
        };
        match last_skipped {
            Some(id) => self.order_page(filter, From::Before(id), limit).await,
            None => Ok(OrderPage { items: Vec::new(), has_newer: true, has_older: false }),
        }
    }

    /// The first so many orders on a stretch.
    async fn stretch(&self, way: &Way, stretch: Stretch, limit: u64) -> Result<Vec<Order>, StoreError> {
        match way {
            Way::InOrder(Split { lookup, rest }) => {
                let rows = Entity::find()
                    .filter(lookup.clone())
                    .filter(rest.clone())
                    .filter(stretch.condition(Expr::col(Column::Id)))
                    .order_by(Column::Id, stretch.sort())
                    .limit(limit)
                    .all(&self.readers)
                    .await?;
                rows.into_iter().map(rows::order).collect()
            }
            way => self.orders_by_ids(&self.scattered_ids(way, stretch, limit).await?).await,
        }
    }

    /// The first so many row ids on a stretch, where no index has them in order.
    async fn scattered_ids(&self, way: &Way, stretch: Stretch, limit: u64) -> Result<Vec<i64>, StoreError> {
        match way {
            Way::InOrder(Split { lookup, rest }) | Way::Scattered(Split { lookup, rest }) => {
                let fitting = Condition::all().add(lookup.clone()).add(rest.clone());
                let ids = self.ids(near(&fitting, stretch, limit)).await?;
                if ids.len() as u64 == limit {
                    return Ok(ids);
                }
                let backend = self.readers.get_database_backend();
                self.ids(scattered(&fitting, stretch, limit, backend)).await
            }
            Way::Search(lookup, rest) => {
                let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
                Hits::new(self, lookup, rest.clone()).ids(stretch, wanted).await
            }
        }
    }

    /// The row ids that a query gives.
    pub(super) async fn ids(&self, query: SelectStatement) -> Result<Vec<i64>, StoreError> {
        let statement = StatementBuilder::build(&query, &self.readers.get_database_backend());
        let rows = self.readers.query_all_raw(statement).await?;
        Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
    }
}

/// The newest orders that fit.
pub(super) fn list(fitting: Condition, limit: u64) -> SelectStatement {
    let mut newest = Query::select();
    newest.column(Column::Id).from(Entity).cond_where(fitting).order_by(Column::Id, Sort::Desc).limit(limit);
    newest
}

/// Of the orders at the beginning of a stretch, the first so many that fit.
pub(super) fn near(fitting: &Condition, stretch: Stretch, limit: u64) -> SelectStatement {
    let mut beginning = Query::select();
    beginning
        .columns([Column::Id])
        .columns(CHECKED)
        .from(Entity)
        .cond_where(stretch.condition(Expr::col(Column::Id)))
        .order_by(Column::Id, stretch.sort())
        .limit(NEAR);
    let mut first = Query::select();
    first
        .column(Column::Id)
        .from_subquery(beginning, Entity)
        .cond_where(fitting.clone())
        .order_by(Column::Id, stretch.sort())
        .limit(limit);
    first
}

/// The first so many orders on a stretch that fit, from all that fit.
pub(super) fn scattered(
    fitting: &Condition,
    stretch: Stretch,
    limit: u64,
    backend: DbBackend,
) -> SelectStatement {
    let mut all = Query::select();
    all.column(Column::Id).from(Entity).cond_where(fitting.clone());
    if backend == DbBackend::Postgres {
        // It would walk the list, in the belief that what fits is spread evenly.
        all.cond_where(stretch.condition(Expr::col(Column::Id))).offset(0);
        let mut first = Query::select();
        first.column(Column::Id).from_subquery(all, Entity).order_by(Column::Id, stretch.sort()).limit(limit);
        return first;
    }
    all.cond_where(stretch.condition(Expr::cust("+id"))).order_by(Column::Id, stretch.sort()).limit(limit);
    all
}
