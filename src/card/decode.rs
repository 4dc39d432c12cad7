//! Decoders for everything that may arrive: messages of Discord and Slack, other JSON and form-encoded bodies.

pub mod discord;
pub mod form;
pub(crate) mod json;
pub mod legacy;
pub(crate) mod slack;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use self::discord::ChannelRef;
use super::message::{Message, Part};
use crate::order::Source;
use crate::order::dates::to_micros;

impl Message {
    /// Decodes an HTTP payload. JSON may be a Discord message or webhook body, a flat object, a string or
    /// an array of these; anything else is text.
    #[must_use]
    pub fn from_payload(payload: &str, endpoint: &str, received_at: DateTime<Utc>) -> Self {
        let mut message = Self::unread(payload.to_owned(), endpoint, received_at);
        let text = message.raw.as_str();
        match json::decode(text) {
            None => message.parts.push(Part::Text(text.to_owned())),
            Some(Ok(value)) => message.set_json(&value),
            Some(Err(error)) => {
                message.parts.push(Part::Text(text.to_owned()));
                message.json_error = Some(error);
            }
        }
        message
    }

    /// Decodes a message object from the gateway or the history. `None` if it has no id.
    #[must_use]
    pub fn from_discord(value: &Value, channel: ChannelRef, received_at: DateTime<Utc>) -> Option<Self> {
        let id = json::snowflake(value, "id")?;
        Some(Self {
            source: Source::DiscordBot,
            at: to_micros(discord::sent_at(value).unwrap_or_else(|| discord::snowflake_time(id))),
            parts: parts(value, &mut 0),
            discord_id: Some(id),
            ..Self::unread(value.to_string(), &channel.endpoint(), received_at)
        })
    }

    /// Uses the id and time of a single Discord message only: in an array they would belong to another
    /// message.
    fn set_json(&mut self, value: &Value) {
        self.parts = parts(value, &mut self.left_out);
        if discord::is_message(value) {
            self.discord_id = json::snowflake(value, "id");
            // A sender's clock may be ahead, but a message cannot be newer than its arrival.
            let sent = discord::sent_at(value).map(|sent| to_micros(sent).min(self.received_at));
            self.at = sent.unwrap_or(self.at);
        }
    }
}

/// A message after an edit. The members of the edit replace those of the message. If only one of the two has Slack's form,
/// it is first brought into Discord's form: a text becomes the content, and attachments and blocks become embeds.
pub(crate) fn edited(message: Map<String, Value>, edit: Map<String, Value>) -> Map<String, Value> {
    let (message, edit) = (Value::Object(message), Value::Object(edit));
    let is_slack = |value: &Value| !discord::is_message(value) && slack::is_message(value);
    let in_form = |value: Value, other: &Value| match value {
        value if is_slack(&value) && discord::is_message(other) => {
            discord::from_parts(slack::message_parts(&value))
        }
        Value::Object(members) => members,
        _ => Map::new(),
    };
    let (mut edited, edit) = (in_form(message.clone(), &edit), in_form(edit, &message));
    edited.extend(edit);
    edited
}

/// The parts of a JSON value that may hold cards, in order. Counts the objects of lists that it leaves out.
fn parts(value: &Value, left_out: &mut usize) -> Vec<Part> {
    match value {
        Value::Array(values) => values.iter().flat_map(|value| parts(value, left_out)).collect(),
        Value::String(text) => vec![Part::Text(text.clone())],
        Value::Object(_) if discord::is_message(value) => discord::message_parts(value),
        Value::Object(_) if slack::is_message(value) => slack::message_parts(value),
        Value::Object(_) if discord::is_embed(value) && !json::describes_order(value) => {
            vec![Part::Embed(discord::embed(value))]
        }
        Value::Object(object) => {
            if let Some(message) = json::wrapped_message(object) {
                return parts(message, left_out);
            }
            let objects = json::flat_objects(object, left_out);
            objects.iter().map(json::flat_object).map(Part::Embed).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}
