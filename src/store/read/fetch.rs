//! Orders fetched in the order of the list.

use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{
    Condition, ConnectionTrait, DbBackend, EntityTrait, Order as Sort, QueryFilter, QueryOrder, QuerySelect,
    StatementBuilder,
};

use super::filter::Split;
use super::plan::{CHECKED, Way};
use crate::order::Order;
use crate::store::entity::orders::{Column, Entity};
use crate::store::entity::rows;
use crate::store::search::{Hits, Lookup};
use crate::store::{Store, StoreError};

/// Orders at the beginning of a stretch that are looked at before an index is asked whose finds
/// come in another order.
const NEAR: u64 = 3_000;

/// A stretch of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// Only row ids beyond this one.
    pub(crate) beyond: Option<i64>,
    /// From new to old.
    pub(crate) descending: bool,
}

impl Stretch {
    /// All of the list, from new to old.
    pub(crate) const ALL: Self = Self { beyond: None, descending: true };

    fn sort(self) -> Sort {
        if self.descending { Sort::Desc } else { Sort::Asc }
    }

    /// Which ids lie on it.
    pub(crate) fn condition(self, id: Expr) -> Condition {
        let beyond = self.beyond.map(|beyond| if self.descending { id.lt(beyond) } else { id.gt(beyond) });
        Condition::all().add_option(beyond)
    }
}

impl Store {
    /// The first so many orders on a stretch.
    pub(crate) async fn stretch(
        &self,
        way: &Way,
        stretch: Stretch,
        limit: u64,
    ) -> Result<Vec<Order>, StoreError> {
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
    pub(crate) async fn scattered_ids(
        &self,
        way: &Way,
        stretch: Stretch,
        limit: u64,
    ) -> Result<Vec<i64>, StoreError> {
        match way {
            Way::InOrder(Split { lookup, rest }) | Way::Scattered(Split { lookup, rest }) => {
                let fitting = lookup.clone().add(rest.clone());
                let ids = self.ids(near(&fitting, stretch, limit)).await?;
                if ids.len() as u64 == limit {
                    return Ok(ids);
                }
                let backend = self.readers.get_database_backend();
                self.ids(scattered(&fitting, stretch, limit, backend)).await
            }
            Way::Search(lookup, rest) => self.search_ids(lookup, rest, stretch, limit).await,
        }
    }

    /// The first so many hits of a search on a stretch, by the search index.
    pub(crate) async fn search_ids(
        &self,
        lookup: &Lookup,
        rest: &Condition,
        stretch: Stretch,
        limit: u64,
    ) -> Result<Vec<i64>, StoreError> {
        if self.search.is_lagging() {
            let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
            return Hits::new(self, lookup, rest.clone()).ids(stretch, wanted).await;
        }
        let fitting = lookup.condition().add(rest.clone());
        if lookup.is_common() {
            let ids = self.ids(near(&fitting, stretch, limit)).await?;
            if ids.len() as u64 == limit {
                return Ok(ids);
            }
        }
        self.ids(scattered(&fitting, stretch, limit, DbBackend::Postgres)).await
    }

    /// The row ids, or other whole numbers, that a query gives.
    pub(crate) async fn ids(&self, query: SelectStatement) -> Result<Vec<i64>, StoreError> {
        let statement = StatementBuilder::build(&query, &self.readers.get_database_backend());
        let rows = self.readers.query_all_raw(statement).await?;
        Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
    }
}

/// The newest orders that fit.
pub(crate) fn list(fitting: Condition, limit: u64) -> SelectStatement {
    let mut newest = Query::select();
    newest.column(Column::Id).from(Entity).cond_where(fitting).order_by(Column::Id, Sort::Desc).limit(limit);
    newest
}

/// Of the orders at the beginning of a stretch, the first so many that fit.
pub(crate) fn near(fitting: &Condition, stretch: Stretch, limit: u64) -> SelectStatement {
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
pub(crate) fn scattered(
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
