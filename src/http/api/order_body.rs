//! The JSON form of an order and its items, in answers and live updates. Their fields come from the lists
//! `with_order_fields` and `with_item_fields`.

use axum::{
    Json,
    http::{HeaderValue, header::ETAG},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use iso_currency::Currency;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        KnownFormat, Object, ObjectBuilder, RefOr, SchemaFormat,
        schema::{ArrayBuilder, Schema, SchemaType, Type},
    },
};

use crate::order::{
    Amount, Carrier, Order, OrderItem, Source, Status, View, with_item_fields, with_order_fields,
};

/// An order as JSON, as much of it as the reader may see. Empty columns are `null`.
#[derive(Clone, Debug)]
pub(crate) struct OrderBody(Order);

impl OrderBody {
    pub(crate) fn new(order: Order, view: View) -> Self {
        Self(view.order(order.counted()))
    }

    /// The version of the order, for `If-Match`.
    pub(crate) fn etag(&self) -> HeaderValue {
        etag(&self.0)
    }
}

/// An order in the form of the API.
#[must_use]
pub fn order_json(order: Order, view: View) -> Value {
    // Only maps with other keys than texts cannot be written as JSON.
    serde_json::to_value(OrderBody::new(order, view)).unwrap_or_default()
}

/// An item with its position, from 1.
struct ItemBody<'a>(u32, &'a OrderItem);

macro_rules! define_item_json {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty,)+) => {
        impl Serialize for ItemBody<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let Self(position, item) = self;
                let mut json = serializer.serialize_map(None)?;
                json.serialize_entry("position", position)?;
                $(json.serialize_entry(stringify!($name), &item.$name.as_ref().map(JsonValue::to_json))?;)+
                json.end()
            }
        }

        fn item_properties() -> Vec<Property> {
            vec![
                ("position", u32::schema_builder(), "Position in the order, from 1. It never changes."),
                $((stringify!($name), nullable::<$type>(), concat!($($doc),+)),)+
            ]
        }
    };
}
with_item_fields!(define_item_json);

/// Name, schema and description of a field.
type Property = (&'static str, ObjectBuilder, &'static str);

fn with_properties(object: ObjectBuilder, properties: Vec<Property>) -> ObjectBuilder {
    properties.into_iter().fold(object, |object, (name, schema, description)| {
        object.property(name, schema.description(Some(description.trim()))).required(name)
    })
}

macro_rules! define_order_json {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty,)+) => {
        impl Serialize for OrderBody {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let Order { id, number, fields, extra, items, source, newest, created_at, updated_at, .. } = &self.0;
                let items: Vec<_> = (1..).zip(items).map(|(position, item)| ItemBody(position, item)).collect();
                let carrier = fields.tracking_number.as_deref().and_then(Carrier::of).map(Carrier::as_str);
                let mut json = serializer.serialize_map(None)?;
                json.serialize_entry("id", id)?;
                json.serialize_entry("order_number", number.as_str())?;
                $(json.serialize_entry(stringify!($name), &fields.$name.as_ref().map(JsonValue::to_json))?;)+
                json.serialize_entry("carrier", &carrier)?;
                json.serialize_entry("extra", extra)?;
                json.serialize_entry("items", &items)?;
                json.serialize_entry("source", source.as_str())?;
                json.serialize_entry("created_at", created_at)?;
                json.serialize_entry("updated_at", updated_at)?;
                json.serialize_entry("newest_message_at", newest)?;
                json.end()
            }
        }

        /// The schema of a column; `None` if there is no such column.
        pub(crate) fn column_schema(name: &str) -> Option<Object> {
            match name {
                $(stringify!($name) => Some(<$type>::schema_builder().build()),)+
                _ => None,
            }
        }

        /// Name, schema and description of each field.
        pub(crate) fn properties() -> Vec<Property> {
            let labels = String::schema_builder().build();
            vec![
                ("id", ObjectBuilder::new().schema_type(Type::Integer), "Row id."),
                ("order_number", String::schema_builder(), "The store's number, without `#`."),
                $((stringify!($name), nullable::<$type>(), concat!($($doc),+)),)+
                ("carrier", nullable::<String>(), "The carrier, recognized by the tracking number."),
                (
                    "extra",
                    ObjectBuilder::new().additional_properties(Some(Schema::Object(labels))),
                    "Labels of the card that have no column, with their values.",
                ),
                ("source", one_of(Source::ALL.map(Source::as_str)), "Where the order came from first."),
                ("created_at", DateTime::schema_builder(), "When the row was created."),
                ("updated_at", DateTime::schema_builder(), "When a column last changed."),
                ("newest_message_at", DateTime::schema_builder(), "Time of the newest message applied."),
            ]
        }
    };
}
with_order_fields!(define_order_json);

