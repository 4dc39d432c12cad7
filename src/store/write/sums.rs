//! Keeps `order_sums`: the number of orders, units and money per day, for statistics that need not read every order.
//!
//! Each order counts in a row for its status, store, profile and owner and in one for each of its products, each with its day
//! and currency. An empty column counts under the empty text. If an order has several items, each product counts only
//! its own units and line totals. A transaction that changes an order subtracts its previous contribution
//! and adds the new one. Rows without orders are deleted.

pub(crate) mod recount;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, Value};

use super::insert::insert;
use crate::order::dates::day_of;
use crate::order::items::units;
use crate::order::{Amount, Fields, Order, OrderItem, Status, currency_from_code};
use crate::store::entity::order_sums::{Column, Entity};
use crate::store::{Spend, StatRow, Store, StoreError};

/// Characters of a name in a row. PostgreSQL's index does not accept texts of any length.
const MAX_NAME_CHARS: usize = 255;

/// The column that a row groups by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SumKind {
    Status,
    Store,
    Profile,
    Product,
    Owner,
}

impl SumKind {
    /// The name in the table.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Store => "store",
            Self::Profile => "profile",
            Self::Product => "product",
            Self::Owner => "owner",
        }
    }
}

/// The contribution of one order to the sums.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contribution {
    day: String,
    currency: String,
    /// One for each row that the order counts in.
    rows: Vec<(SumKind, String, Amounts)>,
}

/// The numbers of a row, or the difference to add to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Amounts {
    orders: i64,
    void: i64,
    units: i64,
    priced: i64,
    hundredths: i64,
}

