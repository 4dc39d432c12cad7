//! Pages of the list of orders: chooses how to find the orders of a filter, and fetches them newest first.
//!
//! ROMS chooses the index itself. SQLite does not know how common a value is, and PostgreSQL assumes
//! that matches are spread evenly over the list, so that both read far too much for some filters.

use sea_orm::sea_query::{Expr, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, Order as Sort, QueryFilter, QueryOrder,
    QuerySelect, StatementBuilder,
};

use super::filter::{IdRange, PRODUCTS, SEARCHED, Split, Term, name_is};
use crate::order::Order;
use crate::store::entity::order_sums;
use crate::store::entity::orders::{Column, Entity};
use crate::store::entity::rows;
use crate::store::search::{Lookup, Sample};
use crate::store::write::sums::SumKind;
use crate::store::{OrderFilter, Store, StoreError};

/// If a status or a store has no more orders than this, a search reads them one by one instead of using
/// the search index.
const MAX_SCANNED: u64 = 20_000;
/// How many of the newest orders are read before an index is used that returns orders unsorted.
const WINDOW_SIZE: u64 = 3_000;

/// The columns that a filter can ask about.
pub(crate) const FILTERED_COLUMNS: [Column; 14] = [
    Column::OrderNumber,
    Column::Product,
    Column::Email,
    Column::Profile,
    Column::OwnerId,
    Column::TrackingNumber,
    Column::ItemsText,
    Column::Status,
    Column::Store,
    Column::OrderDate,
    Column::Quantity,
    Column::QtyReceived,
    Column::CreatedAt,
    Column::UpdatedAt,
];

/// Where a page of a list begins. The list is sorted by row id, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageStart {
    /// At the newest order.
    Newest,
    /// At the oldest order: the last page.
    Oldest,
    /// At the newest order that is older than this row id.
    Before(i64),
    /// The page ends at the oldest order that is newer than this row id.
    After(i64),
}

/// A page of the list of orders.
#[derive(Clone, Debug)]
pub struct OrderPage {
    /// Newest first.
    pub items: Vec<Order>,
    /// Whether the filter matches orders newer than these.
    pub has_newer: bool,
    /// Whether the filter matches orders older than these.
    pub has_older: bool,
}

/// How the orders of a filter are found.
#[derive(Clone, Debug)]
pub(crate) enum QueryPlan {
    /// By an index that returns them in the order of the list, or by reading the list itself.
    Sorted(Split),
    /// By an index that returns them in another order.
    Unsorted(Split),
    /// By the search index; each order found is checked for the condition.
    Search(Lookup, Condition),
}

impl Store {
    /// At most `limit` orders from `start` on.
    pub async fn order_page(
        &self,
        filter: &OrderFilter,
        start: PageStart,
        limit: u64,
    ) -> Result<OrderPage, StoreError> {
        // Orders on the other side of a cursor include the order of the cursor itself.
        let (range, other_side) = match start {
            PageStart::Newest => (IdRange::ALL, None),
            PageStart::Oldest => (IdRange { beyond: None, descending: false }, None),
            PageStart::Before(id) => (
                IdRange { beyond: Some(id), descending: true },
                Some(IdRange { beyond: id.checked_sub(1), descending: false }),
            ),
            PageStart::After(id) => (
                IdRange { beyond: Some(id), descending: false },
                Some(IdRange { beyond: id.checked_add(1), descending: true }),
            ),
        };
        let plan = self.plan(filter).await?;
        // One order more than asked for tells whether another page follows.
        let mut items = self.fetch(&plan, range, limit.saturating_add(1)).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_next = items.len() > limit;
        items.truncate(limit);
        let has_previous = match other_side {
            Some(range) => !self.fetch(&plan, range, 1).await?.is_empty(),
            None => false,
        };
        if range.descending {
            return Ok(OrderPage { items, has_newer: has_previous, has_older: has_next });
        }
        items.reverse();
        Ok(OrderPage { items, has_newer: has_next, has_older: has_previous })
    }