/// The version of an order, for `If-Match`. It changes whenever a column changes.
pub(crate) fn etag(order: &Order) -> HeaderValue {
    // Digits in quotation marks are a valid header value.
    let version = HeaderValue::try_from(format!("\"{}\"", order.updated_at.timestamp_micros()));
    version.unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

/// An order as the answer to a request, with its version.
pub(crate) fn with_etag(order: Order, view: View) -> Response {
    ([(ETAG, etag(&order))], Json(OrderBody::new(order, view))).into_response()
}

impl ToSchema for OrderBody {
    fn name() -> std::borrow::Cow<'static, str> {
        "Order".into()
    }
}

impl PartialSchema for OrderBody {
    fn schema() -> RefOr<Schema> {
        let description = "An order. Empty columns are `null`. Times are UTC. Money is a number in units of \
                           `currency`, exact to the cent.";
        let example = json!({
                "id": 1, "order_number": "BBY01-807102506907", "product": "STARLINK - Mini Kit",
                "price": 299.99, "total": 299.99, "quantity": 1, "email": "woozy_byes28@icloud.com",
                "status": "shipped", "tracking_number": "1Z999AA10123456784", "carrier": "UPS",
                "order_date": "2026-01-31T17:56:00Z", "shipped_date": "2026-02-01T09:00:00Z",
                "store": "Best Buy US", "currency": "USD", "bot": "Refract", "source": "webhook",
                "extra": {"Share Link": "Click Here"},
                "items": [{
                    "position": 1, "product": "STARLINK - Mini Kit", "sku": null, "size": null, "quantity": 1,
                    "unit_price": 299.99, "line_total": 299.99, "product_url": null, "image": null,
                    "qty_received": 0
                }]
        });
        let order = ObjectBuilder::new().description(Some(description)).examples([example]);
        let item = with_properties(ObjectBuilder::new(), item_properties());
        let items = ArrayBuilder::new().items(item);
        let items = items.description(Some("The products of the order, at least one if it names a product."));
        with_properties(order, properties()).property("items", items).required("items").into()
    }
}

/// A column's value as JSON, and its schema.
trait JsonValue {
    type Json<'a>: Serialize
    where
        Self: 'a;

    fn to_json(&self) -> Self::Json<'_>;

    fn schema_builder() -> ObjectBuilder;
}

macro_rules! json_values {
    ($($type:ty => $json:ty: |$value:ident| $to_json:expr, $schema:expr;)+) => {
        $(impl JsonValue for $type {
            type Json<'a> = $json;

            fn to_json(&self) -> Self::Json<'_> {
                let $value = self;
                $to_json
            }

            fn schema_builder() -> ObjectBuilder {
                $schema
            }
        })+
    };
}
json_values! {
    String => &'a str: |text| text, ObjectBuilder::new().schema_type(Type::String);
    u32 => u32: |number| *number, ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
    Amount => f64: |amount| number_of(*amount), ObjectBuilder::new().schema_type(Type::Number);
    DateTime<Utc> => DateTime<Utc>: |time| *time,
        String::schema_builder().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
    Status => &'static str: |status| status.as_str(), one_of(Status::ALL.map(Status::as_str));
    Currency => &'static str: |currency| currency.code(), String::schema_builder();
}

fn one_of<const N: usize>(names: [&'static str; N]) -> ObjectBuilder {
    String::schema_builder().enum_values(Some(names))
}

fn nullable<T: JsonValue>() -> ObjectBuilder {
    let mut schema = T::schema_builder().build();
    if let SchemaType::Type(value) = schema.schema_type {
        schema.schema_type = SchemaType::from_iter([value, Type::Null]);
    }
    if let Some(names) = &mut schema.enum_values {
        names.push(Value::Null);
    }
    schema.into()
}

/// The double nearest to the amount. JSON writes it with the amount's own digits, because an amount
/// has at most 14 digits and a double keeps 15.
#[expect(clippy::cast_precision_loss, reason = "hundredths have at most 14 digits")]
fn number_of(amount: Amount) -> f64 {
    amount.hundredths() as f64 / 100.0
}
