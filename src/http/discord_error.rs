//! Errors in the form of Discord's API, for senders that post to a Discord-shaped webhook link.
//!
//! <https://discord.com/developers/docs/topics/opcodes-and-status-codes#json>

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::openapi::{Content, Ref, RefOr, response};
use utoipa::{IntoResponses, ToSchema};

use super::error::ApiError;
use crate::card::outcome::RejectionCode;

/// An error as Discord writes it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DiscordError {
    /// The problem, for people.
    message: String,
    /// Discord's number of the problem; 0 if Discord has none.
    code: u32,
    /// How many seconds to wait; only with 429.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<f64>,
    /// Whether all webhooks are affected; only with 429.
    #[serde(skip_serializing_if = "Option::is_none")]
    global: Option<bool>,
}

impl From<&ApiError> for DiscordError {
    fn from(error: &ApiError) -> Self {
        let (code, message) = match error {
            ApiError::NotFound("webhook") => (10_015, "Unknown Webhook".to_owned()),
            ApiError::NotFound("message") => (10_008, "Unknown Message".to_owned()),
            ApiError::UnknownRoute => (0, "404: Not Found".to_owned()),
            ApiError::MethodNotAllowed => (0, "405: Method Not Allowed".to_owned()),
            ApiError::RateLimited(_) => (0, "You are being rate limited.".to_owned()),
            ApiError::UnknownLink => (50_027, "Invalid Webhook Token".to_owned()),
            ApiError::BadBody(_) => (50_109, "The request body contains invalid JSON.".to_owned()),
            ApiError::Refused { why, .. } => match why.code {
                RejectionCode::EmptyMessage => (50_006, "Cannot send an empty message".to_owned()),
                RejectionCode::TooLarge => (40_005, "Request entity too large".to_owned()),
                _ => (0, error.to_string()),
            },
            _ => (0, error.to_string()),
        };
        let wait = match error {
            ApiError::RateLimited(wait) => Some(wait.as_secs_f64()),
            _ => None,
        };
        Self { message, code, retry_after: wait, global: wait.map(|_| false) }
    }
}

/// The errors of Discord-shaped routes, for the OpenAPI document.
pub(crate) struct DiscordErrors;

impl IntoResponses for DiscordErrors {
    fn responses() -> BTreeMap<String, RefOr<response::Response>> {
        let statuses = [
            ("400", "The message is empty, or not JSON"),
            ("401", "The token is wrong or has expired"),
            ("404", "There is no such webhook or message"),
            ("408", "The body did not arrive completely"),
            ("413", "The message is too large"),
            ("429", "Too many requests; `retry_after` says when to send it again"),
            ("421", "Requests for this host are refused"),
            ("500", "ROMS failed; its log has the reason"),
            ("503", "ROMS is busy, is shutting down, or the database does not answer; send it again"),
        ];
        let documented = statuses.map(|(status, description)| {
            let schema = Some(Ref::from_schema_name(DiscordError::name()));
            let content = Content::builder().schema(schema).build();
            let response = response::ResponseBuilder::new()
                .description(description)
                .content("application/json", content)
                .build();
            (status.to_owned(), RefOr::T(response))
        });
        documented.into()
    }
}