    /// The page after the newest `skipped` orders. The database reads those too, so use a cursor beyond
    /// the first few thousand.
    pub async fn order_page_at_offset(
        &self,
        filter: &OrderFilter,
        skipped: u64,
        limit: u64,
    ) -> Result<OrderPage, StoreError> {
        let Some(offset) = skipped.checked_sub(1) else {
            return self.order_page(filter, PageStart::Newest, limit).await;
        };
        let last_skipped = match self.plan(filter).await? {
            QueryPlan::Sorted(Split { lookup, rest }) => {
                self.ids(newest(lookup.add(rest), 1).offset(offset).to_owned()).await?.pop()
            }
            plan => {
                let offset = usize::try_from(offset).unwrap_or(usize::MAX);
                self.unsorted_ids(&plan, IdRange::ALL, skipped).await?.get(offset).copied()
            }
        };
        if let Some(id) = last_skipped {
            return self.order_page(filter, PageStart::Before(id), limit).await;
        }
        let newest = self.order_page(filter, PageStart::Newest, 1).await?.items;
        Ok(OrderPage { items: Vec::new(), has_newer: !newest.is_empty(), has_older: false })
    }

    /// Chooses how to find the orders of a filter.
    pub(crate) async fn plan(&self, filter: &OrderFilter) -> Result<QueryPlan, StoreError> {
        let backend = self.readers.get_database_backend();
        let by = |term| filter.split(term, backend);
        if filter.email.is_some() {
            return Ok(QueryPlan::Sorted(by(Some(Term::Email))));
        }
        if filter.profile.is_some() {
            return Ok(QueryPlan::Sorted(by(Some(Term::Profile))));
        }
        if filter.attention.is_some() {
            return Ok(QueryPlan::Sorted(by(Some(Term::Attention))));
        }
        let rarest = self.rarest_term(filter).await?;
        if let Some(text) = &filter.search
            && rarest.is_none_or(|(_, orders)| orders > MAX_SCANNED)
            && let Some(lookup) = self.lookup(&SEARCHED, text, &Sample::default()).await?
        {
            return Ok(QueryPlan::Search(lookup, by(Some(Term::Search)).rest));
        }
        if let Some(text) = &filter.product
            && filter.search.is_none()
            && rarest.is_none_or(|(_, orders)| orders > MAX_SCANNED)
            && let Some(lookup) = self.lookup(&PRODUCTS, text, &Sample::default()).await?
        {
            return Ok(QueryPlan::Search(lookup, by(Some(Term::Product)).rest));
        }
        let has_dates = filter.since.is_some() || filter.until.is_some();
        Ok(match rarest {
            Some((term, _)) => QueryPlan::Sorted(by(Some(term))),
            None if has_dates && filter.search.is_none() && filter.product.is_none() => {
                QueryPlan::Unsorted(by(Some(Term::Dates)))
            }
            None => QueryPlan::Sorted(by(None)),
        })
    }

    /// Of status and store, the one that fewer orders have, and how many. They are only counted if that
    /// makes a difference.
    async fn rarest_term(&self, filter: &OrderFilter) -> Result<Option<(Term, u64)>, StoreError> {
        let matters = filter.search.is_some()
            || filter.product.is_some()
            || filter.status.is_some() && filter.store.is_some();
        let mut found = Vec::new();
        if let Some(status) = filter.status {
            let name = order_sums::Column::Name.eq(status.as_str());
            let orders = if matters { self.count_named(SumKind::Status, name).await? } else { 0 };
            found.push((Term::Status, orders));
        }
        if let Some(store) = &filter.store {
            let orders = if matters { self.count_named(SumKind::Store, name_is(store)).await? } else { 0 };
            found.push((Term::Store, orders));
        }
        Ok(found.into_iter().min_by_key(|(_, orders)| *orders))
    }

    /// The first orders of a range.
    async fn fetch(&self, plan: &QueryPlan, range: IdRange, limit: u64) -> Result<Vec<Order>, StoreError> {
        match plan {
            QueryPlan::Sorted(Split { lookup, rest }) => {
                let rows = Entity::find()
                    .filter(lookup.clone())
                    .filter(rest.clone())
                    .filter(range.condition(Expr::col(Column::Id)))
                    .order_by(Column::Id, range.sort())
                    .limit(limit)
                    .all(&self.readers)
                    .await?;
                rows.into_iter().map(rows::order).collect()
            }
            plan => self.orders_by_ids(&self.unsorted_ids(plan, range, limit).await?).await,
        }
    }

