//! One thing that came in, free of its transport; and the lenient reading of JSON shapes.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::decode::{json, payload};
use super::outcome::Rejection;
use crate::order::Source;
use crate::order::dates::to_micros;

/// A Discord message, an HTTP body or an imported file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where it came in.
    pub source: Source,
    /// The path it was posted to.
    pub endpoint: String,
    /// Its own time: Discord's (edit) timestamp, else its arrival. UTC, microseconds.
    pub at: DateTime<Utc>,
    /// When it arrived here. UTC, microseconds.
    pub received_at: DateTime<Utc>,
    /// The payload as it came, invalid UTF-8 replaced, NUL left out: no database keeps it, no reader
    /// sees it, and read again a message must say the same.
    pub raw: String,
    /// What may hold cards, in the order of the message.
    pub parts: Vec<Part>,
    /// Id of the Discord message.
    pub discord_id: Option<i64>,
    /// Why a payload that looked like JSON was taken for text.
    pub json_error: Option<String>,
    /// Why the payload was refused before it could be read, where it was.
    pub refused: Option<Rejection>,
    /// Who brought it in by hand: `discord:` and the user's id, or `cli`. `None` for what came in
    /// by itself.
    pub actor: Option<String>,
}

/// A piece of a message that may hold cards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Text that people see.
    Text(String),
    /// A Discord embed, or a flat JSON object with its keys for field names.
    Embed(Embed),
}

/// A Discord embed, every part of it optional.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Embed {
    /// `author.name`
    pub author: Option<String>,
    /// `title`
    pub title: Option<String>,
    /// `url`, the link of the title
    pub url: Option<String>,
    /// `description`
    pub description: Option<String>,
    /// `fields`
    pub fields: Vec<Field>,
    /// `footer.text`
    pub footer: Option<String>,
    /// `thumbnail.url`, else `image.url`
    pub image: Option<String>,
    /// `timestamp`
    pub timestamp: Option<String>,
}

/// A field of an embed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    /// `name`
    pub name: String,
    /// `value`
    pub value: String,
}

impl Message {
    /// Reads an HTTP payload: JSON where it is JSON (a Discord message or webhook body, a flat
    /// object, an array of these, a string), else text.
    #[must_use]
    pub fn from_payload(payload: &str, endpoint: &str, received_at: DateTime<Utc>) -> Self {
        let mut message = Self::unread(payload.to_owned(), endpoint, received_at);
        let text = message.raw.as_str();
        match payload::decode(text) {
            None => message.parts.push(Part::Text(text.to_owned())),
            Some(Ok(value)) => message.take_json(&value),
            Some(Err(error)) => {
                message.parts.push(Part::Text(text.to_owned()));
                message.json_error = Some(error);
            }
        }
        message
    }

    /// A payload that is refused unread: leaves its log row and nothing else.
    #[must_use]
    pub fn refused(raw: String, endpoint: &str, received_at: DateTime<Utc>, why: Rejection) -> Self {
        Self { refused: Some(why), ..Self::unread(raw, endpoint, received_at) }
    }

    pub(crate) fn unread(mut raw: String, endpoint: &str, received_at: DateTime<Utc>) -> Self {
        let received_at = to_micros(received_at);
        if raw.contains('\0') {
            raw.retain(|c| c != '\0');
        }
        Self {
            source: Source::Webhook,
            endpoint: endpoint.to_owned(),
            at: received_at,
            received_at,
            raw,
            parts: Vec::new(),
            discord_id: None,
            json_error: None,
            refused: None,
            actor: None,
        }
    }

    /// Takes the parts of a JSON value. Id and time are taken of a single Discord message: in an
    /// array they would be another message's.
    fn take_json(&mut self, value: &Value) {
        self.parts = json::parts(value);
        if json::is_discord(value) {
            self.discord_id = json::snowflake(value, "id");
            // A sender's clock may be ahead; a message cannot be newer than its arrival.
            let sent = json::time(value, "edited_timestamp").or_else(|| json::time(value, "timestamp"));
            self.at = sent.map_or(self.at, |sent| to_micros(sent).min(self.received_at));
        }
    }
}
