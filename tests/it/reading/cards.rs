//! Every card of `tests/fixtures/cards`, compared exactly: all cards of the message, all fields of each card.
//!
//! A file holds a message, what a careful person would read from it (`expect`), and what ROMS reads (`cards`):
//! the text form and every field of every card. To add a case, write `message` and `expect`, run the test with
//! `UPDATE_CARDS=1`, which fills in `cards`, and review what it wrote.

use std::fs;
use std::path::{Path, PathBuf};

use roms::order::Carrier;
use serde_json::{Map, Value, json};

use super::{Reading, read_cards};

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The value of a column in an order made from this card: a stated or derived value, or price times quantity.
fn column(card: &Reading, name: &str) -> Option<String> {
    let found = card
        .get(name)
        .or_else(|| card.get(&format!("~{name}")))
        .or_else(|| card.get(&format!("extra.{name}")));
    match name {
        "owner_discord_id" => card.get("owner_id").cloned(),
        "email_or_profile" => card.get("email").or_else(|| card.get("profile")).cloned(),
        "order_number" => card.get("number").cloned(),
        "carrier" => {
            card.get("tracking_number").and_then(|number| Carrier::of(number)).map(|c| c.as_str().to_owned())
        }
        "total" if found.is_none() => {
            let hundredths = column(card, "price")?.replace('.', "").parse::<i64>().unwrap();
            let total = hundredths * column(card, "quantity")?.parse::<i64>().unwrap();
            Some(format!("{}.{:02}", total / 100, total % 100))
        }
        "failure_reason" => card.get("reason").or_else(|| card.get("cancel_reason")).or(found).cloned(),
        _ => found.cloned(),
    }
}

/// Compares the cards with `expect`.
fn check_expectations(expect: &Value, cards: &[Reading]) -> Result<(), String> {
    let same = |what: &str, found: Option<String>, expected: String| {
        if found.as_ref() == Some(&expected) {
            Ok(())
        } else {
            Err(format!("{what} is {found:?}, not {expected}: {cards:?}"))
        }
    };
    let count =
        |expected: usize| same("number of cards", Some(cards.len().to_string()), expected.to_string());
    if let Some(orders) = expect.get("orders") {
        let orders = orders.as_array().unwrap();
        let stored: Vec<&Reading> = cards.iter().filter(|card| !card.contains_key("no order")).collect();
        same("number of orders", Some(stored.len().to_string()), orders.len().to_string())?;
        for (order, card) in orders.iter().zip(stored) {
            for (name, expected) in order.as_object().unwrap() {
                let found = column(card, name);
                match (name.as_str(), expected) {
                    // The order is kept under a number made from its message.
                    ("order_number", Value::Null) => {
                        let is_made = found.as_ref().is_some_and(|number| number.starts_with("DISCORD-"));
                        same("made number", Some(is_made.to_string()), "true".to_owned())?;
                    }
                    (_, Value::Null) => same(name, Some(format!("{found:?}")), "None".to_owned())?,
                    ("price" | "total", _) => {
                        let found = found.map(|amount| amount.trim_end_matches(".00").to_owned());
                        same(name, found, text(expected).trim_end_matches(".00").to_owned())?;
                    }
                    _ => same(name, found, text(expected))?,
                }
            }
        }
        return Ok(());
    }
    for (name, expected) in expect.as_object().unwrap() {
        match (name.as_str(), text(expected).as_str()) {
            ("behaviour", _) => {}
            (name, "null") => same(name, Some(format!("{:?}", column(&cards[0], name))), "None".to_owned())?,
            ("kind", "wait") => count(0)?,
            ("kind", kind @ ("ignore" | "failure")) => {
                count(1)?;
                let code = if kind == "ignore" { "test" } else { kind };
                same("no order", cards[0].get("no order").cloned(), code.to_owned())?;
            }
            ("kind", "order" | "update" | "cancel") => count(1)?,
            ("kind", "orders") | ("reason", _) => {}
            ("kind", other) => return Err(format!("unknown kind {other}")),
            ("order", _) => {
                same("number", Some(cards[0].contains_key("number").to_string()), "false".to_owned())?;
            }
            ("count", expected) => count(expected.parse().unwrap())?,
            ("order_numbers", _) => {
                let found: Vec<Value> =
                    cards.iter().map(|card| Value::from(card["number"].clone())).collect();
                same("numbers", Some(Value::from(found).to_string()), expected.to_string())?;
            }
            ("must_not_change", _) => {
                for kept in expected.as_array().unwrap() {
                    same(
                        &text(kept),
                        Some(cards[0].contains_key(&text(kept)).to_string()),
                        "false".to_owned(),
                    )?;
                }
            }
            // A cancellation's reason has one spelling.
            ("failure_reason", expected) => {
                let found = column(&cards[0], name).map(|reason| reason.to_lowercase());
                same(name, found, expected.to_lowercase())?;
            }
            (name, expected) => same(name, column(&cards[0], name), expected.to_owned())?,
        }
    }
    Ok(())
}

/// The text form and fields of every card, as the file states them.
fn found_cards(message: &Value) -> Value {
    let payload = message.to_string();
    let cards = read_cards(&payload, true).into_iter().map(|(form, card)| {
        let card: Option<Map<String, Value>> =
            card.map(|card| card.into_iter().map(|(name, text)| (name, json!(text))).collect());
        json!({"text_form": form.lines().collect::<Vec<_>>(), "reads": card})
    });
    cards.collect::<Vec<_>>().into()
}

/// Puts `cards` in front of `message` in the text of a file.
fn update(path: &Path, file: &str, cards: &Value) {
    const MESSAGE: &str = "\n  \"message\": ";
    let (head, message) = file.split_once(MESSAGE).expect("a file with two spaces for each level");
    let head = head.split_once("\n  \"cards\": ").map_or(head, |(head, _)| head);
    let cards = serde_json::to_string_pretty(cards).unwrap().replace('\n', "\n  ");
    fs::write(path, format!("{head}\n  \"cards\": {cards},{MESSAGE}{message}")).unwrap();
}

pub(crate) fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cards");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn every_card_of_every_file_is_read_exactly_as_the_file_says() {
    let mut wrong = Vec::new();
    let files = files();
    for path in &files {
        let file = fs::read_to_string(path).unwrap();
        let case: Value = serde_json::from_str(&file).unwrap();
        let found = found_cards(&case["message"]);
        if std::env::var_os("UPDATE_CARDS").is_some() {
            update(path, &file, &found);
        } else if case["cards"] != found {
            let (expected, found) = (&case["cards"], serde_json::to_string_pretty(&found).unwrap());
            wrong.push(format!("{}: read as {found}\ninstead of {expected:#}", path.display()));
        }
        let cards: Vec<Reading> =
            read_cards(&case["message"].to_string(), true).into_iter().filter_map(|(_, card)| card).collect();
        if let Err(error) = check_expectations(&case["expect"], &cards) {
            wrong.push(format!("{}: {error}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(files.len() >= 12);
}
