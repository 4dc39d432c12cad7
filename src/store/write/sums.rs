//! `order_sums`: what each order adds to the sums of its day, kept in the transaction that changes
//! the order.
//!
//! An order stands in four rows: under its status, its store, its profile and its product, each of
//! its day and currency. What an order does not say is the empty text. Whoever changes an order
//! takes away what it added before and adds what it adds now; rows of no order are deleted.

pub(crate) mod recount;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect,
    Value,
};

use super::insert::insert;
use crate::order::dates::day_of;
use crate::order::{Amount, Fields, Status};
use crate::store::entity::order_sums::{Column, Entity};
use crate::store::{Store, StoreError};

/// Longest name that a row is kept under, in characters: an index does not take texts of any
/// length.
const LONGEST_NAME: usize = 255;

/// What the rows are by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Status,
    Store,
    Profile,
    Product,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Status, Self::Store, Self::Profile, Self::Product];

    /// As it stands in the table.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Store => "store",
            Self::Profile => "profile",
            Self::Product => "product",
        }
    }
}

/// What one order adds to the sums.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    day: String,
    /// In the order of [`Kind::ALL`].
    names: [String; 4],
    currency: String,
    amounts: Amounts,
}

/// The numbers of a row, or how they change.
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

/// How rows change, in the order in which everybody writes them.
#[derive(Debug, Default)]
pub(crate) struct Changes(BTreeMap<Key, Amounts>);

impl Share {
    /// What an order of these columns adds, made at `created_at`. Days are those of the time zone.
    pub(crate) fn of(fields: &Fields, created_at: DateTime<Utc>, zone: Tz) -> Self {
        let name = |text: &Option<String>| -> String {
            text.as_deref().unwrap_or_default().chars().take(LONGEST_NAME).collect()
        };
        let void = fields.status.is_some_and(Status::is_cancelled_or_refunded);
        let total = fields.total.filter(|_| !void);
        Self {
            day: day(fields.order_date.unwrap_or(created_at), zone),
            names: [
                fields.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
                name(&fields.store),
                name(&fields.profile),
                name(&fields.product),
            ],
            currency: fields.currency.map(|currency| currency.code().to_owned()).unwrap_or_default(),
            amounts: Amounts {
                orders: 1,
                void: i64::from(void),
                units: fields.quantity.filter(|_| !void).map_or(0, i64::from),
                priced: i64::from(total.is_some()),
                hundredths: total.map_or(0, Amount::hundredths),
            },
        }
    }
}

impl Amounts {
    const fn numbers(self) -> [i64; 5] {
        [self.orders, self.void, self.units, self.priced, self.hundredths]
    }

    fn plus(self, other: Self, sign: i64) -> Result<Self, StoreError> {
        let add = |a: i64, b: i64| {
            b.checked_mul(sign).and_then(|b| a.checked_add(b)).ok_or(StoreError::Corrupt { column: "total" })
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

impl Changes {
    /// Replaces what an order added before by what it adds now.
    ///
    /// # Errors
    /// Where a sum is too large.
    pub(crate) fn replace(
        &mut self,
        before: Option<&Share>,
        after: Option<&Share>,
    ) -> Result<(), StoreError> {
        if before == after {
            return Ok(());
        }
        for (share, sign) in [(before, -1), (after, 1)] {
            let Some(share) = share else { continue };
            for (kind, name) in Kind::ALL.into_iter().zip(&share.names) {
                let key = (kind.as_str(), share.day.clone(), name.clone(), share.currency.clone());
                let sum = self.0.entry(key).or_default();
                *sum = sum.plus(share.amounts, sign)?;
            }
        }
        Ok(())
    }

    /// Writes them.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn save(self, transaction: &DatabaseTransaction) -> Result<(), StoreError> {
        const COLUMNS: [&str; 9] =
            ["kind", "day", "name", "currency", "orders", "void", "units", "priced", "hundredths"];
        let tail = " ON CONFLICT (kind, day, name, currency) DO UPDATE SET \
                    orders = order_sums.orders + excluded.orders, void = order_sums.void + excluded.void, \
                    units = order_sums.units + excluded.units, priced = order_sums.priced + excluded.priced, \
                    hundredths = order_sums.hundredths + excluded.hundredths";
        let changes: Vec<_> =
            self.0.into_iter().filter(|(_, amounts)| *amounts != Amounts::default()).collect();
        let fewer = changes.iter().any(|(_, amounts)| amounts.orders < 0);
        let rows = changes.into_iter().map(|((kind, day, name, currency), amounts)| {
            let key = [kind.into(), day.into(), name.into(), currency.into()];
            key.into_iter().chain(amounts.numbers().map(Value::from)).collect()
        });
        insert(transaction, "order_sums", &COLUMNS, rows, tail).await?;
        if fewer {
            transaction.execute_unprepared("DELETE FROM order_sums WHERE orders = 0").await?;
        }
        Ok(())
    }
}

/// The day of a moment, as the table has it.
fn day(moment: DateTime<Utc>, zone: Tz) -> String {
    day_of(moment, zone).to_string()
}

impl Store {
    /// How many orders there are of these names, on all days.
    pub(crate) async fn count_named(
        &self,
        kind: Kind,
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
