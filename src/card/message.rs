//! A message that arrived, independent of how it was transported.

use chrono::{DateTime, Utc};

use super::outcome::Rejection;
use crate::order::Source;
use crate::order::dates::to_micros;

/// The start of the endpoint of a message that was posted to a webhook link of Discord's form.
pub const LINK_ENDPOINT: &str = "/api/webhooks/";

/// The end of such an endpoint if the message was posted in Slack's form.
pub const SLACK: &str = "/slack";

/// A Discord message, an HTTP body or an imported file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// How it arrived.
    pub source: Source,
    /// The path it was posted to, or the channel: see [`ChannelRef::endpoint`](super::decode::discord::ChannelRef::endpoint).
    pub endpoint: String,
    /// Discord's edit timestamp or timestamp, or else the arrival. UTC, microseconds.
    pub at: DateTime<Utc>,
    /// When it arrived. UTC, microseconds.
    pub received_at: DateTime<Utc>,
    /// The payload as it arrived, with invalid UTF-8 replaced and NUL characters removed: see
    /// [`without_nul`].
    pub raw: String,
    /// The parts that may hold cards, in the order of the message.
    pub parts: Vec<Part>,
    /// Id of the Discord message. For an edit over a webhook link: the log row of the message that it edits.
    pub discord_id: Option<i64>,
    /// Why a payload that starts like JSON was treated as text.
    pub json_error: Option<String>,
    /// The number of objects in lists that were left out, because the lists are too long.
    pub left_out: usize,
    /// Why the payload was refused before it could be decoded.
    pub refused: Option<Rejection>,
    /// The person who submitted it by hand: `discord:` and the user's id, or `cli`.
    pub actor: Option<String>,
    /// The id of the HTTP request that brought it, for the log.
    pub request_id: Option<String>,
    /// Row id of the URL token with which it was posted.
    pub token: Option<i64>,
}

/// A piece of a message that may hold cards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Text that people see.
    Text(String),
    /// A Discord embed, or a flat JSON object whose keys are the field names.
    Embed(Embed),
}

/// A Discord embed. Every part is optional.
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
    /// `color`, as RGB
    pub color: Option<u32>,
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
    /// A payload that is refused without being decoded. It leaves only a row in the webhook log.
    #[must_use]
    pub fn refused(raw: String, endpoint: &str, received_at: DateTime<Utc>, why: Rejection) -> Self {
        Self { refused: Some(why), ..Self::unread(raw, endpoint, received_at) }
    }

    /// The message's id, if it was read in Discord. The id of a message that was posted over HTTP is the sender's.
    #[must_use]
    pub fn watched_id(&self) -> Option<i64> {
        self.discord_id.filter(|_| self.source == Source::DiscordBot)
    }

    /// The log row of the message that this one edits, if it was sent to a webhook link as an edit.
    #[must_use]
    pub fn edited_row(&self) -> Option<i64> {
        self.discord_id.filter(|_| self.is_of_link())
    }

    /// Whether it was sent to a webhook link of Discord's form.
    pub(crate) fn is_of_link(&self) -> bool {
        self.source == Source::Webhook && self.endpoint.starts_with(LINK_ENDPOINT)
    }

    pub(crate) fn unread(raw: String, endpoint: &str, received_at: DateTime<Utc>) -> Self {
        let received_at = to_micros(received_at);
        let raw = without_nul(raw);
        Self {
            source: Source::Webhook,
            endpoint: endpoint.to_owned(),
            at: received_at,
            received_at,
            raw,
            parts: Vec::new(),
            discord_id: None,
            json_error: None,
            left_out: 0,
            refused: None,
            actor: None,
            request_id: None,
            token: None,
        }
    }
}

impl Part {
    /// The texts of the part.
    fn texts_mut(&mut self) -> Vec<&mut String> {
        match self {
            Self::Text(text) => vec![text],
            Self::Embed(Embed {
                author,
                title,
                url,
                description,
                fields,
                footer,
                image,
                timestamp,
                color: _,
            }) => {
                let options = [author, title, url, description, footer, image, timestamp];
                let fields = fields.iter_mut().flat_map(|field| [&mut field.name, &mut field.value]);
                options.into_iter().flatten().chain(fields).collect()
            }
        }
    }

    /// Whether a text of the part has a NUL character.
    pub(crate) fn has_nul(&self) -> bool {
        let has_nul = |text: &String| text.contains('\0');
        match self {
            Self::Text(text) => has_nul(text),
            Self::Embed(embed) => {
                let Embed { author, title, url, description, footer, image, timestamp, .. } = embed;
                let options = [author, title, url, description, footer, image, timestamp];
                options.into_iter().flatten().any(has_nul)
                    || embed.fields.iter().any(|field| has_nul(&field.name) || has_nul(&field.value))
            }
        }
    }

    /// The part without NUL characters: see [`without_nul`].
    pub(crate) fn without_nul(mut self) -> Self {
        for text in self.texts_mut() {
            *text = without_nul(std::mem::take(text));
        }
        self
    }
}

/// Removes NUL characters: PostgreSQL does not store them, SQLite stops reading at them, and a replayed
/// message must parse as it did when it arrived.
#[must_use]
pub fn without_nul(mut text: String) -> String {
    if text.contains('\0') {
        text.retain(|c| c != '\0');
    }
    text
}