    /// The first row ids of a range, if no index returns them in that order.
    pub(crate) async fn unsorted_ids(
        &self,
        plan: &QueryPlan,
        range: IdRange,
        limit: u64,
    ) -> Result<Vec<i64>, StoreError> {
        match plan {
            QueryPlan::Sorted(Split { lookup, rest }) | QueryPlan::Unsorted(Split { lookup, rest }) => {
                let filter = lookup.clone().add(rest.clone());
                self.window_or_all_ids(&filter, true, range, limit).await
            }
            QueryPlan::Search(lookup, rest) => self.search_ids(lookup, rest, range, limit).await,
        }
    }

    /// The first row ids of a range that a lookup in the search index finds and `rest` allows.
    pub(crate) async fn search_ids(
        &self,
        lookup: &Lookup,
        rest: &Condition,
        range: IdRange,
        limit: u64,
    ) -> Result<Vec<i64>, StoreError> {
        if self.readers.get_database_backend() == DbBackend::Sqlite {
            return self.ids(lookup.sqlite_ids(rest, range, limit)).await;
        }
        let filter = lookup.condition(limit).add(lookup.check().clone()).add(rest.clone());
        self.window_or_all_ids(&filter, lookup.is_common(), range, limit).await
    }

    /// The first row ids of a range, from the window at its beginning if that holds enough of them.
    async fn window_or_all_ids(
        &self,
        filter: &Condition,
        try_window: bool,
        range: IdRange,
        limit: u64,
    ) -> Result<Vec<i64>, StoreError> {
        if try_window {
            let ids = self.ids(window(filter, range, limit)).await?;
            if ids.len() as u64 == limit {
                return Ok(ids);
            }
        }
        self.ids(all_sorted(filter, range, limit, self.readers.get_database_backend())).await
    }

    /// The row ids, or other whole numbers, that a query returns.
    pub(crate) async fn ids(&self, query: SelectStatement) -> Result<Vec<i64>, StoreError> {
        let statement = StatementBuilder::build(&query, &self.readers.get_database_backend());
        let rows = self.readers.query_all_raw(statement).await?;
        Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
    }
}

/// Selects the newest matching orders.
pub(crate) fn newest(filter: Condition, limit: u64) -> SelectStatement {
    let mut newest = Query::select();
    newest.column(Column::Id).from(Entity).cond_where(filter).order_by(Column::Id, Sort::Desc).limit(limit);
    newest
}

/// Selects the first matching orders among the newest [`WINDOW_SIZE`].
pub(crate) fn newest_window(filter: &Condition, limit: u64) -> SelectStatement {
    window(filter, IdRange::ALL, limit)
}

/// Selects the first matching orders among the first [`WINDOW_SIZE`] of a range.
fn window(filter: &Condition, range: IdRange, limit: u64) -> SelectStatement {
    let mut window = Query::select();
    window
        .columns([Column::Id])
        .columns(FILTERED_COLUMNS)
        .from(Entity)
        .cond_where(range.condition(Expr::col(Column::Id)))
        .order_by(Column::Id, range.sort())
        .limit(WINDOW_SIZE);
    let mut first = Query::select();
    first
        .column(Column::Id)
        .from_subquery(window, Entity)
        .cond_where(filter.clone())
        .order_by(Column::Id, range.sort())
        .limit(limit);
    first
}

/// Selects the first matching orders of a range, by finding all of them and sorting them.
pub(crate) fn all_sorted(
    filter: &Condition,
    range: IdRange,
    limit: u64,
    backend: DbBackend,
) -> SelectStatement {
    let mut all = Query::select();
    all.column(Column::Id).from(Entity).cond_where(filter.clone());
    if backend == DbBackend::Postgres {
        // PostgreSQL assumes that matches are spread evenly, and would walk the list until it has enough of them. With
        // `OFFSET 0` it finds all matches first.
        all.cond_where(range.condition(Expr::col(Column::Id))).offset(0);
        let mut first = Query::select();
        first.column(Column::Id).from_subquery(all, Entity).order_by(Column::Id, range.sort()).limit(limit);
        return first;
    }
    // With the plus sign, SQLite does not walk the list in the order of its row ids.
    all.cond_where(range.condition(Expr::cust("+id"))).order_by(Column::Id, range.sort()).limit(limit);
    all
}
