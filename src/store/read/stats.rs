//! Counts and sums over orders: how many match a filter, and orders, units and spend of a period.
//!
//! Sums come from `order_sums`, so that none of them reads all orders. A count that `order_sums` cannot
//! answer stops after some thousand orders.

use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Func, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    StatementBuilder,
};

use super::filter::{Split, name_is};
use super::pages::{FILTERED_COLUMNS, QueryPlan};
use super::totals::{Spend, StatRow, Totals};
use crate::order::dates::start_of_day;
use crate::order::{Amount, Status, currency_from_code};
use crate::store::entity::order_sums::{Column, Entity};
use crate::store::entity::orders;
use crate::store::write::sums::SumKind;
use crate::store::{OrderFilter, Store, StoreError};

/// A count reads at most this many rows.
pub(crate) const MAX_COUNTED: u64 = 10_000;
/// A count by the search index checks at most this many orders.
const MAX_SEARCH_COUNTED: u64 = 2_500;

/// How many rows match a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// How many; there are at least this many if that is not exact.
    pub count: u64,
    /// Whether these are all.
    pub exact: bool,
}

/// Days in the configured time zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// The first day; `None` means from the oldest order on.
    pub from: Option<NaiveDate>,
    /// The last day; `None` means up to the newest order.
    pub to: Option<NaiveDate>,
}

/// The property that orders are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// The day of the order date, else of its arrival, in the configured time zone.
    Day,
    /// The store, as cards name it.
    Store,
    /// The status.
    Status,
    /// The checkout bot's profile.
    Profile,
    /// The Discord member that the order belongs to, by id.
    Owner,
    /// The products: an order counts once for each product of its items, with that product's units and line totals.
    Product,
    /// The reason of the cancellation; counts only cancelled orders.
    Reason,
}

impl GroupBy {
    /// All groupings, by their names.
    pub(crate) const ALL: [(&str, Self); 7] = [
        ("day", Self::Day),
        ("store", Self::Store),
        ("profile", Self::Profile),
        ("owner", Self::Owner),
        ("product", Self::Product),
        ("status", Self::Status),
        ("reason", Self::Reason),
    ];
}

/// A grouped row of `order_sums`: name or day, currency, orders, void, units, priced, hundredths.
type Sums = (String, String, i64, i64, i64, i64, i64);

impl Store {
    /// How many orders match the filter. The count is exact for all orders, a status or a store, and for
    /// any other filter that matches no more than a few thousand orders.
    pub async fn count_orders(&self, filter: &OrderFilter) -> Result<Total, StoreError> {
        if let Some(count) = self.summed_total(filter).await? {
            return Ok(Total { count, exact: true });
        }
        let (found, rest, max) = self.limited_rows(filter).await?;
        let mut rows = Query::select();
        // Unsorted: in the order of the list, the database might read all of it.
        rows.columns(FILTERED_COLUMNS).from(orders::Entity).cond_where(found);
        self.count_rows(rows, rest, max).await
    }

    /// The totals of the orders that [`Self::count_orders`] counts.
    pub(crate) async fn sum_orders(&self, filter: &OrderFilter) -> Result<Totals, StoreError> {
        let by_status = OrderFilter { status: filter.status, ..OrderFilter::default() };
        let by_store = OrderFilter { store: filter.store.clone(), ..OrderFilter::default() };
        let all_days = Period::default();
        if *filter == by_status {
            let rows = self.stats(&all_days, GroupBy::Status).await?;
            let wanted = filter.status.map(Status::as_str);
            return Ok(Totals::of_rows(
                rows.iter().filter(|row| wanted.is_none() || row.key.as_deref() == wanted),
            ));
        }
        if *filter == by_store {
            let rows = self.stats(&all_days, GroupBy::Store).await?;
            let name = |text: &Option<String>| text.as_deref().map(str::to_lowercase);
            return Ok(Totals::of_rows(rows.iter().filter(|row| name(&row.key) == name(&filter.store))));
        }
        let (found, rest, max) = self.limited_rows(filter).await?;
        let mut read = Query::select();
        read.columns(FILTERED_COLUMNS)
            .columns([orders::Column::Currency, orders::Column::Total])
            .from(orders::Entity)
            .cond_where(found)
            .limit(max + 1);
        let mut matching = Query::select();
        matching
            .column(orders::Column::Status)
            .column(orders::Column::Currency)
            .column(orders::Column::Quantity)
            .column(orders::Column::Total)
            .from_subquery(read, orders::Entity)
            .cond_where(rest)
            .limit(max);
        let statement = StatementBuilder::build(&matching, &self.readers.get_database_backend());
        let mut totals = Totals::default();
        for row in self.readers.query_all_raw(statement).await? {
            let status: Option<String> = row.try_get_by_index(0)?;
            let currency: Option<String> = row.try_get_by_index(1)?;
            let units: Option<i32> = row.try_get_by_index(2)?;
            let total: Option<Decimal> = row.try_get_by_index(3)?;
            totals.add_order(
                status.as_deref().and_then(Status::from_name),
                currency.as_deref().and_then(currency_from_code),
                units.and_then(|units| u64::try_from(units).ok()).unwrap_or_default(),
                total.and_then(Amount::from_decimal),
            );
        }
        Ok(totals)
    }

