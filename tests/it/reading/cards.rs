//! Each card of `tests/fixtures/cards` against the facts that its file expects.

use std::path::Path;

use roms::order::Carrier;
use serde_json::Value;

use super::{Said, said};

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What an order of these facts holds in a column: stated, derived, or price times quantity.
fn column(said: &Said, name: &str) -> Option<String> {
    let found = said
        .get(name)
        .or_else(|| said.get(&format!("~{name}")))
        .or_else(|| said.get(&format!("extra.{name}")));
    match name {
        "order_number" => said.get("number").cloned(),
        "carrier" => {
            said.get("tracking_number").and_then(|number| Carrier::of(number)).map(|c| c.as_str().to_owned())
        }
        "total" if found.is_none() && column(said, "quantity").as_deref() == Some("1") => {
            column(said, "price")
        }
        "failure_reason" => said.get("reason").or(found).cloned(),
        _ => found.cloned(),
    }
}

fn check(case: &Value) -> Result<(), String> {
    let cards = said(&case["message"].to_string());
    let expect = case["expect"].as_object().unwrap();
    let same = |what: &str, found: Option<String>, wanted: String| {
        if found.as_ref() == Some(&wanted) {
            Ok(())
        } else {
            Err(format!("{what} is {found:?}, not {wanted}: {cards:?}"))
        }
    };
    for (name, wanted) in expect {
        match (name.as_str(), text(wanted).as_str()) {
            ("kind", "wait") => same("cards", Some(cards.len().to_string()), "0".to_owned())?,
            ("kind", "ignore") => same("kind", cards[0].get("no order").cloned(), "test".to_owned())?,
            ("kind", "failure") => same("kind", cards[0].get("no order").cloned(), "failure".to_owned())?,
            ("kind", "order" | "update" | "cancel") => {
                same("cards", Some(cards.len().to_string()), "1".to_owned())?;
            }
            ("kind", "orders") | ("reason", _) => {}
            ("kind", other) => return Err(format!("unknown kind {other}")),
            ("order", _) => {
                same("number", Some(cards[0].contains_key("number").to_string()), "false".to_owned())?;
            }
            ("count", count) => same("count", Some(cards.len().to_string()), count.to_owned())?,
            ("order_numbers", _) => {
                let found: Vec<Value> =
                    cards.iter().map(|card| Value::from(card["number"].clone())).collect();
                same("numbers", Some(Value::from(found).to_string()), wanted.to_string())?;
            }
            ("must_not_change", _) => {
                for kept in wanted.as_array().unwrap() {
                    same(
                        &text(kept),
                        Some(cards[0].contains_key(&text(kept)).to_string()),
                        "false".to_owned(),
                    )?;
                }
            }
            (name, wanted) => same(name, column(&cards[0], name), wanted.to_owned())?,
        }
    }
    Ok(())
}

#[test]
fn every_card_says_what_its_file_expects() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cards");
    let mut wrong = Vec::new();
    let mut tried = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let case: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        tried += 1;
        if let Err(error) = check(&case) {
            wrong.push(format!("{}: {error}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried >= 12);
}
