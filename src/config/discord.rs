//! Which channels of Discord are watched, and whom to trust there.

mod read;

use std::fmt;

use chrono::TimeDelta;

pub(crate) use read::read;

/// The connection to Discord.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discord {
    /// The bot's token. Without one there is no `Discord` at all.
    pub token: Token,
    /// Where Discord's REST API is; `None` is Discord itself.
    pub api_url: Option<String>,
    /// The guilds whose channels may be watched.
    pub guilds: Vec<i64>,
    /// Whether a refused token or intent ends the program; else HTTP goes on alone.
    pub required: bool,
    /// Where cards that could not be read are announced.
    pub notice_channel: Option<i64>,
    /// The channels to watch.
    pub channels: Vec<Channel>,
}

/// A channel to watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its id.
    pub id: i64,
    /// What people call it; for messages and health.
    pub name: String,
    /// Whose messages are cards.
    pub trust: Trust,
    /// Whether the bot reacts to the cards it has taken.
    pub react: bool,
    /// How far back the history is read at first sight.
    pub history: TimeDelta,
    /// Whether forwarded messages are read.
    pub forwarded: bool,
}

/// Whose messages are cards. Display names never count: a webhook's sender chooses them freely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Any webhook of the channel.
    Webhooks,
    /// These and no others.
    Listed {
        /// Webhook ids.
        webhooks: Vec<i64>,
        /// Application ids.
        applications: Vec<i64>,
        /// User ids.
        authors: Vec<i64>,
    },
}

/// The bot's token: never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A token.
    #[must_use]
    pub fn new(token: String) -> Self {
        Self(token)
    }

    /// The token itself: never for a log or a reply.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
