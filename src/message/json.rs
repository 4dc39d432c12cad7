//! Discord's JSON shapes, and flat JSON, read leniently: any part may be missing, null or of
//! another type, and costs nothing but itself.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{Embed, Field, Part};

/// Key of a flat object that means something else than the same words in a card.
const FLAT_NAMES: &[(&str, &str)] = &[("amount", "Total")];

/// A payload as JSON: `None` where it does not begin like JSON, an error where it only begins so.
/// Depth is bounded by the decoder (128 levels).
pub(super) fn decode(payload: &str) -> Option<Result<Value, String>> {
    let payload = payload.trim_start_matches('\u{feff}').trim();
    if !payload.starts_with(['{', '[', '"']) {
        return None;
    }
    let decoded = serde_json::from_str(payload)
        .or_else(|error| serde_json::from_str(&without_lone_surrogates(payload)).map_err(|_| error));
    Some(decoded.map_err(|error| {
        format!(
            "the payload begins like JSON but is not: {:?} error at line {}, column {}",
            error.classify(),
            error.line(),
            error.column()
        )
    }))
}

/// JavaScript lets half of a surrogate pair pass as `\ud83d`; it becomes U+FFFD.
fn without_lone_surrogates(payload: &str) -> String {
    let mut out = String::with_capacity(payload.len());
    let mut rest = payload;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let (escape, behind) =
            match (code_unit(after), after.get(5..).and_then(|next| code_unit(next.strip_prefix('\\')?))) {
                (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (after.get(..11), after.get(11..)),
                (Some(0xd800..=0xdfff), _) => (Some("ufffd"), after.get(5..)),
                _ => {
                    let next = after.chars().next().map_or(0, char::len_utf8);
                    (after.get(..next), after.get(next..))
                }
            };
        out.push('\\');
        out.push_str(escape.unwrap_or_default());
        rest = behind.unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The code unit of an escape without its backslash: `u` and four hexadecimal digits.
fn code_unit(escape: &str) -> Option<u32> {
    let digits = escape.strip_prefix('u')?.get(..4)?;
    u32::from_str_radix(digits, 16).ok()
}

/// Whether a value has the shape of a Discord message or webhook body.
pub(super) fn is_discord(value: &Value) -> bool {
    ["content", "embeds", "components", "message_snapshots"].iter().any(|key| value.get(key).is_some())
}

/// What may hold cards, in order.
pub(super) fn parts(value: &Value) -> Vec<Part> {
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
        timestamp: text(value, "timestamp"),
    }
}

/// A flat object is a card without a headline: its keys are its labels.
fn flat_object(object: &Map<String, Value>) -> Embed {
    let fields = object.iter().filter_map(|(key, value)| {
        let named = FLAT_NAMES.iter().find(|(flat, _)| *flat == key.to_lowercase());
        let name = named.map_or_else(|| key.clone(), |(_, label)| (*label).to_owned());
        Some(Field { name, value: scalar(value)? })
    });
    Embed { fields: fields.collect(), ..Embed::default() }
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
/// 0.30000000000000004: what is finer than a millionth is rounding and goes.
fn decimal(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.abs() < 1e15 => {
            format!("{float:.6}").trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => number.to_string(),
    }
}

/// A snowflake: a string of digits, or a number, that fits a signed 64-bit integer.
pub(super) fn snowflake(value: &Value, key: &str) -> Option<i64> {
    text(value, key).and_then(|id| id.parse().ok())
}

/// A timestamp with its zone.
pub(super) fn time(value: &Value, key: &str) -> Option<DateTime<Utc>> {
    text(value, key).and_then(|time| DateTime::parse_from_rfc3339(&time).ok()).map(|time| time.to_utc())
}