    /// The condition that finds the orders of a filter, the condition that each must satisfy, and how many to read.
    async fn limited_rows(&self, filter: &OrderFilter) -> Result<(Condition, Condition, u64), StoreError> {
        Ok(match self.plan(filter).await? {
            QueryPlan::Sorted(Split { lookup, rest }) | QueryPlan::Unsorted(Split { lookup, rest }) => {
                (lookup, rest, MAX_COUNTED)
            }
            QueryPlan::Search(lookup, rest) => {
                let max = MAX_SEARCH_COUNTED;
                (lookup.condition(max + 1), rest.add(lookup.check().clone()), max)
            }
        })
    }

    /// Counts the first rows of a query, at most `max`, that satisfy a condition.
    pub(crate) async fn count_rows(
        &self,
        mut rows: SelectStatement,
        condition: Condition,
        max: u64,
    ) -> Result<Total, StoreError> {
        let matches =
            if condition.is_empty() { Expr::val(1) } else { Expr::case(condition, 1).finally(0).into() };
        let mut counts = Query::select();
        counts
            .expr(Expr::col(Asterisk).count())
            .expr(matches.sum().cast_as("bigint"))
            .from_subquery(rows.limit(max + 1).to_owned(), orders::Entity);
        let statement = StatementBuilder::build(&counts, &self.readers.get_database_backend());
        let Some(row) = self.readers.query_one_raw(statement).await? else {
            return Ok(Total { count: 0, exact: true });
        };
        let (read, matching): (i64, Option<i64>) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let (read, matching) = (count(read), count(matching.unwrap_or_default()));
        Ok(Total { count: std::cmp::min(matching, max), exact: read <= max })
    }

