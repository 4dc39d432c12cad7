//! Parses a message into cards that are ready to be merged. Pure.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use iso_currency::Currency;
use sha2::{Digest, Sha256};

use crate::card::decode::discord::says_nothing;
use crate::card::decode::json::MAX_OBJECTS;
use crate::card::decode::legacy::{ENDPOINT, LegacyOrder, LegacyRow};
use crate::card::flatten::flatten;
use crate::card::message::{Message, without_nul};
use crate::card::outcome::{Outcome, Rejection, RejectionCode};
use crate::card::parse;
use crate::card::parse::{ParseContext, ParsedCard};
use crate::config::{NumberMissing, Orders};
use crate::order::{Fields, OrderNumber, Source, items};
use crate::store::{EditKey, key_of_edits};

/// A message with the result of parsing it.
#[derive(Clone, Debug)]
pub(crate) struct ParsedMessage {
    /// The message as it arrived, without its parts: the cards replace them.
    pub(crate) message: Message,
    /// Deduplication key; `None` if the message may be applied any number of times.
    pub(crate) key: Option<String>,
    /// SHA-256 of the text form. Detects an edit that changed the content of a Discord message.
    pub(crate) content_hash: Option<String>,
    /// The text forms of its cards.
    pub(crate) flattened: String,
    pub(crate) cards: Vec<ParsedCard>,
    /// For each card of a Discord message, the number that its order has while no card states one.
    pub(crate) made_numbers: Vec<OrderNumber>,
    /// Set if this is not a new message but a row of the log that is replayed.
    pub(crate) replay: Option<Replay>,
}

/// The replay of a log row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Replay {
    pub(crate) log_id: i64,
    /// Whether the row made or changed orders before.
    pub(crate) was_stored: bool,
    /// When the row is replayed. UTC, microseconds.
    pub(crate) at: DateTime<Utc>,
}

impl ParsedMessage {
    /// The time at which its changes are stored: arrival, or the replay.
    pub(crate) fn stored_at(&self) -> DateTime<Utc> {
        self.replay.map_or(self.message.received_at, |replay| replay.at)
    }

    /// The orders that its cards name.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = &OrderNumber> {
        self.cards.iter().filter_map(|card| match card {
            ParsedCard::Order { patch, .. } | ParsedCard::IfKnown { patch, .. } => Some(&patch.number),
            ParsedCard::NoOrder(_) => None,
        })
    }

    /// The key for finding the other versions of this message. `None` if the message has no id, or is a replayed row that
    /// made an order before: then the other versions do not matter.
    pub(crate) fn edit_key(&self) -> Option<EditKey> {
        if self.replay.is_some_and(|replay| replay.was_stored) {
            return None;
        }
        let is_new = self.replay.is_none();
        Some(EditKey {
            key: self.identity()?,
            first_row: self.message.edited_row(),
            content_hash: self.content_hash.clone().filter(|_| is_new),
        })
    }

    /// The key that all versions of a message share: that of its edits. A new message of a webhook link has none yet.
    pub(crate) fn identity(&self) -> Option<String> {
        identity(&self.message).or_else(|| self.key_of_edits())
    }

    /// The deduplication key of the edits of this message, if it is the replayed first version of a message of a webhook
    /// link. The first version has another key, because its id is not known before it is stored.
    pub(crate) fn key_of_edits(&self) -> Option<String> {
        let is_first = self.message.is_of_link() && self.message.discord_id.is_none();
        self.replay.filter(|_| is_first).map(|replay| key_of_edits(replay.log_id))
    }

    /// Whether a card of the Discord message with this id states no number, so that the message identifies its order.
    pub(crate) fn lacks_number(&self, message_id: i64) -> bool {
        self.numbers().any(|number| number.message_id() == Some(message_id))
    }
}

/// Parses a message. An HTTP body without any card gets one rejected card, so that it leaves a log row.
pub(crate) fn parse(mut message: Message, orders: &Orders) -> ParsedMessage {
    if message.endpoint == ENDPOINT {
        return parse_legacy_row(message, orders);
    }
    let texts = flatten(&message);
    let (mut cards, mut made_numbers) = (Vec::new(), Vec::new());
    for (text, n) in texts.iter().zip(1..) {
        if let Some(mut card) = parse::parse(text, &context(&message, orders, n)) {
            add_to_order_of_earlier_card(&cards, &mut card);
            cards.push(card);
            made_numbers.extend(message.watched_id().map(|id| OrderNumber::of_message(id, n)));
        }
    }
    if cards.is_empty() && message.source != Source::DiscordBot {
        cards.push(ParsedCard::NoOrder(Outcome::Rejected(why_refused(&message))));
    }
    if message.left_out > 0 {
        cards.push(ParsedCard::NoOrder(Outcome::Rejected(too_many(message.left_out))));
    }
    message.parts = Vec::new();
    message.raw = without_nul(message.raw);
    let flattened = texts.join("\n\n");
    let has_order = cards.iter().any(|card| matches!(card, ParsedCard::Order { .. }));
    let (key, content_hash) = match identity(&message) {
        Some(identity) => (Some(identity), Some(hash(&flattened))),
        // An HTTP body has no id, but a sender that tries again sends the same bytes. A rejected body has no key:
        // when it is sent again, it is parsed again.
        None if has_order => (Some(format!("{}:{}", message.source.as_str(), hash(&message.raw))), None),
        None => (None, None),
    };
    ParsedMessage { message, key, content_hash, flattened, cards, made_numbers, replay: None }
}

