//! Responses of the REST API, reduced to what ROMS needs.

use std::time::Duration;

use serde_json::Value;

use crate::card::decode::discord::id_field;

/// The answer of `GET /gateway/bot`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayBot {
    /// The WebSocket URL of the gateway.
    pub url: String,
    /// How many IDENTIFYs Discord still allows.
    pub remaining: u32,
    /// When Discord resets that number.
    pub reset_after: Duration,
}

/// The application that the bot belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// The application id, as in the invite link.
    pub id: i64,
    /// The name in the developer portal.
    pub name: String,
    /// The flags, which include the privileged intents.
    pub flags: u64,
    /// The addresses to which Discord may lead people back after a sign-in.
    pub redirects: Vec<String>,
}

/// The bot's own ids. They differ for old applications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// User id of the bot.
    pub user: i64,
    /// Application id.
    pub application: i64,
}

impl GatewayBot {
    pub(crate) fn from_json(answer: &Value) -> Option<Self> {
        let limit = answer.get("session_start_limit")?;
        Some(Self {
            url: answer.get("url")?.as_str()?.to_owned(),
            remaining: limit.get("remaining")?.as_u64()?.try_into().ok()?,
            reset_after: Duration::from_millis(limit.get("reset_after")?.as_u64()?),
        })
    }
}

impl Application {
    pub(crate) fn from_json(answer: &Value) -> Option<Self> {
        Some(Self {
            id: id_field(answer, "id")?,
            name: answer.get("name")?.as_str()?.to_owned(),
            flags: answer.get("flags").and_then(Value::as_u64).unwrap_or_default(),
            redirects: answer
                .get("redirect_uris")
                .and_then(Value::as_array)
                .map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
                .unwrap_or_default(),
        })
    }

    /// Whether the Message Content intent is on. The flag is `GATEWAY_MESSAGE_CONTENT`, or
    /// `GATEWAY_MESSAGE_CONTENT_LIMITED` for applications that Discord has not reviewed.
    #[must_use]
    pub const fn has_message_content_intent(&self) -> bool {
        self.flags & (1 << 18 | 1 << 19) != 0
    }
}

impl Identity {
    /// Whether the bot itself wrote a message.
    #[must_use]
    pub fn wrote(&self, message: &Value) -> bool {
        let author = message.get("author").and_then(|author| id_field(author, "id"));
        author == Some(self.user) || id_field(message, "application_id") == Some(self.application)
    }
}
