//! How many orders a filter finds, without counting a million of them.

use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, StatementBuilder};

use super::filter::name_is;
use super::plan::{CHECKED, Way};
use crate::store::entity::order_sums;
use crate::store::entity::orders::Entity;
use crate::store::search::Hits;
use crate::store::write::sums::Kind;
use crate::store::{OrderFilter, Store, StoreError};

/// Rows that are counted at most.
const MOST: usize = 10_000;
/// Finds of the search index that are counted at most where each must be looked at.
const MOST_LOOKED_AT: usize = 2_500;

/// How many orders a filter finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// How many; at least so many where that is not exact.
    pub count: u64,
    /// Whether these are all.
    pub exact: bool,
}

impl Store {
    /// How many orders the filter finds. That of all orders, of a status or of a store is always
    /// exact; anything else is where no more than about 10,000 rows must be counted for it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_orders(&self, filter: &OrderFilter) -> Result<Total, StoreError> {
        if let Some(count) = self.known_total(filter).await? {
            return Ok(Total { count, exact: true });
        }
        match self.way(filter).await? {
            Way::InOrder(split) | Way::Scattered(split) => {
                self.count_rows(split.lookup, split.rest, MOST as u64).await
            }
            Way::Search(lookup, rest) if !self.search.is_lagging() => {
                self.count_rows(lookup.condition(), rest, MOST_LOOKED_AT as u64).await
            }
            Way::Search(lookup, rest) => {
                let looked_at = !lookup.is_exact() || !rest.is_empty();
                let finds = if looked_at { MOST_LOOKED_AT } else { MOST };
                let (count, exact) = Hits::new(self, &lookup, rest).count(finds).await?;
                Ok(Total { count: count as u64, exact })
            }
        }
    }

    /// What the sums know.
    async fn known_total(&self, filter: &OrderFilter) -> Result<Option<u64>, StoreError> {
        let by_status = OrderFilter { status: filter.status, ..OrderFilter::default() };
        let by_store = OrderFilter { store: filter.store.clone(), ..OrderFilter::default() };
        if *filter == by_status {
            let name = filter.status.map(|status| order_sums::Column::Name.eq(status.as_str()));
            return self.count_named(Kind::Status, Condition::all().add_option(name)).await.map(Some);
        }
        match &filter.store {
            Some(store) if *filter == by_store => {
                self.count_named(Kind::Store, Condition::all().add(name_is(store))).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Of the first rows that the lookup finds, how many the rest fits.
    async fn count_rows(&self, lookup: Condition, rest: Condition, most: u64) -> Result<Total, StoreError> {
        let mut found = Query::select();
        // In whatever order: a walk through the list would be the longest of ways.
        found.columns(CHECKED).from(Entity).cond_where(lookup).limit(most + 1);
        let fits = if rest.is_empty() { Expr::val(1) } else { Expr::case(rest, 1).finally(0).into() };
        let mut counts = Query::select();
        counts
            .expr(Expr::col(Asterisk).count())
            .expr(fits.sum().cast_as("bigint"))
            .from_subquery(found, Entity);
        let statement = StatementBuilder::build(&counts, &self.readers.get_database_backend());
        let Some(row) = self.readers.query_one_raw(statement).await? else {
            return Ok(Total { count: 0, exact: true });
        };
        let (found, fitting): (i64, Option<i64>) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let count = u64::try_from(fitting.unwrap_or_default()).unwrap_or_default();
        Ok(Total { count, exact: u64::try_from(found).unwrap_or_default() <= most })
    }
}
