//! Discord's JSON shapes, and flat JSON, read leniently: any part may be missing, null or of
//! another type, and costs nothing but itself.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};

use crate::card::message::{Embed, Field, Part};
use crate::card::parse::labels;
use crate::card::parse::labels::{Column, Label};
use crate::order::dates;

/// Key of a flat object that means something else than the same words in a card.
const FLAT_NAMES: &[(&str, &str)] = &[("amount", "Total")];

/// The headline of a flat object that is an order's: it says no more than that.
const FLAT_HEADLINE: &str = "Order Update";

/// Beginnings of the keys of an address, in the order in which people write it; objects are
/// sorted by their keys.
const ADDRESS_KEYS: &[&str] = &[
    "name", "first", "last", "company", "street", "line", "address", "city", "state", "province", "zip",
    "postal", "country",
];

/// Whether a value has the shape of a Discord message or webhook body.
pub(crate) fn is_discord(value: &Value) -> bool {
    ["content", "embeds", "components", "message_snapshots"].iter().any(|key| value.get(key).is_some())
}

/// What may hold cards, in order.
pub(crate) fn parts(value: &Value) -> Vec<Part> {
    match value {
        Value::Array(values) => values.iter().flat_map(parts).collect(),
        Value::String(text) => vec![Part::Text(text.clone())],
        Value::Object(_) if is_discord(value) => discord_parts(value),
        Value::Object(flat) => vec![Part::Embed(flat_object(flat))],
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// The parts of a Discord message; a forwarded one is kept inside as a snapshot.
fn discord_parts(message: &Value) -> Vec<Part> {
    let list = |key: &str| message.get(key).and_then(Value::as_array).into_iter().flatten();
    let content = text(message, "content").map(Part::Text);
    let embeds = list("embeds").filter(|embed| embed.is_object()).map(|e| Part::Embed(embed(e)));
    let forwarded =
        list("message_snapshots").filter_map(|snapshot| snapshot.get("message")).flat_map(discord_parts);
    let components = super::components::text(message).map(Part::Text);
    content.into_iter().chain(embeds).chain(components).chain(forwarded).collect()
}

fn embed(value: &Value) -> Embed {
    let within = |outer: &str, key: &str| value.get(outer).and_then(|inner| text(inner, key));
    let fields = value.get("fields").and_then(Value::as_array).into_iter().flatten();
    Embed {
        author: within("author", "name"),
        title: text(value, "title"),
        url: text(value, "url"),
        description: text(value, "description"),
        fields: fields
            .map(|field| Field {
                name: text(field, "name").unwrap_or_default(),
                value: text(field, "value").unwrap_or_default(),
            })
            .collect(),
        footer: within("footer", "text"),
        image: within("thumbnail", "url").or_else(|| within("image", "url")),
        timestamp: timestamp(value),
    }
}

/// A flat object is a card whose keys are its labels. One that has a key for what every order has
/// is an order's, even where it says nothing under it.
fn flat_object(object: &Map<String, Value>) -> Embed {
    let fields = object.iter().filter_map(|(key, value)| {
        let named = FLAT_NAMES.iter().find(|(flat, _)| *flat == key.to_lowercase());
        let name = named.map_or_else(|| key.clone(), |(_, label)| (*label).to_owned());
        Some(Field { name, value: flat_value(value)? })
    });
    let title = object.keys().any(|key| is_of_order(key)).then(|| FLAT_HEADLINE.to_owned());
    Embed { title, fields: fields.collect(), ..Embed::default() }
}

/// Whether a key of a flat object is one for an order's number, goods or money. `order` alone may
/// be any talk.
fn is_of_order(key: &str) -> bool {
    labels::find(key).is_some_and(|Label { column, name, weak, .. }| match column {
        Column::OrderNumber => !weak || name != "order",
        Column::Product | Column::Item | Column::Price | Column::Total => !weak,
        _ => false,
    })
}

/// A scalar, or those inside a list or an object.
fn flat_value(value: &Value) -> Option<String> {
    let inside: Vec<String> = match value {
        Value::Array(values) => values.iter().filter_map(scalar).collect(),
        Value::Object(object) => {
            let mut pairs: Vec<_> = object.iter().collect();
            pairs.sort_by_key(|(key, _)| {
                let begins = |beginning: &&str| key.to_lowercase().starts_with(beginning);
                ADDRESS_KEYS.iter().position(begins).unwrap_or(ADDRESS_KEYS.len())
            });
            pairs.into_iter().filter_map(|(_, value)| scalar(value)).collect()
        }
        _ => return scalar(value),
    };
    let inside: Vec<&str> = inside.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).collect();
    (!inside.is_empty()).then(|| inside.join(", "))
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(scalar).filter(|text| !text.is_empty())
}

/// A string, or a number or truth value as text.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(decimal(number)),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A number as plain digits. Senders calculate in binary, so that 0.1 + 0.2 comes as
/// 0.30000000000000004: what is finer than a millionth is rounding and goes, unless nothing else
/// is there.
fn decimal(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() && (float == 0.0 || (1e-6..1e15).contains(&float.abs())) => {
            format!("{float:.6}").trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => number.to_string(),
    }
}

/// A snowflake: a string of digits, or a number, that fits a signed 64-bit integer.
pub(crate) fn snowflake(value: &Value, key: &str) -> Option<i64> {
    text(value, key).and_then(|id| id.parse().ok())
}

/// The time of an embed in one form, for Discord and those who pass its messages on write the same
/// moment in several.
fn timestamp(embed: &Value) -> Option<String> {
    let one_form = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    time(embed, "timestamp").map(one_form).or_else(|| text(embed, "timestamp"))
}

/// A timestamp with its zone, in the years that are believed.
pub(crate) fn time(value: &Value, key: &str) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(&text(value, key)?).ok()?.to_utc();
    dates::is_plausible(time).then_some(time)
}
