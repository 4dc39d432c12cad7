//! `[webhooks]`: where outgoing webhooks may go, and which changes they announce.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::discord::{time_span, time_span_text};

/// Outgoing webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    /// Whether every endpoint and relay may have a private address.
    pub allow_private: bool,
    /// Changes by messages older than this are not announced.
    #[serde(deserialize_with = "time_span", serialize_with = "time_span_text")]
    pub max_age: TimeDelta,
}
