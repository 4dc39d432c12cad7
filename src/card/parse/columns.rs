//! Which column of an order a label fills, where its value is taken as it is.

use chrono::{DateTime, Utc};

use super::labels::Column;
use crate::order::{Amount, Fields};

/// A column of an order: its name, and where it is kept.
type Slot<T> = fn(&mut Fields) -> &mut Option<T>;

/// Columns that take one line of text.
pub(crate) fn text_slot(column: Column) -> Option<(&'static str, Slot<String>)> {
    Some(match column {
        Column::Product => ("product", |fields| &mut fields.product),
        Column::CustomerName => ("customer_name", |fields| &mut fields.customer_name),
        Column::PaymentMethod => ("payment_method", |fields| &mut fields.payment_method),
        Column::Proxy => ("proxy_list", |fields| &mut fields.proxy_list),
        Column::Reference => ("reference_number", |fields| &mut fields.reference_number),
        Column::FraudStatus => ("fraud_status", |fields| &mut fields.fraud_status),
        Column::Tracking => ("tracking_number", |fields| &mut fields.tracking_number),
        Column::ShippingMethod => ("shipping_method", |fields| &mut fields.shipping_method),
        Column::Store => ("store", |fields| &mut fields.store),
        Column::Worksheet => ("worksheet_name", |fields| &mut fields.worksheet_name),
        _ => return None,
    })
}

/// Columns that take money, and whether it may be below zero. A bare `Amount` is the total where
/// a price is stated too, else the price.
pub(crate) fn amount_slot(column: Column, has_price: bool) -> Option<(&'static str, bool, Slot<Amount>)> {
    Some(match column {
        Column::Price => ("price", false, |fields| &mut fields.price),
        Column::Amount if !has_price => ("price", false, |fields| &mut fields.price),
        Column::Total | Column::Amount => ("total", false, |fields| &mut fields.total),
        Column::Commission => ("commission", true, |fields| &mut fields.commission),
        _ => return None,
    })
}

/// Columns that take a date.
pub(crate) fn date_slot(column: Column) -> Option<(&'static str, Slot<DateTime<Utc>>)> {
    Some(match column {
        Column::OrderDate => ("order_date", |fields| &mut fields.order_date),
        Column::PostedDate => ("posted_date", |fields| &mut fields.posted_date),
        Column::ShippedDate => ("shipped_date", |fields| &mut fields.shipped_date),
        Column::DeliveredDate => ("delivered_date", |fields| &mut fields.delivered_date),
        _ => return None,
    })
}

/// Columns that take the link behind a value.
pub(crate) fn link_slot(column: Column) -> Option<(&'static str, Slot<String>)> {
    Some(match column {
        Column::Product | Column::Item | Column::ProductUrl => {
            ("product_url", |fields| &mut fields.product_url)
        }
        Column::OrderNumber | Column::OrderUrl => ("order_url", |fields| &mut fields.order_url),
        Column::ImageUrl => ("image_url", |fields| &mut fields.image_url),
        _ => return None,
    })
}
