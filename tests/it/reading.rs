//! How messages are read: each hard case is a line of a table.

pub(crate) mod cards;
mod embeds;
mod flat;
mod fuzzed;
mod headings;
mod kinds;
mod labels;
mod money;
mod orders;
mod robust;
pub(crate) mod text;
mod values;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use roms::card::flatten::flatten;
use roms::card::message::Message;
use roms::card::outcome::{Ignored, Outcome};
use roms::card::parse::{ParseContext, ParsedCard, parse};
use roms::order::{OrderNumber, Source};

/// The result of reading one card: columns by name, derived ones with `~` in front, `extra.` and a label, `number`
/// and `warnings`, `item1.` and a field of an item; or `no order` and `reason`; or `error` and `detail`.
pub(crate) type Reading = BTreeMap<String, String>;

/// The result of reading each card of a payload, without texts that are not cards.
pub(crate) fn read_all(payload: &str) -> Vec<Reading> {
    read_in(payload, "USD")
}

/// The same with this configured currency.
fn read_in(payload: &str, currency: &str) -> Vec<Reading> {
    read_cards_in(payload, currency, false).into_iter().filter_map(|(_, card)| card).collect()
}

/// The text form of each card of a payload, and what is read from it; `None` if the text is not a card. With
/// `makes_number`, a new order without a number gets one from its message.
fn read_cards(payload: &str, makes_number: bool) -> Vec<(String, Option<Reading>)> {
    read_cards_in(payload, "USD", makes_number)
}

fn read_cards_in(payload: &str, currency: &str, makes_number: bool) -> Vec<(String, Option<Reading>)> {
    let arrival: DateTime<Utc> = "2026-01-02T03:04:05Z".parse().unwrap();
    let message = Message::from_payload(payload, "test", arrival);
    let number = message.discord_id.filter(|_| makes_number).map(|id| format!("DISCORD-{id}-1"));
    let context = ParseContext {
        at: message.at,
        source: Source::Webhook,
        timezone: chrono_tz::UTC,
        currency: iso_currency::Currency::from_code(currency).unwrap(),
        fallback_number: number.and_then(|number| OrderNumber::parse(&number).ok()),
    };
    let read = |form: String| {
        let card = parse(&form, &context).map(reading_of);
        (form, card)
    };
    flatten(&message).into_iter().map(read).collect()
}

fn reading_of(card: ParsedCard) -> Reading {
    let one = |key: &str, value: String| Reading::from([(key.to_owned(), value)]);
    let (patch, warnings) = match card {
        ParsedCard::Order { patch, warnings } => (patch, warnings),
        ParsedCard::IfKnown { patch, otherwise, .. } => {
            let mut reading = reading_of(ParsedCard::NoOrder(otherwise));
            if patch.number.message_id().is_some() {
                return reading;
            }
            reading.insert("failed number".to_owned(), patch.number.to_string());
            reading
                .extend(patch.stated.named_texts().into_iter().map(|(name, text)| (name.to_owned(), text)));
            return reading;
        }
        ParsedCard::NoOrder(Outcome::Ignored(ignored)) => {
            let mut reading = one("no order", ignored.code().to_owned());
            if let Ignored::Failure { reason: Some(reason) } = ignored {
                reading.insert("reason".to_owned(), reason);
            }
            return reading;
        }
        ParsedCard::NoOrder(Outcome::Rejected(rejection)) => {
            let mut reading = one("error", rejection.code.as_str().to_owned());
            reading.insert("detail".to_owned(), rejection.detail);
            return reading;
        }
        ParsedCard::NoOrder(other) => panic!("{other:?}"),
    };
    let mut reading = one("number", patch.number.to_string());
    reading.extend(patch.stated.named_texts().into_iter().map(|(name, text)| (name.to_owned(), text)));
    reading.extend(patch.derived.named_texts().into_iter().map(|(name, text)| (format!("~{name}"), text)));
    reading.extend(patch.extra.iter().map(|(name, text)| (format!("extra.{name}"), text.clone())));
    for (item, number) in patch.items.iter().zip(1..) {
        let named = item.named_texts().into_iter();
        reading.extend(named.map(|(name, text)| (format!("item{number}.{name}"), text)));
    }
    if !warnings.is_empty() {
        reading.insert("warnings".to_owned(), warnings.join("; "));
    }
    reading
}

/// A case: its name, the payload, and fields of its first card. An empty text means that the field is empty, no
/// fields at all mean that the payload holds no card.
type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

/// Checks every case of a table and reports all failures.
fn check(cases: &[Case<'_>]) {
    let mut wrong = Vec::new();
    for (name, payload, expected) in cases {
        let cards = read_all(payload);
        let first = cards.first().cloned().unwrap_or_default();
        for (key, value) in *expected {
            let found = first.get(*key).map_or("", String::as_str);
            if found != *value {
                wrong.push(format!("{name}: {key} is {found:?}, not {value:?}\n    {first:?}"));
            }
        }
        let is_right_count = if expected.is_empty() { cards.is_empty() } else { cards.len() == 1 };
        if !is_right_count {
            wrong.push(format!("{name}: {} cards: {cards:?}", cards.len()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A card in plain text with one more label.
fn card_with(label: &str, value: &str) -> String {
    format!("Successful Checkout | Store\nOrder Number\n#A-1\n{label}\n{value}\n")
}

/// A Discord message with an embed of these fields.
fn embed_with(fields: &[(&str, &str)]) -> String {
    let fields: Vec<_> =
        fields.iter().map(|(name, value)| serde_json::json!({"name": name, "value": value})).collect();
    serde_json::json!({"embeds": [{"author": {"name": "Successful Checkout | Store"}, "fields": fields}]})
        .to_string()
}

/// Checks one column for several values of a label.
fn check_values(label: &str, column: &str, table: &[(&str, &str)]) {
    let payloads: Vec<String> = table.iter().map(|(value, _)| card_with(label, value)).collect();
    let expected: Vec<[(&str, &str); 1]> = table.iter().map(|(_, found)| [(column, *found)]).collect();
    let cases: Vec<Case<'_>> = table
        .iter()
        .zip(payloads.iter().zip(&expected))
        .map(|((value, _), (payload, expected))| (*value, payload.as_str(), expected.as_slice()))
        .collect();
    check(&cases);
}