/// The key of a row: kind, day, name, currency.
type Key = (&'static str, String, String, String);

/// Differences to add to the rows, sorted by key: every process writes them in this order.
#[derive(Debug, Default)]
pub(crate) struct SumChanges(BTreeMap<Key, Amounts>);

impl Contribution {
    /// The contribution of an order with these fields and items. Without an order date, `created_at` gives the day.
    pub(crate) fn of(fields: &Fields, items: &[OrderItem], created_at: DateTime<Utc>, zone: Tz) -> Self {
        let void = fields.status.is_some_and(Status::is_cancelled_or_refunded);
        let amounts = |units, total| Amounts::of_order(void, units, total);
        let whole = amounts(fields.quantity.unwrap_or(0), fields.total);
        let status = fields.status.map(|status| status.as_str().to_owned()).unwrap_or_default();
        let mut rows = vec![
            (SumKind::Status, status, whole),
            (SumKind::Store, row_name(fields.store.as_deref()), whole),
            (SumKind::Profile, row_name(fields.profile.as_deref()), whole),
            (SumKind::Owner, row_name(fields.owner_id.as_deref()), whole),
        ];
        if items.len() > 1 {
            let mut products = BTreeMap::<String, (u32, Option<Amount>)>::new();
            for item in items {
                let (sum, total) = products.entry(row_name(item.product.as_deref())).or_default();
                *sum = sum.saturating_add(units(item));
                *total = match (*total, item.line_total) {
                    (Some(sum), Some(line)) => sum.plus(line).or(Some(sum)),
                    (sum, line) => sum.or(line),
                };
            }
            let product = |(product, (units, total))| (SumKind::Product, product, amounts(units, total));
            rows.extend(products.into_iter().map(product));
        } else {
            rows.push((SumKind::Product, row_name(fields.product.as_deref()), whole));
        }
        Self {
            day: day(fields.order_date.unwrap_or(created_at), zone),
            currency: fields.currency.map(|currency| currency.code().to_owned()).unwrap_or_default(),
            rows,
        }
    }

    /// The rows for the order's products, each with the units of it that have arrived.
    pub(crate) fn products(&self, order: &Order) -> impl Iterator<Item = (StatRow, u64)> {
        self.rows.iter().filter(|(kind, ..)| *kind == SumKind::Product).map(|(_, name, amounts)| {
            let received = match order.items.as_slice() {
                _ if amounts.void > 0 => 0,
                [] | [_] => order.fields.qty_received.map_or(0, u64::from),
                items => {
                    let of_product = items.iter().filter(|item| row_name(item.product.as_deref()) == *name);
                    of_product.filter_map(|item| item.qty_received).map(u64::from).sum()
                }
            };
            (amounts.row(name, &self.currency), received)
        })
    }
}

impl Amounts {
    /// The amounts that one order adds. Units and money of a cancelled or refunded one do not count.
    fn of_order(void: bool, units: u32, total: Option<Amount>) -> Self {
        let total = total.filter(|_| !void);
        Self {
            orders: 1,
            void: i64::from(void),
            units: if void { 0 } else { i64::from(units) },
            priced: i64::from(total.is_some()),
            hundredths: total.map_or(0, Amount::hundredths),
        }
    }

    /// The amounts as a row of statistics.
    fn row(self, name: &str, currency: &str) -> StatRow {
        let spend = Spend {
            currency: currency_from_code(currency),
            hundredths: self.hundredths,
            orders: self.priced.unsigned_abs(),
        };
        StatRow {
            key: Some(name.to_owned()).filter(|name| !name.is_empty()),
            orders: self.orders.unsigned_abs(),
            cancelled_or_refunded: self.void.unsigned_abs(),
            units: self.units.unsigned_abs(),
            spend: if self.priced > 0 { vec![spend] } else { Vec::new() },
        }
    }

    const fn numbers(self) -> [i64; 5] {
        [self.orders, self.void, self.units, self.priced, self.hundredths]
    }

    fn plus(self, other: Self, sign: i64) -> Result<Self, StoreError> {
        let add = |a: i64, b: i64| {
            b.checked_mul(sign).and_then(|b| a.checked_add(b)).ok_or(StoreError::Corrupt("total"))
        };
        Ok(Self {
            orders: add(self.orders, other.orders)?,
            void: add(self.void, other.void)?,
            units: add(self.units, other.units)?,
            priced: add(self.priced, other.priced)?,
            hundredths: add(self.hundredths, other.hundredths)?,
        })
    }
}

impl SumChanges {
    /// Replaces the previous contribution of an order by the new one.
    pub(crate) fn replace(
        &mut self,
        before: Option<&Contribution>,
        after: Option<&Contribution>,
    ) -> Result<(), StoreError> {
        if before == after {
            return Ok(());
        }
        for (contribution, sign) in [(before, -1), (after, 1)] {
            let Some(contribution) = contribution else { continue };
            for (kind, name, amounts) in &contribution.rows {
                let key =
                    (kind.as_str(), contribution.day.clone(), name.clone(), contribution.currency.clone());
                let sum = self.0.entry(key).or_default();
                *sum = sum.plus(*amounts, sign)?;
            }
        }
        Ok(())
    }

    /// Adds the differences to the stored rows.
    pub(crate) async fn save(self, transaction: &impl ConnectionTrait) -> Result<(), StoreError> {
        const COLUMNS: [&str; 9] =
            ["kind", "day", "name", "currency", "orders", "void", "units", "priced", "hundredths"];
        let tail = " ON CONFLICT (kind, day, name, currency) DO UPDATE SET \
                    orders = order_sums.orders + excluded.orders, void = order_sums.void + excluded.void, \
                    units = order_sums.units + excluded.units, priced = order_sums.priced + excluded.priced, \
                    hundredths = order_sums.hundredths + excluded.hundredths";
        let changes: Vec<_> =
            self.0.into_iter().filter(|(_, amounts)| *amounts != Amounts::default()).collect();
        let may_be_empty = changes.iter().any(|(_, amounts)| amounts.orders < 0);
        let rows = changes.into_iter().map(|((kind, day, name, currency), amounts)| {
            let key = [kind.into(), day.into(), name.into(), currency.into()];
            key.into_iter().chain(amounts.numbers().map(Value::from)).collect()
        });
        insert(transaction, "order_sums", &COLUMNS, rows, tail).await?;
        if may_be_empty {
            transaction.execute_unprepared("DELETE FROM order_sums WHERE orders = 0").await?;
        }
        Ok(())
    }
}

/// A name as the table stores it.
fn row_name(text: Option<&str>) -> String {
    text.unwrap_or_default().chars().take(MAX_NAME_CHARS).collect()
}

/// The day of a time, as the table stores it.
fn day(moment: DateTime<Utc>, zone: Tz) -> String {
    day_of(moment, zone).to_string()
}

impl Store {
    /// The number of orders with these names, on all days.
    pub(crate) async fn count_named(
        &self,
        kind: SumKind,
        name: impl Into<Condition>,
    ) -> Result<u64, StoreError> {
        let sum = Column::Orders.sum().cast_as("bigint");
        let counted: Option<Option<i64>> = Entity::find()
            .select_only()
            .column_as(sum, "counted")
            .filter(Column::Kind.eq(kind.as_str()))
            .filter(name.into())
            .into_tuple()
            .one(&self.readers)
            .await?;
        Ok(counted.flatten().and_then(|counted| u64::try_from(counted).ok()).unwrap_or_default())
    }
}
