//! The columns of an exported table, and their cells.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use iso_currency::Currency;

use crate::order::{Amount, Carrier, Order, OrderItem, Status, with_order_fields};

/// A value of the table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Empty,
    Text(String),
    Count(u32),
    Amount(Amount),
    /// UTC.
    Time(DateTime<Utc>),
    Day(NaiveDate),
}

/// A column of the table, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportColumn(&'static str);

/// There is no column of this name.
#[derive(Debug, thiserror::Error)]
#[error("there is no column `{name}`; the columns are {}", names())]
pub struct UnknownColumn {
    name: String,
}

fn names() -> String {
    ExportColumn::all().map(ExportColumn::name).collect::<Vec<_>>().join(", ")
}

impl FromStr for ExportColumn {
    type Err = UnknownColumn;

    fn from_str(name: &str) -> Result<Self, UnknownColumn> {
        let found = Self::all().find(|column| column.0.eq_ignore_ascii_case(name.trim()));
        found.ok_or_else(|| UnknownColumn { name: name.trim().to_owned() })
    }
}

macro_rules! define_columns {
    ($($(#[$doc:meta])+ $name:ident: $type:ty,)+) => {
        const NAMES: &[&str] = &[
            "order_number", "order_day", $(stringify!($name),)+ "carrier", "items", "source", "created_at", "updated_at",
        ];

        fn cell(order: &Order, name: &str, zone: Tz) -> Cell {
            let fields = &order.fields;
            match name {
                "order_number" => Cell::Text(order.number.to_string()),
                "order_day" => fields.order_date.map_or(Cell::Empty, |time| Cell::Day(time.with_timezone(&zone).date_naive())),
                $(stringify!($name) => fields.$name.as_ref().map_or(Cell::Empty, ToCell::to_cell),)+
                "carrier" => {
                    let carrier = fields.tracking_number.as_deref().and_then(Carrier::of);
                    carrier.map_or(Cell::Empty, |carrier| Cell::Text(carrier.as_str().to_owned()))
                }
                "items" => Cell::Text(order.items.iter().map(describe).collect::<Vec<_>>().join("; ")),
                "source" => Cell::Text(order.source.as_str().to_owned()),
                "created_at" => Cell::Time(order.created_at),
                "updated_at" => Cell::Time(order.updated_at),
                _ => Cell::Empty,
            }
        }
    };
}
with_order_fields!(define_columns);

impl ExportColumn {
    /// All columns, in the order of a table without a choice of columns. `order_day` is the day of `order_date` in the
    /// configured time zone.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|name| Self(name))
    }

    /// The name, which is also the heading.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }

    pub(crate) fn cell(self, order: &Order, zone: Tz) -> Cell {
        cell(order, self.0, zone)
    }
}

/// An item as text: `2 × Mini Kit (M)`.
fn describe(item: &OrderItem) -> String {
    let quantity = item.quantity.unwrap_or(1);
    let size = item.size.as_ref().map(|size| format!(" ({size})")).unwrap_or_default();
    format!("{quantity} × {}{size}", item.product.as_deref().or(item.sku.as_deref()).unwrap_or("?"))
}

/// A column's value as a cell.
trait ToCell {
    fn to_cell(&self) -> Cell;
}

macro_rules! to_cells {
    ($($type:ty: |$value:ident| $cell:expr;)+) => {
        $(impl ToCell for $type {
            fn to_cell(&self) -> Cell {
                let $value = self;
                $cell
            }
        })+
    };
}
to_cells! {
    String: |text| Cell::Text(text.clone());
    u32: |count| Cell::Count(*count);
    Amount: |amount| Cell::Amount(*amount);
    DateTime<Utc>: |time| Cell::Time(*time);
    Status: |status| Cell::Text(status.as_str().to_owned());
    Currency: |currency| Cell::Text(currency.code().to_owned());
}