/// Several cards of a message may list the products of one order.
fn add_to_order_of_earlier_card(earlier: &[ParsedCard], card: &mut ParsedCard) {
    let ParsedCard::Order { patch, .. } = card else { return };
    let same = earlier.iter().rev().find_map(|earlier| match earlier {
        ParsedCard::Order { patch: earlier, .. } if earlier.number == patch.number => Some(earlier),
        _ => None,
    });
    if let Some(earlier) = same {
        items::add_items_of(earlier, patch);
    }
}

/// Parses the cards of an earlier version of a message from the text forms in the log.
pub(crate) fn parse_earlier(text_forms: &str, message: &Message) -> Vec<ParsedCard> {
    let mut cards = Vec::new();
    for (text, n) in text_forms.split("\n\n").zip(1..) {
        // The result is only compared by amounts and names, so the currency and the time zone do not matter.
        let context = ParseContext {
            at: message.at,
            source: message.source,
            timezone: Tz::UTC,
            currency: Currency::USD,
            fallback_number: message.watched_id().map(|id| OrderNumber::of_message(id, n)),
        };
        if let Some(mut card) = parse::parse(text, &context) {
            add_to_order_of_earlier_card(&cards, &mut card);
            cards.push(card);
        }
    }
    cards
}

/// Reads the values of an old row as they are. They are not the text of a card.
fn parse_legacy_row(message: Message, orders: &Orders) -> ParsedMessage {
    let row: LegacyRow = serde_json::from_str(&message.raw).unwrap_or_default();
    let card = match LegacyOrder::read(&row, Tz::UTC) {
        Ok(order) => {
            let patch = Box::new(order.patch(message.at, orders.currency));
            ParsedCard::Order { patch, warnings: Vec::new() }
        }
        Err(_) => ParsedCard::NoOrder(Outcome::Rejected(why_refused(&message))),
    };
    let flattened = match &card {
        ParsedCard::Order { patch, .. } => {
            let texts = [&patch.stated, &patch.derived].map(Fields::named_texts).concat();
            let lines = texts.into_iter().map(|(name, text)| format!("{name}\n{text}"));
            std::iter::once(format!("order_number\n{}", patch.number))
                .chain(lines)
                .collect::<Vec<_>>()
                .join("\n")
        }
        _ => String::new(),
    };
    let message = Message { parts: Vec::new(), ..message };
    let (cards, made_numbers) = (vec![card], Vec::new());
    ParsedMessage { message, key: None, content_hash: None, flattened, cards, made_numbers, replay: None }
}

/// Why a message without a card is rejected.
pub(crate) fn why_refused(message: &Message) -> Rejection {
    message.refused.clone().unwrap_or_else(|| not_an_order(message))
}

/// Facts about card `n` (from 1) of a message that the card does not state itself.
#[must_use]
pub fn context(message: &Message, orders: &Orders, n: usize) -> ParseContext {
    let fallback_number = match (orders.number_missing, message.watched_id()) {
        (NumberMissing::MessageId, Some(id)) => Some(OrderNumber::of_message(id, n)),
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

/// The rejection of a message that holds no card.
#[must_use]
pub fn not_an_order(message: &Message) -> Rejection {
    let detail = match &message.json_error {
        Some(error) => error.clone(),
        None if message.raw.trim().is_empty() => "the body is empty".to_owned(),
        None => "no heading such as \"Successful Checkout | Store\" and no labels such as \"Order Number\", \
                 each on a line of its own, were found"
            .to_owned(),
    };
    let is_new = message.is_of_link() && message.edited_row().is_none();
    let is_empty = is_new && says_nothing(&message.raw);
    let code = if is_empty { RejectionCode::EmptyMessage } else { RejectionCode::NotAnOrder };
    Rejection { code, detail }
}

/// The rejection of the objects beyond the limit of a list.
fn too_many(left_out: usize) -> Rejection {
    let detail = format!(
        "the lists hold too many objects: ROMS read the first {MAX_OBJECTS} and left {left_out} out; send them in messages of their own"
    );
    Rejection { code: RejectionCode::NotAnOrder, detail }
}

/// The deduplication key of a message that is known by its id.
fn identity(message: &Message) -> Option<String> {
    message.watched_id().map(|id| format!("discord:{id}")).or_else(|| message.edited_row().map(key_of_edits))
}

pub(crate) fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}
