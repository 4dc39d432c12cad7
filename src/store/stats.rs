//! Sums over orders: how many, how many units, how much was spent.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use iso_currency::Currency;
use rust_decimal::Decimal;
use sea_orm::{EntityTrait, QuerySelect};

use super::entity::orders::{Column, Entity};
use super::{Store, StoreError};
use crate::order::{Amount, Status, currency_from_code, day_of};

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
pub enum By {
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

/// What is read of an order.
type Row = (
    Option<DateTime<Utc>>,
    DateTime<Utc>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<Decimal>,
    Option<i32>,
);

impl Store {
    /// The orders of a period, put together. Days come in their order, all else by number of
    /// orders, then by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stats(&self, period: &Period, by: By) -> Result<Vec<StatRow>, StoreError> {
        let key = match by {
            By::Day => Column::OrderNumber,
            By::Store => Column::Store,
            By::Status => Column::Status,
            By::Profile => Column::Profile,
            By::Product => Column::Product,
        };
        let rows: Vec<Row> = Entity::find()
            .select_only()
            .columns([Column::OrderDate, Column::CreatedAt])
            .column_as(key, "stat_key")
            .columns([Column::Status, Column::Currency, Column::Total, Column::Quantity])
            .into_tuple()
            .all(&self.readers)
            .await?;
        let mut sums = BTreeMap::<Option<String>, (StatRow, BTreeMap<Option<String>, Spend>)>::new();
        for (date, created, key, status, currency, total, quantity) in rows {
            let day = day_of(date.unwrap_or(created), self.timezone);
            if period.from.is_some_and(|from| day < from) || period.to.is_some_and(|to| day > to) {
                continue;
            }
            let key = if by == By::Day { Some(day.to_string()) } else { key };
            let empty = || StatRow { key: key.clone(), orders: 0, void: 0, units: 0, spend: Vec::new() };
            let (row, spend) = sums.entry(key.clone()).or_insert_with(|| (empty(), BTreeMap::new()));
            row.orders += 1;
            if status.as_deref().and_then(Status::from_name).is_some_and(Status::is_void) {
                row.void += 1;
                continue;
            }
            row.units += quantity.and_then(|units| u64::try_from(units).ok()).unwrap_or_default();
            if let Some(total) = total.and_then(Amount::from_decimal) {
                let currency_of = currency.as_deref().and_then(currency_from_code);
                let sum = spend.entry(currency).or_insert(Spend {
                    currency: currency_of,
                    hundredths: 0,
                    orders: 0,
                });
                sum.hundredths = sum.hundredths.saturating_add(total.hundredths());
                sum.orders += 1;
            }
        }
        let mut rows: Vec<StatRow> = sums
            .into_values()
            .map(|(row, spend)| StatRow { spend: spend.into_values().collect(), ..row })
            .collect();
        if by != By::Day {
            rows.sort_by(|a, b| b.orders.cmp(&a.orders).then_with(|| a.key.cmp(&b.key)));
        }
        Ok(rows)
    }
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
