//! What is read from a message: each hard case as a line of a table.

mod cards;
mod embeds;
mod flat;
mod fuzzed;
mod kinds;
mod labels;
mod money;
mod orders;
mod robust;
mod shown;
mod text;
mod values;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use roms::card::flatten::flatten;
use roms::card::message::Message;
use roms::card::outcome::{Ignored, Outcome};
use roms::card::parse::{ParseContext, ParsedCard, parse};
use roms::order::Source;

/// What one card says: columns by name, derived ones behind `~`, `extra.` and a label, `number`,
/// `warnings`; or `no order` and `reason`; or `error`.
pub(crate) type Said = BTreeMap<String, String>;

/// What each card of a payload says, cards that are nobody's left out.
pub(crate) fn said(payload: &str) -> Vec<Said> {
    said_at(payload, "USD")
}

fn said_at(payload: &str, currency: &str) -> Vec<Said> {
    let arrival: DateTime<Utc> = "2026-01-02T03:04:05Z".parse().unwrap();
    let message = Message::from_payload(payload, "test", arrival);
    let context = ParseContext {
        at: message.at,
        source: Source::Webhook,
        timezone: chrono_tz::UTC,
        currency: iso_currency::Currency::from_code(currency).unwrap(),
        fallback_number: None,
    };
    flatten(&message).iter().filter_map(|card| told(parse(card, &context)?)).collect()
}

fn told(card: ParsedCard) -> Option<Said> {
    let one = |key: &str, value: String| Said::from([(key.to_owned(), value)]);
    let (patch, warnings) = match card {
        ParsedCard::Order { patch, warnings } => (patch, warnings),
        ParsedCard::NoOrder(Outcome::Ignored(ignored)) => {
            let mut said = one("no order", ignored.code().to_owned());
            if let Ignored::Failure { reason: Some(reason) } = ignored {
                said.insert("reason".to_owned(), reason);
            }
            return Some(said);
        }
        ParsedCard::NoOrder(Outcome::Rejected(rejection)) => {
            let mut said = one("error", rejection.code.as_str().to_owned());
            said.insert("detail".to_owned(), rejection.detail);
            return Some(said);
        }
        ParsedCard::NoOrder(other) => panic!("{other:?}"),
    };
    let mut said = one("number", patch.number.to_string());
    said.extend(patch.stated.named_texts().into_iter().map(|(name, text)| (name.to_owned(), text)));
    said.extend(patch.derived.named_texts().into_iter().map(|(name, text)| (format!("~{name}"), text)));
    said.extend(patch.extra.iter().map(|(name, text)| (format!("extra.{name}"), text.clone())));
    if !warnings.is_empty() {
        said.insert("warnings".to_owned(), warnings.join("; "));
    }
    Some(said)
}

/// A case: what it shows, the payload, and what its first card says; an empty text is "nothing".
type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

/// Checks every case of a table and tells of all that fail.
fn check(cases: &[Case<'_>]) {
    let mut wrong = Vec::new();
    for (name, payload, expected) in cases {
        let cards = said(payload);
        let first = cards.first().cloned().unwrap_or_default();
        for (key, value) in *expected {
            let found = first.get(*key).map_or("", String::as_str);
            if found != *value {
                wrong.push(format!("{name}: {key} is {found:?}, not {value:?}\n    {first:?}"));
            }
        }
        if expected.is_empty() && !cards.is_empty() {
            wrong.push(format!("{name}: read as {cards:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A card in plain text that says one thing more.
fn card_with(label: &str, value: &str) -> String {
    format!("Successful Checkout | Store\nOrder Number\n#A-1\n{label}\n{value}\n")
}

/// The same as an embed of a Discord message.
fn embed_with(fields: &[(&str, &str)]) -> String {
    let fields: Vec<_> =
        fields.iter().map(|(name, value)| serde_json::json!({"name": name, "value": value})).collect();
    serde_json::json!({"embeds": [{"author": {"name": "Successful Checkout | Store"}, "fields": fields}]})
        .to_string()
}

/// Checks one column for each of several values of a label.
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
