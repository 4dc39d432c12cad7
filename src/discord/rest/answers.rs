//! What is read of Discord's answers.

use std::time::Duration;

use crate::card::decode::discord::id_of;
use serde_json::Value;

/// Where the gateway is, and how many sessions may still be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayBot {
    /// Its WebSocket address.
    pub url: String,
    /// How many IDENTIFYs are left.
    pub remaining: u32,
    /// When there are all of them again.
    pub reset_after: Duration,
}

/// The application that the bot belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its id, as in the invitation link.
    pub id: i64,
    /// Its name in the developer portal.
    pub name: String,
    /// Its flags, among them the privileged intents.
    pub flags: u64,
}

/// Who the bot is. Of an old application the two ids differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Own {
    /// Its id as a user.
    pub user: i64,
    /// Id of its application.
    pub application: i64,
}

impl GatewayBot {
    pub(crate) fn read(answer: &Value) -> Option<Self> {
        let limit = answer.get("session_start_limit")?;
        Some(Self {
            url: answer.get("url")?.as_str()?.to_owned(),
            remaining: limit.get("remaining")?.as_u64()?.try_into().ok()?,
            reset_after: Duration::from_millis(limit.get("reset_after")?.as_u64()?),
        })
    }
}

impl Application {
    pub(crate) fn read(answer: &Value) -> Option<Self> {
        Some(Self {
            id: id_of(answer, "id")?,
            name: answer.get("name")?.as_str()?.to_owned(),
            flags: answer.get("flags").and_then(Value::as_u64).unwrap_or_default(),
        })
    }

    /// Whether the Message Content intent is on: `GATEWAY_MESSAGE_CONTENT` or, for applications that
    /// were not reviewed, `GATEWAY_MESSAGE_CONTENT_LIMITED`.
    #[must_use]
    pub const fn may_read_content(&self) -> bool {
        self.flags & (1 << 18 | 1 << 19) != 0
    }
}

impl Own {
    /// Whether the bot itself wrote a message, which is Discord's own JSON.
    #[must_use]
    pub fn wrote(&self, message: &Value) -> bool {
        let author = message.get("author").and_then(|author| id_of(author, "id"));
        author == Some(self.user) || id_of(message, "application_id") == Some(self.application)
    }
}
