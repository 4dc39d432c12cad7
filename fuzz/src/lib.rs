//! Properties that must hold for every input.
//!
//! The targets in `fuzz_targets/` make inputs and hand them to the checks in here. A check that
//! fails is a panic, which the fuzzer keeps as a file in `artifacts/`.

pub mod embeds;

// The pure modules, as they are: so the database, the network and the pictures need not be built.
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

/// No sender fills more of these of one card, whatever it sends.
const MOST_ENTRIES: usize = 50;
/// The longest text of a column, in characters.
const LONGEST_TEXT: usize = 4096;
/// The longest warning or reason, in characters.
const LONGEST_REMARK: usize = 200;

/// The payload in some bytes, as the HTTP edge takes them. Of a case of `tests/fixtures/cards` it
/// is the message inside, so that these can be the seeds.
#[must_use]
pub fn payload(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let message = text.split_once("\n  \"message\": ").and_then(|(_, message)| message.trim_end().strip_suffix('}'));
    message.unwrap_or(&text).to_owned()
}

/// A message of a payload.
#[must_use]
pub fn message(payload: &str) -> Message {
    Message::from_payload(payload, "fuzz", now())
}

/// A message of one part.
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

/// The cards of a message are no larger than it, and come out again as they are.
///
/// # Panics
/// Where it is not so.
pub fn check_cards(message: &Message, size: usize) -> Vec<String> {
    let cards = flatten(message);
    let written: usize = cards.iter().map(|card| card.len()).sum();
    // A field without a value gets two lines; a number such as 1e14 is written out.
    assert!(written <= 64 + 12 * size, "{size} bytes became {written}");
    for card in &cards {
        assert!(!card.is_empty() && card.trim() == card, "a card has no edges: {card:?}");
        let again = flatten(&message_of(Part::Text(card.clone())));
        assert_eq!(again, [card.clone()], "a card is one card");
    }
    cards
}

/// The result of reading a text is bounded, and merging it twice changes nothing.
///
/// # Panics
/// Where it is not so.
pub fn check_reading(text: &str) {
    match parse_card(text) {
        Some(ParsedCard::Order { patch, warnings }) => {
            assert!(warnings.len() <= MOST_ENTRIES);
            for warning in warnings {
                assert!(warning.chars().count() <= LONGEST_REMARK, "{warning}");
            }
            check_patch(&patch);
        }
        Some(ParsedCard::NoOrder(Outcome::Ignored(Ignored::Failure { reason: Some(reason) }))) => {
            assert!(reason.chars().count() <= LONGEST_REMARK, "{reason}");
        }
        Some(ParsedCard::IfKnown { patch, .. }) => check_patch(&patch),
        Some(ParsedCard::NoOrder(_)) | None => {}
    }
}

fn check_patch(patch: &Patch) {
    assert_eq!(OrderNumber::parse(patch.number.as_str()).as_ref(), Ok(&patch.number), "a number is read back");
    for (name, text) in [patch.stated.named_texts(), patch.derived.named_texts()].concat() {
        assert!(text.chars().count() <= LONGEST_TEXT, "{name}: {text}");
    }
    assert!(patch.extra.len() <= MOST_ENTRIES);
    for (name, text) in &patch.extra {
        assert!(name.chars().count() <= LONGEST_TEXT && text.chars().count() <= LONGEST_TEXT, "{name}: {text}");
    }

    let first = merge(None, patch, now());
    let later = Patch { at: patch.at + TimeDelta::hours(1), ..patch.clone() };
    for again in [patch, &later] {
        let change = merge(Some(&first.order), again, now());
        assert!(!change.created && change.changes.is_empty(), "the same again says nothing: {:?}", change.changes);
    }
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_323_045, 0).unwrap_or_default()
}
