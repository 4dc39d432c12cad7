//! Checks that must hold for every message, whatever it contains.
//!
//! The targets in `fuzz_targets/` generate inputs and pass them to these checks. A failed check panics, and the
//! fuzzer stores the input in `artifacts/`.

pub mod embeds;

// Only the pure modules, so that the fuzzer builds without the database and the network.
#[path = "../../src"]
mod pure {
    pub mod card;
    pub mod order;
    pub mod redact;
}
pub use pure::*;

use chrono::{DateTime, TimeDelta, Utc};

use card::flatten::flatten;
use card::message::{Message, Part};
use card::outcome::{Ignored, Outcome};
use card::parse::{ParseContext, ParsedCard, parse};
use order::merge::merge;
use order::{OrderNumber, Patch, Source};

/// Maximum warnings, and maximum entries in `extra`, of one card.
const MAX_ENTRIES: usize = 50;
/// Maximum characters of a text column.
const MAX_TEXT: usize = 4096;
/// Maximum characters of a warning or a reason.
const MAX_REMARK: usize = 200;

/// The payload in some bytes, decoded as the HTTP server does. For a file of `tests/fixtures/cards` it is the message
/// in the file, so that these files can be seeds.
#[must_use]
pub fn payload(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let message =
        text.split_once("\n  \"message\": ").and_then(|(_, message)| message.trim_end().strip_suffix('}'));
    message.unwrap_or(&text).to_owned()
}

/// The message that a payload holds.
#[must_use]
pub fn message(payload: &str) -> Message {
    Message::from_payload(payload, "fuzz", now())
}

/// A message with one part.
#[must_use]
pub fn message_of(part: Part) -> Message {
    Message { parts: vec![part], ..message("") }
}

/// Parses a card.
#[must_use]
pub fn parse_card(text: &str) -> Option<ParsedCard> {
    let context = ParseContext {
        at: now(),
        source: Source::Webhook,
        timezone: chrono_tz::America::New_York,
        currency: iso_currency::Currency::USD,
        fallback_number: None,
    };
    parse(text, &context)
}

/// Flattens a message. Checks that the cards are not much larger than the message, and that flattening a card again
/// gives the same card.
///
/// # Panics
/// If a check fails.
pub fn check_cards(message: &Message, size: usize) -> Vec<String> {
    let cards = flatten(message);
    let written: usize = cards.iter().map(|card| card.len()).sum();
    // An empty field becomes two lines, and a number such as 1e14 is written with all its digits.
    assert!(written <= 64 + 12 * size, "{size} bytes became {written}");
    for card in &cards {
        assert!(!card.is_empty() && card.trim() == card, "a card is trimmed and not empty: {card:?}");
        let again = flatten(&message_of(Part::Text(card.clone())));
        assert_eq!(again, [card.clone()], "flattening a card again gives the same card");
    }
    cards
}

/// Parses a text. Checks that every value stays within its limit, and that merging the card twice changes nothing.
///
/// # Panics
/// If a check fails.
pub fn check_reading(text: &str) {
    match parse_card(text) {
        Some(ParsedCard::Order { patch, warnings }) => {
            assert!(warnings.len() <= MAX_ENTRIES);
            for warning in warnings {
                assert!(warning.chars().count() <= MAX_REMARK, "{warning}");
            }
            check_patch(&patch);
        }
        Some(ParsedCard::NoOrder(Outcome::Ignored(Ignored::Failure { reason: Some(reason) }))) => {
            assert!(reason.chars().count() <= MAX_REMARK, "{reason}");
        }
        Some(ParsedCard::IfKnown { patch, .. }) => check_patch(&patch),
        Some(ParsedCard::NoOrder(_)) | None => {}
    }
}

fn check_patch(patch: &Patch) {
    assert_eq!(
        OrderNumber::parse(patch.number.as_str()).as_ref(),
        Ok(&patch.number),
        "an order number parses as itself"
    );
    for (name, text) in [patch.stated.named_texts(), patch.derived.named_texts()].concat() {
        assert!(text.chars().count() <= MAX_TEXT, "{name}: {text}");
    }
    assert!(patch.extra.len() <= MAX_ENTRIES);
    for (name, text) in &patch.extra {
        assert!(name.chars().count() <= MAX_TEXT && text.chars().count() <= MAX_TEXT, "{name}: {text}");
    }

    let first = merge(None, patch, now());
    let later = Patch { at: patch.at + TimeDelta::hours(1), ..patch.clone() };
    for again in [patch, &later] {
        let change = merge(Some(&first.order), again, now());
        assert!(
            !change.created && change.changes.is_empty(),
            "merging a card again changes nothing: {:?}",
            change.changes
        );
    }
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_323_045, 0).unwrap_or_default()
}
