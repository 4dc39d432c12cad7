//! A message read: its cards as patches or settled outcomes, ready to be merged. Pure.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use crate::card::flatten::flatten;
use crate::card::message::Message;
use crate::card::outcome::{Outcome, Rejection, RejectionCode};
use crate::card::parse;
use crate::card::parse::{ParseContext, ParsedCard};
use crate::config::{NumberMissing, Orders};
use crate::order::{OrderNumber, Source};

/// A message, read.
#[derive(Clone, Debug)]
pub(crate) struct ReadMessage {
    pub(crate) source: Source,
    /// Who did it by hand.
    pub(crate) actor: Option<String>,
    pub(crate) endpoint: String,
    /// The same for the same message again.
    pub(crate) key: Option<String>,
    /// The same for the same content, where the key does not tell of it.
    pub(crate) content_hash: Option<String>,
    pub(crate) message_id: Option<i64>,
    pub(crate) at: DateTime<Utc>,
    pub(crate) received_at: DateTime<Utc>,
    pub(crate) payload: String,
    pub(crate) flattened: String,
    pub(crate) cards: Vec<ParsedCard>,
    /// Where it is not new, but a message of the log that is read again.
    pub(crate) replay: Option<Replay>,
}

/// The reading again of a message of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Replay {
    /// Its row.
    pub(crate) log_id: i64,
    /// When it is read again. UTC, microseconds.
    pub(crate) at: DateTime<Utc>,
}

impl ReadMessage {
    /// When what it says is stored.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.replay.map_or(self.received_at, |replay| replay.at)
    }
}

/// Reads a message. An HTTP body that holds no card at all has one, rejected.
pub(crate) fn read(message: Message, orders: &Orders) -> ReadMessage {
    let texts = flatten(&message);
    let mut cards: Vec<ParsedCard> = texts
        .iter()
        .zip(1..)
        .filter_map(|(text, n)| parse::parse(text, &context(&message, orders, n)))
        .collect();
    if cards.is_empty() && message.source != Source::DiscordBot {
        let rejection = message.refused.clone().unwrap_or_else(|| not_an_order(&message));
        cards.push(ParsedCard::NoOrder(Outcome::Rejected(rejection)));
    }
    let flattened = texts.join("\n\n");
    let payload = message.raw;
    let (key, content_hash) = match (message.source, message.discord_id) {
        (Source::DiscordBot, Some(id)) => (Some(format!("discord:{id}")), Some(hash(&flattened))),
        // HTTP names no message, so its content does: a sender that tries again sends the same
        // bytes. What was rejected is looked at afresh.
        _ if cards.iter().any(|card| matches!(card, ParsedCard::Order { .. })) => {
            (Some(format!("{}:{}", message.source.as_str(), hash(&payload))), None)
        }
        _ => (None, None),
    };
    ReadMessage {
        source: message.source,
        actor: message.actor,
        key,
        content_hash,
        endpoint: message.endpoint,
        message_id: message.discord_id,
        at: message.at,
        received_at: message.received_at,
        payload,
        flattened,
        cards,
        replay: None,
    }
}

/// What card `n` (from 1) of a message does not say itself.
#[must_use]
pub fn context(message: &Message, orders: &Orders, n: usize) -> ParseContext {
    let fallback_number = match (orders.number_missing, message.discord_id) {
        (NumberMissing::MessageId, Some(id)) => OrderNumber::parse(&format!("DISCORD-{id}-{n}")).ok(),
        _ => None,
    };
    ParseContext {
        at: message.at,
        source: message.source,
        timezone: orders.timezone,
        currency: orders.currency,
        fallback_number,
    }
}

/// Why a message that holds no card is refused.
#[must_use]
pub fn not_an_order(message: &Message) -> Rejection {
    let detail = match &message.json_error {
        Some(error) => error.clone(),
        None if message.raw.trim().is_empty() => "the body is empty".to_owned(),
        None => {
            "no headline such as \"Successful Checkout | Store\" and no labels such as \"Order Number\", \
                 each on a line of its own, were found"
                .to_owned()
        }
    };
    Rejection { code: RejectionCode::NotAnOrder, detail }
}

fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}
