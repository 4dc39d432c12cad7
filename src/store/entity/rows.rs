//! Converts orders to rows and back. The list of columns comes from the list of an order's fields.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::Value;
use serde_json::Map;

use super::orders::{Model, Stored};
use crate::order::items::search_text;
use crate::order::{Extra, FieldChange, Fields, Order, OrderNumber, Source, with_order_fields};
use crate::store::StoreError;

type Unreadable = BTreeMap<&'static str, String>;

macro_rules! define_conversions {
    ($($(#[$doc:meta])+ $name:ident: $type:ty,)+) => {
        /// The columns of `orders` except `id`, in the order of [`values`].
        pub(crate) const ORDER_COLUMNS: &[&str] = &[
            "order_number",
            "source",
            "created_at",
            "updated_at",
            "extra",
            "derived",
            "cleared",
            "newest_message_at",
            "items_text",
            $(stringify!($name),)+
        ];

        /// The values of a row, in the order of [`ORDER_COLUMNS`].
        pub(crate) fn values(order: &Order) -> Vec<Value> {
            let unreadable = &order.unreadable;
            let mut fields = order.fields.clone();
            if !unreadable.contains_key("qty_received") {
                // The column of a new order holds 0, not NULL.
                fields.qty_received = fields.qty_received.or(Some(0));
            }
            let source = unreadable.get("source").map_or(order.source.as_str(), String::as_str);
            vec![
                order.number.as_str().into(),
                source.into(),
                order.created_at.into(),
                order.updated_at.into(),
                to_json(&order.extra).into(),
                names_to_text(&order.derived).into(),
                names_to_text(&order.cleared).into(),
                order.newest.into(),
                search_text(order).into(),
                $(to_column(fields.$name, stringify!($name), unreadable),)+
            ]
        }

        /// The order of a row, without its items. A value that no field can hold reads as empty, and is kept as text.
        pub(crate) fn order(row: Model) -> Result<Order, StoreError> {
            let number = OrderNumber::parse(&row.order_number)
                .map_err(|_| StoreError::Corrupt("order_number"))?;
            let mut unreadable = Unreadable::new();
            let mut fields = Fields { $($name: from_column(row.$name, stringify!($name), &mut unreadable),)+ };
            fields.qty_received = fields.qty_received.filter(|count| *count > 0);
            let source = Source::from_name(&row.source).unwrap_or_else(|| {
                unreadable.insert("source", row.source);
                Source::ManualUpload
            });
            Ok(Order {
                id: row.id,
                number,
                fields,
                extra: extra_from_json(&row.extra),
                items: Vec::new(),
                unreadable,
                derived: names_from_text(&row.derived),
                cleared: names_from_text(&row.cleared),
                source,
                newest: row.newest_message_at,
                created_at: row.created_at,
                updated_at: row.updated_at,
            })
        }
    };
}
with_order_fields!(define_conversions);

fn to_column<T: Stored>(field: Option<T>, name: &str, unreadable: &Unreadable) -> Value
where
    Option<T::Sql>: Into<Value>,
{
    let kept = || unreadable.get(name)?.parse().ok();
    field.and_then(Stored::into_sql).or_else(kept).into()
}

fn from_column<T: Stored>(
    column: Option<T::Sql>,
    name: &'static str,
    unreadable: &mut Unreadable,
) -> Option<T> {
    match T::from_sql(column?) {
        Ok(value) => Some(value),
        Err(value) => {
            unreadable.insert(name, value.to_string());
            None
        }
    }
}

/// Reads `extra`. Values that are not text become text. If the whole column is not a JSON object, its text is kept
/// under the label `extra`.
fn extra_from_json(json: &str) -> Extra {
    if let Ok(extra) = serde_json::from_str(json) {
        return extra;
    }
    let as_text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    match serde_json::from_str::<Map<String, serde_json::Value>>(json) {
        Ok(values) => values.into_iter().map(|(label, value)| (label, as_text(value))).collect(),
        Err(_) if json.trim().is_empty() => Extra::new(),
        Err(_) => Extra::from([("extra".to_owned(), json.to_owned())]),
    }
}

/// Names of columns, with commas.
fn names_to_text(names: &BTreeSet<&'static str>) -> String {
    names.iter().copied().collect::<Vec<_>>().join(",")
}

/// The columns that such a text names.
fn names_from_text(text: &str) -> BTreeSet<&'static str> {
    Fields::NAMES.iter().copied().filter(|name| text.split(',').any(|listed| listed == *name)).collect()
}

/// A JSON text of plain data, which cannot fail.
pub(crate) fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// A change as it stands in the JSON of `order_events`.
#[derive(serde::Serialize)]
struct NamedChange<'a> {
    field: &'a str,
    old: Option<&'a str>,
    new: Option<&'a str>,
}

/// Changes as the JSON of `order_events`: `[{"field","old","new"}]`.
pub(crate) fn changes_to_json(changes: &[FieldChange]) -> String {
    let named = changes.iter().map(|FieldChange { field, old, new }| NamedChange {
        field,
        old: old.as_deref(),
        new: new.as_deref(),
    });
    to_json(&named.collect::<Vec<_>>())
}

/// The changes of such a JSON; what cannot be read is left out.
pub(crate) fn changes_from_json(json: &str) -> Vec<FieldChange> {
    let changes: Vec<BTreeMap<String, Option<String>>> = serde_json::from_str(json).unwrap_or_default();
    let take = |mut change: BTreeMap<String, Option<String>>| {
        Some(FieldChange {
            field: change.remove("field").flatten()?,
            old: change.remove("old").flatten(),
            new: change.remove("new").flatten(),
        })
    };
    changes.into_iter().filter_map(take).collect()
}