    /// The total that `order_sums` knows: of all orders, of a status or of a store.
    async fn summed_total(&self, filter: &OrderFilter) -> Result<Option<u64>, StoreError> {
        let by_status = OrderFilter { status: filter.status, ..OrderFilter::default() };
        let by_store = OrderFilter { store: filter.store.clone(), ..OrderFilter::default() };
        if *filter == by_status {
            let name = filter.status.map(|status| Column::Name.eq(status.as_str()));
            return self.count_named(SumKind::Status, Condition::all().add_option(name)).await.map(Some);
        }
        match &filter.store {
            Some(store) if *filter == by_store => {
                self.count_named(SumKind::Store, Condition::all().add(name_is(store))).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The groups of [`Self::stats`], and rows for the totals that count each order once. In the groups, an order with
    /// several products counts for each of them.
    pub async fn stats_with_totals(
        &self,
        period: &Period,
        by: GroupBy,
    ) -> Result<(Vec<StatRow>, Vec<StatRow>), StoreError> {
        let rows = self.stats(period, by).await?;
        let each_once = match by {
            GroupBy::Product | GroupBy::Reason => self.stats(period, GroupBy::Status).await?,
            _ => rows.clone(),
        };
        Ok((rows, each_once))
    }

    /// The orders of a period in groups. Days are sorted by date, other groups by number of orders, then
    /// by name.
    ///
    /// # Errors
    /// When the database fails, or a sum of money does not fit 64 bits.
    pub async fn stats(&self, period: &Period, by: GroupBy) -> Result<Vec<StatRow>, StoreError> {
        let (kind, key) = match by {
            GroupBy::Day => (SumKind::Status, Column::Day),
            GroupBy::Status => (SumKind::Status, Column::Name),
            GroupBy::Store => (SumKind::Store, Column::Name),
            GroupBy::Profile => (SumKind::Profile, Column::Name),
            GroupBy::Owner => (SumKind::Owner, Column::Name),
            GroupBy::Product => (SumKind::Product, Column::Name),
            GroupBy::Reason => return self.cancel_reasons(period).await,
        };
        let sum = |column: Column| column.sum().cast_as("bigint");
        let days = Condition::all()
            .add_option(period.from.map(|from| Column::Day.gte(from.to_string())))
            .add_option(period.to.map(|to| Column::Day.lte(to.to_string())));
        let sums: Vec<Sums> = Entity::find()
            .select_only()
            .columns([key, Column::Currency])
            .column_as(sum(Column::Orders), "sum_orders")
            .column_as(sum(Column::Void), "sum_void")
            .column_as(sum(Column::Units), "sum_units")
            .column_as(sum(Column::Priced), "sum_priced")
            .column_as(sum(Column::Hundredths), "sum_hundredths")
            .filter(Column::Kind.eq(kind.as_str()))
            .filter(days)
            .group_by(key)
            .group_by(Column::Currency)
            .order_by_asc(key)
            .order_by_asc(Column::Currency)
            .into_tuple()
            .all(&self.readers)
            .await?;
        let mut rows = Vec::<StatRow>::new();
        for (name, currency, orders, void, units, priced, hundredths) in sums {
            let key = Some(name).filter(|name| !name.is_empty());
            if rows.last().is_none_or(|row| row.key != key) {
                rows.push(StatRow { key, orders: 0, cancelled_or_refunded: 0, units: 0, spend: Vec::new() });
            }
            let Some(row) = rows.last_mut() else { continue };
            row.orders += count(orders);
            row.cancelled_or_refunded += count(void);
            row.units += count(units);
            if priced > 0 {
                let currency = currency_from_code(&currency);
                row.spend.push(Spend { currency, hundredths, orders: count(priced) });
            }
        }
        if by != GroupBy::Day {
            rows.sort_by(|a, b| b.orders.cmp(&a.orders).then_with(|| a.key.cmp(&b.key)));
        }
        Ok(rows)
    }
}

impl Store {
    /// The cancelled orders of a period by their reason. They are few, so that no sums are kept for them.
    async fn cancel_reasons(&self, period: &Period) -> Result<Vec<StatRow>, StoreError> {
        use orders::Column;

        let day = || Func::coalesce([Expr::col(Column::OrderDate), Expr::col(Column::CreatedAt)]);
        let (since, until) = period.times(self.timezone);
        let days = Condition::all()
            .add_option(since.map(|since| Expr::expr(day()).gte(since)))
            .add_option(until.map(|until| Expr::expr(day()).lt(until)));
        let counted: Vec<(Option<String>, i64)> = orders::Entity::find()
            .select_only()
            .column(Column::CancelReason)
            .column_as(Column::Id.count(), "counted")
            .filter(Column::Status.eq(Status::Cancelled.as_str()))
            .filter(days)
            .group_by(Column::CancelReason)
            .into_tuple()
            .all(&self.readers)
            .await?;
        let row = |(key, orders): (Option<String>, i64)| {
            let orders = count(orders);
            StatRow { key, orders, cancelled_or_refunded: orders, units: 0, spend: Vec::new() }
        };
        let mut rows: Vec<StatRow> = counted.into_iter().map(row).collect();
        rows.sort_by(|a, b| b.orders.cmp(&a.orders).then_with(|| a.key.cmp(&b.key)));
        Ok(rows)
    }
}

fn count(sum: i64) -> u64 {
    u64::try_from(sum).unwrap_or_default()
}

impl Period {
    /// A single day.
    #[must_use]
    pub const fn day(day: NaiveDate) -> Self {
        Self { from: Some(day), to: Some(day) }
    }

    /// The first instant of the period, and the first instant after it.
    pub(crate) fn times(self, zone: Tz) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        let start = |day: NaiveDate| start_of_day(day, zone);
        (self.from.and_then(start), self.to.and_then(|day| day.succ_opt()).and_then(start))
    }

    /// This many days, ending with `last`.
    #[must_use]
    pub fn days_until(last: NaiveDate, days: u64) -> Self {
        Self { from: last.checked_sub_days(Days::new(days.saturating_sub(1))), to: Some(last) }
    }
}
