//! Orders as rows and back.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sea_orm::Value;

use super::orders::Model;
use crate::order::{
    Amount, Extra, FieldChange, Fields, Order, OrderNumber, Source, Status, currency_from_code,
};
use crate::store::StoreError;

/// Columns of `orders` that a writer sets, in the order of [`values`].
pub(crate) const ORDER_COLUMNS: [&str; 38] = [
    "order_number",
    "product",
    "price",
    "total",
    "commission",
    "quantity",
    "email",
    "customer_name",
    "profile",
    "proxy_list",
    "reference_number",
    "status",
    "tracking_number",
    "qty_received",
    "payment_method",
    "shipping_address",
    "shipping_method",
    "notes",
    "order_date",
    "order_time",
    "posted_date",
    "shipped_date",
    "delivered_date",
    "source",
    "worksheet_name",
    "created_at",
    "updated_at",
    "store",
    "currency",
    "product_url",
    "order_url",
    "image_url",
    "fraud_status",
    "bot",
    "extra",
    "derived",
    "cleared",
    "newest_message_at",
];

/// The values of a row, in the order of [`ORDER_COLUMNS`].
pub(crate) fn values(order: &Order) -> [Value; 38] {
    let Order { number, fields, extra, derived, cleared, source, newest, created_at, updated_at, .. } = order;
    let money = |amount: Option<Amount>| Value::from(amount.map(Amount::to_decimal));
    let count = |count: Option<u32>| Value::from(count.and_then(|count| i32::try_from(count).ok()));
    let f = fields.clone();
    [
        number.as_str().into(),
        f.product.into(),
        money(f.price),
        money(f.total),
        money(f.commission),
        count(f.quantity),
        f.email.into(),
        f.customer_name.into(),
        f.profile.into(),
        f.proxy_list.into(),
        f.reference_number.into(),
        f.status.map(|status| status.as_str().to_owned()).into(),
        f.tracking_number.into(),
        count(Some(f.qty_received.unwrap_or(0))),
        f.payment_method.into(),
        f.shipping_address.into(),
        f.shipping_method.into(),
        f.notes.into(),
        f.order_date.into(),
        f.order_time.into(),
        f.posted_date.into(),
        f.shipped_date.into(),
        f.delivered_date.into(),
        source.as_str().into(),
        f.worksheet_name.into(),
        (*created_at).into(),
        (*updated_at).into(),
        f.store.into(),
        f.currency.map(|currency| currency.code().to_owned()).into(),
        f.product_url.into(),
        f.order_url.into(),
        f.image_url.into(),
        f.fraud_status.into(),
        f.bot.into(),
        to_json(extra).into(),
        names_to_text(derived).into(),
        names_to_text(cleared).into(),
        (*newest).into(),
    ]
}

/// An order of a row. Values that people wrote in by hand and that no order can hold (a status
/// or currency that is unknown) read as empty; a number that is none is an error.
pub(crate) fn order(row: Model) -> Result<Order, StoreError> {
    let money = |amount: Option<Decimal>| amount.and_then(Amount::from_decimal);
    let count = |count: Option<i32>| count.and_then(|count| u32::try_from(count).ok());
    let time = |at: Option<DateTime<Utc>>| at;
    let number =
        OrderNumber::parse(&row.order_number).map_err(|_| StoreError::Corrupt { column: "order_number" })?;
    let fields = Fields {
        product: row.product,
        price: money(row.price),
        total: money(row.total),
        commission: money(row.commission),
        quantity: count(row.quantity),
        email: row.email,
        customer_name: row.customer_name,
        profile: row.profile,
        proxy_list: row.proxy_list,
        reference_number: row.reference_number,
        status: row.status.as_deref().and_then(Status::from_name),
        tracking_number: row.tracking_number,
        qty_received: count(row.qty_received).filter(|count| *count > 0),
        payment_method: row.payment_method,
        shipping_address: row.shipping_address,
        shipping_method: row.shipping_method,
        notes: row.notes,
        order_date: time(row.order_date),
        order_time: row.order_time,
        posted_date: time(row.posted_date),
        shipped_date: time(row.shipped_date),
        delivered_date: time(row.delivered_date),
        worksheet_name: row.worksheet_name,
        store: row.store,
        currency: row.currency.as_deref().and_then(currency_from_code),
        product_url: row.product_url,
        order_url: row.order_url,
        image_url: row.image_url,
        fraud_status: row.fraud_status,
        bot: row.bot,
    };
    Ok(Order {
        id: row.id,
        number,
        fields,
        extra: serde_json::from_str(&row.extra).unwrap_or_else(|_| Extra::new()),
        derived: names_from_text(&row.derived),
        cleared: names_from_text(&row.cleared),
        source: Source::from_name(&row.source).unwrap_or(Source::ManualUpload),
        newest: row.newest_message_at,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
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
