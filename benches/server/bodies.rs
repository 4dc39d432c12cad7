//! The request bodies: two cards from the test fixtures, with `@NUMBER@` in place of the order number.

use anyhow::{Context, Result};
use serde_json::Value;

const TEXT: &str = include_str!("../../tests/fixtures/cards/refract_success_text_content.json");
const EMBED: &str = include_str!("../../tests/fixtures/cards/refract_success_target.json");

/// The placeholder that `load.lua` replaces with a new order number.
pub(crate) const NUMBER: &str = "@NUMBER@";

/// How a card is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Refract's text lines.
    Text,
    /// An embed in the body of a Discord webhook.
    Embed,
}

impl Form {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Embed => "embed",
        }
    }

    /// The request body.
    pub(crate) fn body(self) -> Result<String> {
        let case = |json| serde_json::from_str::<Value>(json);
        let (case, body) = match self {
            Self::Text => {
                let case = case(TEXT)?;
                let text = case["message"]["content"].as_str().map(str::to_owned);
                (case, text.context("the card has no text")?)
            }
            Self::Embed => {
                let case = case(EMBED)?;
                let body = serde_json::json!({"embeds": case["message"]["embeds"]}).to_string();
                (case, body)
            }
        };
        let number = case["expect"]["order_number"].as_str().context("the card has no number")?;
        anyhow::ensure!(body.contains(number), "the card does not contain its order number");
        Ok(body.replace(number, NUMBER))
    }
}
