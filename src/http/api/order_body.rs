//! The shape of an order on the wire, in answers and in the live feed.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::order::{Amount, Carrier, Extra, Order};

/// An order. Empty columns are `null`. Times are UTC. Money is a number in units of `currency`,
/// exact to the cent.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Order, example = json!({
    "id": 1, "order_number": "BBY01-807102506907", "product": "STARLINK - Mini Kit", "price": 299.99,
    "total": 299.99, "commission": null, "quantity": 1, "email": "woozy_byes28@icloud.com",
    "customer_name": null, "profile": "Lennar #8-$48-@07", "proxy_list": null, "reference_number": null,
    "status": "shipped", "tracking_number": "1Z999AA10123456784", "qty_received": 0,
    "payment_method": null, "shipping_address": null, "shipping_method": null, "notes": null,
    "order_date": "2026-01-31T17:56:00Z", "order_time": "05:56:00 PM", "posted_date": null,
    "shipped_date": "2026-02-01T09:00:00Z", "delivered_date": null, "source": "webhook",
    "worksheet_name": null, "created_at": "2026-01-31T17:56:00Z", "updated_at": "2026-02-01T09:00:00Z",
    "store": "Best Buy US", "currency": "USD", "product_url": null, "order_url": null, "image_url": null,
    "fraud_status": null, "bot": "Refract", "extra": {"Share Link": "Click Here"}, "carrier": "UPS",
    "newest_message_at": "2026-02-01T09:00:00Z"
}))]
pub(crate) struct OrderBody {
    /// Row id.
    id: i64,
    /// The store's number, without `#`.
    order_number: String,
    /// What was bought.
    product: Option<String>,
    /// Price of one unit.
    price: Option<f64>,
    /// Price of the whole order.
    total: Option<f64>,
    /// What the buyer earns by it.
    commission: Option<f64>,
    /// Units ordered.
    quantity: Option<u32>,
    /// The buyer's e-mail address.
    email: Option<String>,
    /// The buyer's name.
    customer_name: Option<String>,
    /// The bot's profile.
    profile: Option<String>,
    /// Proxy that the checkout went through.
    proxy_list: Option<String>,
    /// A further number that the store gave.
    reference_number: Option<String>,
    /// Where the order stands.
    status: Option<&'static str>,
    /// The carrier's parcel number.
    tracking_number: Option<String>,
    /// Units that have arrived.
    qty_received: u32,
    /// How it was paid.
    payment_method: Option<String>,
    /// Where it goes.
    shipping_address: Option<String>,
    /// How it goes.
    shipping_method: Option<String>,
    /// Anything.
    notes: Option<String>,
    /// When it was placed.
    order_date: Option<DateTime<Utc>>,
    /// The time of day of the order in the configured time zone.
    order_time: Option<String>,
    /// When it was posted to the card's statement.
    posted_date: Option<DateTime<Utc>>,
    /// When it was shipped.
    shipped_date: Option<DateTime<Utc>>,
    /// When it arrived.
    delivered_date: Option<DateTime<Utc>>,
    /// What brought it in first: `webhook`, `discord_bot` or `manual_upload`.
    source: &'static str,
    /// The sheet that an imported order stood on.
    worksheet_name: Option<String>,
    /// When the row was made.
    created_at: DateTime<Utc>,
    /// When a column last changed.
    updated_at: DateTime<Utc>,
    /// The store as the card names it.
    store: Option<String>,
    /// ISO 4217 currency of price, total and commission.
    currency: Option<&'static str>,
    /// Link to the product.
    product_url: Option<String>,
    /// Link to the order at the store.
    order_url: Option<String>,
    /// Picture of the product.
    image_url: Option<String>,
    /// The store's fraud check.
    fraud_status: Option<String>,
    /// The checkout bot.
    bot: Option<String>,
    /// Labels of the card that have no column, and what they said.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    extra: Extra,
    /// Carrier of the parcel, as far as the tracking number tells.
    carrier: Option<&'static str>,
    /// Time of the newest message applied.
    newest_message_at: DateTime<Utc>,
}

impl From<Order> for OrderBody {
    fn from(order: Order) -> Self {
        let Order { id, number, fields, extra, source, newest, created_at, updated_at, .. } = order;
        Self {
            id,
            order_number: number.to_string(),
            carrier: fields.tracking_number.as_deref().and_then(Carrier::of).map(Carrier::as_str),
            product: fields.product,
            price: fields.price.map(number_of),
            total: fields.total.map(number_of),
            commission: fields.commission.map(number_of),
            quantity: fields.quantity,
            email: fields.email,
            customer_name: fields.customer_name,
            profile: fields.profile,
            proxy_list: fields.proxy_list,
            reference_number: fields.reference_number,
            status: fields.status.map(crate::order::Status::as_str),
            tracking_number: fields.tracking_number,
            qty_received: fields.qty_received.unwrap_or_default(),
            payment_method: fields.payment_method,
            shipping_address: fields.shipping_address,
            shipping_method: fields.shipping_method,
            notes: fields.notes,
            order_date: fields.order_date,
            order_time: fields.order_time,
            posted_date: fields.posted_date,
            shipped_date: fields.shipped_date,
            delivered_date: fields.delivered_date,
            source: source.as_str(),
            worksheet_name: fields.worksheet_name,
            created_at,
            updated_at,
            store: fields.store,
            currency: fields.currency.map(|currency| currency.code()),
            product_url: fields.product_url,
            order_url: fields.order_url,
            image_url: fields.image_url,
            fraud_status: fields.fraud_status,
            bot: fields.bot,
            extra,
            newest_message_at: newest,
        }
    }
}

/// The double nearest to the amount, which JSON writes with the amount's own digits: 14 digits
/// are fewer than the 15 that a double keeps.
#[expect(clippy::cast_precision_loss, reason = "hundredths have at most 14 digits")]
pub(crate) fn number_of(amount: Amount) -> f64 {
    amount.hundredths() as f64 / 100.0
}
