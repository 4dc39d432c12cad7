//! Sums over orders: how many, how many units, how much was spent.

use chrono::{Days, NaiveDate};
use iso_currency::Currency;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::order::currency_from_code;
use crate::store::entity::order_sums::{Column, Entity};
use crate::store::write::sums::Kind;
use crate::store::{Store, StoreError};

/// Days in the configured time zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// The first day; `None` is the first there is.
    pub from: Option<NaiveDate>,
    /// The last day; `None` is the last there is.
    pub to: Option<NaiveDate>,
}

/// What orders are put together by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// The day of the order: that of its date, else of its arrival, in the configured time zone.
    Day,
    /// The store, as the cards name it.
    Store,
    /// The status.
    Status,
    /// The checkout bot's profile.
    Profile,
    /// The product.
    Product,
}

/// The orders of one day, store, status, profile or product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatRow {
    /// Which one; a day as `2026-01-31`; `None` where the orders do not say.
    pub key: Option<String>,
    /// How many orders.
    pub orders: u64,
    /// How many of them are cancelled or refunded, which count for nothing else.
    pub void: u64,
    /// Units of the others.
    pub units: u64,
    /// Totals of the others, by currency.
    pub spend: Vec<Spend>,
}

/// What was spent in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spend {
    /// The currency; `None` where the orders do not say.
    pub currency: Option<Currency>,
    /// Sum of the totals, in hundredths of the major unit.
    pub hundredths: i64,
    /// How many orders it is the sum of: those with a total.
    pub orders: u64,
}

/// A row of the sums, put together: name or day, currency, orders, void, units, priced, hundredths.
type Sums = (String, String, i64, i64, i64, i64, i64);

impl Store {
    /// The orders of a period, put together. Days come in their order, all else by number of
    /// orders, then by name.
    ///
    /// # Errors
    /// When the database fails, or a sum of money does not fit 64 bits.
    pub async fn stats(&self, period: &Period, by: GroupBy) -> Result<Vec<StatRow>, StoreError> {
        let (kind, key) = match by {
            GroupBy::Day => (Kind::Status, Column::Day),
            GroupBy::Status => (Kind::Status, Column::Name),
            GroupBy::Store => (Kind::Store, Column::Name),
            GroupBy::Profile => (Kind::Profile, Column::Name),
            GroupBy::Product => (Kind::Product, Column::Name),
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
                rows.push(StatRow { key, orders: 0, void: 0, units: 0, spend: Vec::new() });
            }
            let Some(row) = rows.last_mut() else { continue };
            row.orders += count(orders);
            row.void += count(void);
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

fn count(sum: i64) -> u64 {
    u64::try_from(sum).unwrap_or_default()
}

impl Period {
    /// A single day.
    #[must_use]
    pub const fn day(day: NaiveDate) -> Self {
        Self { from: Some(day), to: Some(day) }
    }

    /// So many days up to and with the last one.
    #[must_use]
    pub fn days_until(last: NaiveDate, days: u64) -> Self {
        Self { from: last.checked_sub_days(Days::new(days.saturating_sub(1))), to: Some(last) }
    }
}
