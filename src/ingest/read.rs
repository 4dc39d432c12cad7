//! A message read: its cards as patches or settled outcomes, ready to be merged. Pure.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use crate::config::{NumberMissing, Orders};
use crate::flatten::flatten;
use crate::message::Message;
use crate::order::{OrderNumber, Patch, Source};
use crate::outcome::{Outcome, Rejection, RejectionCode};
use crate::parse::{self, Context, ParseError, Reading};
use crate::store::storable;

/// A message, read.
#[derive(Clone, Debug)]
pub(super) struct ReadMessage {
    pub(super) source: Source,
    /// Who did it by hand.
    pub(super) actor: Option<String>,
    pub(super) endpoint: String,
    /// The same for the same message again.
    pub(super) key: Option<String>,
    /// The same for the same content, where the key does not tell of it.
    pub(super) content_hash: Option<String>,
    pub(super) message_id: Option<i64>,
    pub(super) at: DateTime<Utc>,
    pub(super) received_at: DateTime<Utc>,
    pub(super) payload: String,
    pub(super) flattened: String,
    pub(super) cards: Vec<ReadCard>,
    /// Where it is not new, but a message of the log that is read again.
    pub(super) replay: Option<Replay>,
}

/// The reading again of a message of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Replay {
    /// Its row.
    pub(super) log_id: i64,
    /// When it is read again. UTC, microseconds.
    pub(super) at: DateTime<Utc>,
}

impl ReadMessage {
    /// When what it says is stored.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.replay.map_or(self.received_at, |replay| replay.at)
    }
}

/// One card of it.
#[derive(Clone, Debug)]
pub(super) enum ReadCard {
    /// News of an order.
    Order { patch: Box<Patch>, warnings: Vec<String> },
    /// Ignored or rejected: nothing to merge.
    Settled(Outcome),
}

/// Reads a message. An HTTP body that holds no card at all has one, rejected.
pub(super) fn read(message: Message, orders: &Orders) -> ReadMessage {
    let texts: Vec<String> = flatten(&message).into_iter().map(|card| card.text).collect();
    let mut cards: Vec<ReadCard> = texts
        .iter()
        .zip(1..)
        .filter_map(|(text, n)| read_card(text, &context(&message, orders, n)))
        .collect();
    if cards.is_empty() && message.source != Source::DiscordBot {
        let rejection = message.refused.clone().unwrap_or_else(|| not_an_order(&message));
        cards.push(ReadCard::Settled(Outcome::Rejected(rejection)));
    }
    let flattened = texts.join("\n\n");
    let payload = storable(message.raw);
    let (key, content_hash) = match (message.source, message.discord_id) {
        (Source::DiscordBot, Some(id)) => (Some(format!("discord:{id}")), Some(hash(&flattened))),
        // HTTP names no message, so its content does: a sender that tries again sends the same
        // bytes. What was rejected is looked at afresh.
        _ if cards.iter().any(|card| matches!(card, ReadCard::Order { .. })) => {
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
        flattened: storable(flattened),
        cards,
        replay: None,
    }
}

/// What card `n` (from 1) of a message does not say itself.
#[must_use]
pub fn context(message: &Message, orders: &Orders, n: usize) -> Context {
    let fallback_number = match (orders.number_missing, message.discord_id) {
        (NumberMissing::MessageId, Some(id)) => OrderNumber::parse(&format!("DISCORD-{id}-{n}")).ok(),
        _ => None,
    };
    Context {
        at: message.at,
        source: message.source,
        timezone: orders.timezone,
        currency: orders.currency,
        fallback_number,
    }
}

fn read_card(text: &str, context: &Context) -> Option<ReadCard> {
    match parse::read(text, context) {
        Ok(None) => None,
        Ok(Some(Reading::Order { patch, warnings })) => Some(ReadCard::Order { patch, warnings }),
        Ok(Some(Reading::NoOrder(ignored))) => Some(ReadCard::Settled(Outcome::Ignored(ignored))),
        Err(error) => Some(ReadCard::Settled(Outcome::Rejected(rejection(error)))),
    }
}

fn rejection(error: ParseError) -> Rejection {
    let code = match error {
        ParseError::MissingOrderNumber => RejectionCode::MissingOrderNumber,
        ParseError::BadOrderNumber(_) => RejectionCode::BadOrderNumber,
    };
    Rejection { code, detail: error.to_string() }
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
