//! `[discord]` and `[[discord.channels]]`: which channels are watched, and whose messages are trusted.

use std::fmt;

use chrono::TimeDelta;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, Visitor, value::MapAccessDeserializer},
};
use url::{Host, Url};

use super::{snowflake, text, text_or_empty};

/// More than Discord's whole history. Subtracting it from any date still gives a valid date.
const MAX_HISTORY: TimeDelta = TimeDelta::days(36_525);

/// The connection to Discord.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discord {
    /// The bot's token; empty if none is configured.
    pub token: Token,
    /// Address of Discord's REST API; `None` is Discord itself.
    #[serde(deserialize_with = "api_url", serialize_with = "text_or_empty")]
    pub api_url: Option<String>,
    /// The guilds whose channels may be watched.
    #[serde(with = "snowflake::list")]
    pub guilds: Vec<i64>,
    /// Whether a refused token or intent ends the program; otherwise HTTP continues alone.
    pub required: bool,
    /// The channel in which unreadable cards are announced.
    #[serde(with = "snowflake::optional")]
    pub notice_channel: Option<i64>,
    /// The channels to watch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<Channel>,
}

/// A channel to watch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Channel {
    /// Its id.
    #[serde(with = "snowflake")]
    pub id: i64,
    /// Its name in messages and in `/health`; the id unless the file gives one.
    pub name: String,
    /// The senders whose messages are cards.
    pub trust: Trust,
    /// Whether the bot reacts to cards that it has stored.
    pub react: bool,
    /// How much of the history is read the first time ROMS sees the channel.
    #[serde(deserialize_with = "time_span", serialize_with = "time_span_text")]
    pub history: TimeDelta,
    /// How far back ROMS looks for edited and deleted messages after a break.
    #[serde(deserialize_with = "time_span", serialize_with = "time_span_text")]
    pub edits: TimeDelta,
    /// Whether forwarded messages are read.
    pub forwarded: bool,
    /// Whether the threads of the channel are read too. Those of a forum always are.
    pub threads: bool,
}

impl Default for Channel {
    /// The defaults of the commented section in `config.example.toml`. The id 0 means that it is missing.
    fn default() -> Self {
        Self {
            id: 0,
            name: String::new(),
            trust: Trust::Webhooks,
            react: true,
            history: TimeDelta::days(7),
            edits: TimeDelta::days(3),
            forwarded: false,
            threads: false,
        }
    }
}

/// The senders whose messages are cards. Display names never count: the sender of a webhook chooses them freely.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// Any webhook of the channel.
    Webhooks,
    /// Only these.
    #[serde(untagged)]
    Listed {
        /// Webhook ids.
        #[serde(with = "snowflake::list")]
        webhooks: Vec<i64>,
        /// Application ids.
        #[serde(with = "snowflake::list")]
        applications: Vec<i64>,
        /// User ids.
        #[serde(with = "snowflake::list")]
        authors: Vec<i64>,
    },
}

impl<'de> Deserialize<'de> for Trust {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TrustVisitor)
    }
}

/// Keeps the place of a mistake inside the table, which `#[serde(untagged)]` would lose.
struct TrustVisitor;

impl<'de> Visitor<'de> for TrustVisitor {
    type Value = Trust;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "\"webhooks\", or ids as in { webhooks = [\"1112223334445556667\"] }; `applications` and `authors` can \
             be listed as well",
        )
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Trust, E> {
        if text == "webhooks" {
            return Ok(Trust::Webhooks);
        }
        let expected: &dyn serde::de::Expected = &self;
        Err(E::custom(format!("`{text}` is unknown; expected {expected}")))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Trust, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Listed {
            #[serde(default, with = "snowflake::list")]
            webhooks: Vec<i64>,
            #[serde(default, with = "snowflake::list")]
            applications: Vec<i64>,
            #[serde(default, with = "snowflake::list")]
            authors: Vec<i64>,
        }
        let Listed { webhooks, applications, authors } =
            Listed::deserialize(MapAccessDeserializer::new(map))?;
        if webhooks.is_empty() && applications.is_empty() && authors.is_empty() {
            let expected: &dyn serde::de::Expected = &self;
            return Err(A::Error::custom(format!("it is empty; expected {expected}")));
        }
        Ok(Trust::Listed { webhooks, applications, authors })
    }
}

/// The bot's token. It is never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Token(String);

impl Token {
    /// Wraps a token.
    #[must_use]
    pub fn new(token: String) -> Self {
        Self(token)
    }

    /// The token itself. Never log it or put it into a reply.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Token {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let token = text.trim();
        if token.chars().all(|c| c.is_ascii_graphic()) {
            Ok(Self::new(token.to_owned()))
        } else {
            Err(
                "not a bot token: it has neither spaces nor letters with accents. Copy it again, without `Bot ` \
                 before it, from the developer portal (your application, Bot, Reset Token)",
            )
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.0.is_empty() { "" } else { "***" })
    }
}

fn api_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    text(deserializer, |text| match text.trim() {
        "" => Ok(None),
        text => base_url(text).map(Some),
    })
}

/// A base address for `/api/v10/…`. Errors do not repeat it, because it may hold a password.
fn base_url(text: &str) -> Result<String, String> {
    let expected = "expected an address such as https://discord.example or http://127.0.0.1:4000, without user, \
                    query and fragment";
    let url = Url::parse(text).map_err(|error| format!("{error}; {expected}"))?;
    let has_user = !url.username().is_empty() || url.password().is_some();
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        _ if has_user || url.query().is_some() || url.fragment().is_some() => Err(expected.to_owned()),
        "http" if !is_loopback => {
            Err("plain http would send the token readable through the network; use https, or \
                                       an address of this machine such as http://127.0.0.1:4000"
                .to_owned())
        }
        "http" | "https" => Ok(url.as_str().trim_end_matches('/').to_owned()),
        _ => Err(expected.to_owned()),
    }
}

/// A time span such as `7 days`, `12 hours` or `30m`; `0` is none.
pub(crate) fn time_span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeDelta, D::Error> {
    text(deserializer, |text| {
        let span =
            humantime::parse_duration(text.trim()).ok().and_then(|span| TimeDelta::from_std(span).ok());
        span.filter(|span| *span <= MAX_HISTORY).ok_or_else(|| {
            format!(
                "`{text}` is not a time span; expected one such as `7 days`, `12 hours` or `30m`; `0` is nothing"
            )
        })
    })
}

pub(crate) fn time_span_text<S: Serializer>(span: &TimeDelta, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_duration(span.to_std().unwrap_or_default()))
}
