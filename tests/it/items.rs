//! Order items from the card to the database, the API and the terminal.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use roms::card::message::Message;
use serde_json::{Value, json};

use crate::cli::{err, out, roms};
use crate::support::app::App;
use crate::support::pipeline::{Pipeline, minute};
use crate::watching::program::run;

const LISTED: &str =
    "position product sku size quantity unit_price line_total product_url image qty_received";

/// The message of a card in `tests/fixtures/cards`.
fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cards").join(name);
    let case: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    case["message"].to_string()
}

/// The items of an order in the answers for it.
async fn items(app: &App, number: &str) -> Value {
    let reply = app.get(&format!("/api/v2/orders/{number}")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let list = app.get(&format!("/api/v2/orders?search={number}")).await;
    let listed = list.json["orders"].as_array().unwrap().iter().find(|order| order["order_number"] == number);
    assert_eq!(listed.unwrap()["items"], reply.json["items"], "the list has the same items");
    reply.json["items"].clone()
}

/// An item without what is not given.
fn item(position: u32, product: &str, more: &Value) -> Value {
    let names = LISTED.split(' ').map(|name| (name.to_owned(), Value::Null));
    let mut item: serde_json::Map<String, Value> = names.collect();
    let given = json!({"position": position, "product": product, "quantity": 1, "qty_received": 0});
    item.extend(given.as_object().unwrap().clone());
    item.extend(more.as_object().unwrap().clone());
    item.into()
}

#[tokio::test]
async fn a_card_with_a_list_is_stored_with_its_items_once() {
    let app = App::start().await;
    let message = fixture("polar_multi_item.json");
    let expected = json!([
        item(
            1,
            "Example Booster Bundle",
            &json!({"size": "Default", "quantity": 2, "product_url": "https://www.target.com/p/-/A-90000001"})
        ),
        item(
            2,
            "Example Tin",
            &json!({"size": "Default", "product_url": "https://www.target.com/p/-/A-90000002"})
        )
    ]);
    app.stored(&[&message]).await;
    assert_eq!(items(&app, "102005550001111").await, expected);
    let stored = async || {
        let mut sql = app.sql().await;
        (sql.rows("SELECT * FROM order_items").await, sql.rows("SELECT * FROM order_events").await)
    };
    let before = stored().await;
    app.stored(&[&message, &message.replace("Polar AIO", "Polar  AIO")]).await;
    assert_eq!(items(&app, "102005550001111").await, expected, "nothing is doubled");
    let after = stored().await;
    assert_eq!(after.0, before.0);
    assert!(!format!("{:?}", after.1.get(before.1.len()..)).contains("items["), "no item changed: {after:?}");

    let order = app.get("/api/v2/orders/102005550001111").await.json;
    assert_eq!(order["product"], "Example Booster Bundle + Example Tin");
    assert_eq!(
        (&order["quantity"], &order["total"], &order["price"]),
        (&json!(3), &json!(86.41), &Value::Null)
    );
    let events = app.get("/api/v2/orders/102005550001111/events").await;
    assert!(
        events.text.contains(r#"{"field":"items[2].product","old":null,"new":"Example Tin"}"#),
        "{}",
        events.text
    );
}

#[tokio::test]
async fn every_fixture_is_stored_with_the_items_that_its_card_lists() {
    let folder = tempfile::tempdir().unwrap();
    let (mut app, mut stored) = (App::start().await, HashSet::new());
    for path in crate::reading::cards::files() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let message = fixture(name);
        let parsed = out(&roms(folder.path(), &["parse", "--json"], &message));
        let parsed: Value = serde_json::from_str(&parsed).unwrap();
        // Two files may use one number for different orders.
        let cards = parsed["cards"].as_array().unwrap();
        let numbers = cards.iter().filter_map(|card| card["order"]["order_number"].as_str());
        if numbers.clone().any(|number| stored.contains(number)) {
            app.stop().await;
            (app, stored) = (App::start().await, HashSet::new());
        }
        stored.extend(numbers.map(str::to_owned));
        for round in ["first", "second"] {
            app.post(message.clone()).await;
            for card in cards {
                let number = card["order"]["order_number"].as_str().unwrap_or_default();
                // Over HTTP there is no number made from the message.
                if number.is_empty() || number.starts_with("DISCORD-") {
                    continue;
                }
                let expected = &card["order"]["items"];
                let names_product = !card["order"]["product"].is_null();
                assert_eq!(!expected.as_array().unwrap().is_empty(), names_product, "{name}");
                assert_eq!(items(&app, number).await, *expected, "{name}, {round} time");
            }
        }
    }
}

#[tokio::test]
async fn names_and_skus_of_all_items_are_found() {
    let app = App::start().await;
    let lines: Vec<String> =
        (1..=60).map(|n| format!("- 1x Collector Card Number {n} of a long series")).collect();
    let long = format!("Successful Checkout | Store\nOrder Number\nLONG-1\nItems\n{}\n", lines.join("\n"));
    app.stored(&[
        &long,
        r#"{"order_number": "SKU-1", "product": "Shoe", "sku": "DZ5485-612", "size": "10.5"}"#,
    ])
    .await;
    assert_eq!(app.sql().await.count("order_items").await, 61);
    for (text, number) in
        [("number 60 of", "LONG-1"), ("Number 1 of", "LONG-1"), ("dz5485-612", "SKU-1"), ("5485-6", "SKU-1")]
    {
        let found = app.get(&format!("/api/v2/orders?search={}", text.replace(' ', "%20"))).await;
        assert_eq!(found.json["orders"][0]["order_number"], number, "{text}: {}", found.text);
        assert_eq!(found.json["total"], 1, "{text}");
    }
    app.stored(&[r#"{"order_number": "SKU-1", "product": "Shoe", "sku": "NEW-77"}"#]).await;
    let total =
        async |text: &str| app.get(&format!("/api/v2/orders?search={text}")).await.json["total"].clone();
    assert_eq!((total("NEW-77").await, total("DZ5485").await), (json!(1), json!(0)), "the index follows");
}

#[tokio::test]
async fn a_live_update_carries_the_items() {
    let mut pipeline = Pipeline::start().await;
    let message = Message::from_payload(&fixture("polar_multi_item.json"), "test", minute(0));
    pipeline.ingest.submit(message).await.unwrap();
    assert_eq!(pipeline.changes.recv().await.unwrap().order.items.len(), 2);
    pipeline.end().await;
}

#[tokio::test]
async fn the_terminal_shows_the_items_and_a_deleted_order_leaves_none() {
    let app = App::start().await;
    app.stored(&[&fixture("polar_multi_item.json")]).await;
    let home = app.stop().await;
    let show = ["order", "102005550001111"];
    let shown = out(&run(&home, &show).await);
    let expected = "Items\n   1  Example Booster Bundle\n      size: Default\n      quantity: 2\n";
    assert!(shown.contains(expected), "{shown}");
    let deleted = run(&home, &["orders", "delete", "102005550001111", "--yes"]).await;
    assert_eq!(deleted.status.code(), Some(0), "{}", err(&deleted));
    let mut sql = home.sql().await;
    assert_eq!(sql.count("order_items").await, 0);
    sql.assert_sound().await;
}
