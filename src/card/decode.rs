//! Decoders for everything that may arrive: Discord messages, other JSON and form-encoded bodies.

pub mod discord;
pub mod form;
pub(crate) mod json;

use serde_json::Value;

use super::message::Part;

/// The parts of a JSON value that may hold cards, in order.
pub(crate) fn parts(value: &Value) -> Vec<Part> {
    match value {
        Value::Array(values) => values.iter().flat_map(parts).collect(),
        Value::String(text) => vec![Part::Text(text.clone())],
        Value::Object(_) if discord::is_message(value) => discord::message_parts(value),
        Value::Object(object) => vec![Part::Embed(json::flat_object(object))],
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}
