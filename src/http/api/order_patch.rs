//! The body of a request that changes an order: new values of its columns.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use strsim::osa_distance;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{AdditionalProperties, ArrayBuilder, Schema, SchemaType, Type},
    },
};

use super::order_body::{column_schema, properties};
use crate::card::parse::typed;
use crate::http::error::FieldError;
use crate::order::Fields;

/// Characters of a wrong value that the answer repeats.
const MAX_QUOTED_CHARS: usize = 40;
/// Most units received of an item, like every quantity.
const MAX_RECEIVED: u32 = 1_000_000;
/// Suggest a column for a misspelled one if they differ by at most this many edits.
const MAX_TYPOS: usize = 3;

/// New values of columns, as JSON.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct OrderPatch(Map<String, Value>);

/// The effect of an [`OrderPatch`] on an order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    /// The new values.
    pub(crate) set: Fields,
    /// The columns to empty.
    pub(crate) clear: Vec<&'static str>,
    /// Units received, by the position of the item.
    pub(crate) received: BTreeMap<u32, u32>,
}

/// Units received of one item.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ItemPatch {
    /// Position of the item in the order, from 1.
    #[schema(minimum = 1)]
    position: u32,
    /// Units received, at most 1,000,000.
    #[schema(maximum = 1_000_000)]
    qty_received: u32,
}

impl OrderPatch {
    /// New values as texts; an empty one empties its column.
    pub(crate) fn of_texts(texts: Map<String, Value>) -> Self {
        Self(texts)
    }

    /// Reads each value with the rules of Discord's `/edit`. A date without a zone is read in `zone`.
    pub(crate) fn read(self, zone: Tz) -> Result<Columns, Vec<FieldError>> {
        let (mut columns, mut errors) = (Columns::default(), Vec::new());
        for (field, value) in self.0 {
            if let Err(detail) = columns.read(&field, value, zone) {
                errors.push(FieldError { field, detail });
            }
        }
        let names_quantity = columns.set.qty_received.is_some() || columns.clear.contains(&"qty_received");
        if names_quantity && !columns.received.is_empty() {
            let detail = "Either `items` or `qty_received`: the order's is the sum of its items'.".to_owned();
            errors.push(FieldError { field: "items".to_owned(), detail });
        }
        if errors.is_empty() { Ok(columns) } else { Err(errors) }
    }
}

impl Columns {
    /// Reads one value, or says what is wrong with it.
    fn read(&mut self, field: &str, value: Value, zone: Tz) -> Result<(), String> {
        if field == "items" {
            return self.read_items(value);
        }
        let Some(column) = Fields::NAMES.iter().copied().find(|name| *name == field) else {
            return Err(why_not_a_column(field));
        };
        let text = match value {
            Value::Null => String::new(),
            Value::String(text) => text.replace("\r\n", "\n").trim().to_owned(),
            Value::Number(number) if takes_number(column) => number.to_string(),
            _ => return Err("Not a value of this column; see the schema in /openapi.json.".to_owned()),
        };
        if text.is_empty() {
            self.clear.push(column);
            return Ok(());
        }
        typed::set(&mut self.set, column, &text, zone).map_err(|error| {
            let quoted: String = text.chars().take(MAX_QUOTED_CHARS).collect();
            format!("`{quoted}` {error}.")
        })
    }
}

impl Columns {
    /// Reads the units received of items.
    fn read_items(&mut self, value: Value) -> Result<(), String> {
        const EXPECTED: &str = "A list such as [{\"position\": 1, \"qty_received\": 2}]";
        let items: Vec<ItemPatch> =
            serde_json::from_value(value).map_err(|error| format!("{EXPECTED}: {error}."))?;
        for ItemPatch { position, qty_received } in items {
            if qty_received > MAX_RECEIVED {
                return Err(format!("`{qty_received}` is not a quantity from 0 to 1,000,000."));
            }
            if self.received.insert(position, qty_received).is_some() {
                return Err(format!("Item {position} is named twice."));
            }
        }
        Ok(())
    }
}

fn takes_number(column: &str) -> bool {
    let number = [SchemaType::Type(Type::Number), SchemaType::Type(Type::Integer)];
    column_schema(column).is_some_and(|schema| number.contains(&schema.schema_type))
}

/// Why a field of a patch names no column that can be changed.
fn why_not_a_column(field: &str) -> String {
    if properties().iter().any(|(name, ..)| *name == field) {
        return "This value cannot be changed.".to_owned();
    }
    let closest = Fields::NAMES.iter().min_by_key(|name| osa_distance(name, field));
    match closest {
        Some(closest) if osa_distance(closest, field) <= MAX_TYPOS => {
            format!("There is no such column; did you mean `{closest}`?")
        }
        _ => "There is no such column.".to_owned(),
    }
}

impl ToSchema for OrderPatch {
    fn name() -> std::borrow::Cow<'static, str> {
        "OrderPatch".into()
    }
}

impl PartialSchema for OrderPatch {
    fn schema() -> RefOr<Schema> {
        let description = "New values of columns. Columns that are not named keep their value; `null` empties a \
                           column. Numbers and dates may also be texts.";
        let example = json!({"status": "shipped", "tracking_number": "1Z999AA10123456784", "notes": null});
        let object = ObjectBuilder::new().description(Some(description)).examples([example]);
        let changeable = properties().into_iter().filter(|(name, ..)| Fields::NAMES.contains(name));
        let object = changeable.fold(object, |object, (name, schema, description)| {
            object.property(name, typed_schema(schema).description(Some(description.trim())))
        });
        let items = ArrayBuilder::new().items(ItemPatch::schema()).description(Some(
            "Units received of single items. The order's `qty_received` becomes their sum.",
        ));
        let object = object.property("items", items);
        object.additional_properties(Some(AdditionalProperties::FreeForm(false))).into()
    }
}

/// The schema of a column as a person may write it: numbers and dates also as texts.
fn typed_schema(schema: ObjectBuilder) -> ObjectBuilder {
    let mut schema = schema.build();
    if let SchemaType::Array(types) = &mut schema.schema_type
        && !types.contains(&Type::String)
    {
        types.push(Type::String);
    }
    schema.format = None;
    schema.into()
}
