//! Each card of `tests/fixtures/cards`: what is read from it, as a snapshot.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use roms::card::flatten::flatten;
use roms::card::message::Message;
use roms::card::parse::{ParseContext, ParsedCard, parse};
use roms::order::Source;

fn context(message: &Message) -> ParseContext {
    ParseContext {
        at: message.at,
        source: Source::Webhook,
        timezone: chrono_tz::UTC,
        currency: iso_currency::Currency::USD,
        fallback_number: None,
    }
}

/// Everything that is read from a payload, as text.
pub(crate) fn report(payload: &str) -> String {
    let arrival: DateTime<Utc> = "2026-01-02T03:04:05Z".parse().unwrap();
    let message = Message::from_payload(payload, "test", arrival);
    let mut out = String::new();
    for card in flatten(&message) {
        writeln!(out, "--- text form\n{}\n--- reading", card).unwrap();
        match parse(&card, &context(&message)) {
            Some(ParsedCard::Order { patch, warnings }) => {
                writeln!(out, "order {} at {}", patch.number, patch.at).unwrap();
                for (sort, fields) in [("stated", &patch.stated), ("derived", &patch.derived)] {
                    for (name, value) in fields.named_texts() {
                        writeln!(out, "{sort} {name}: {value}").unwrap();
                    }
                }
                for (name, value) in &patch.extra {
                    writeln!(out, "extra {name}: {value}").unwrap();
                }
                for warning in warnings {
                    writeln!(out, "warning {warning}").unwrap();
                }
            }
            other => writeln!(out, "{other:?}").unwrap(),
        }
    }
    out
}

#[test]
fn every_card_is_read_as_its_snapshot_says() {
    insta::glob!("../fixtures/cards", "*.json", |path| {
        let case: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        insta::assert_snapshot!(report(&case["message"].to_string()));
    });
}
