//! One thing that came in, free of its transport.

use chrono::{DateTime, Utc};

use crate::order::Source;

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
    /// The payload as it came, invalid UTF-8 replaced.
    pub raw: String,
    /// What may hold cards, in the order of the message.
    pub parts: Vec<Part>,
    /// Id of the Discord message.
    pub discord_id: Option<i64>,
    /// Why a payload that looked like JSON was taken for text.
    pub json_error: Option<String>,
    /// Why the payload was refused before it could be read, where it was.
    pub refused: Option<crate::outcome::Rejection>,
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
        todo!("{payload}{endpoint}{received_at}")
    }

    /// A payload that is refused unread: leaves its log row and nothing else.
    #[must_use]
    pub fn refused(
        raw: String,
        endpoint: &str,
        received_at: DateTime<Utc>,
        why: crate::outcome::Rejection,
    ) -> Self {
        todo!("{raw}{endpoint}{received_at}{why}")
    }
}
