//! `/stats`: the totals of a period and their chart.

use serde_json::{Value, json};

use super::stage::{Stage, field, is_private, text_of};
use crate::support::bot::card;
use crate::support::discord::interactions::Reply;

/// A card with a store, an amount and a status.
fn of_store(number: &str, store: &str, price: &str, status: &str) -> Value {
    let mut card = card(number, price);
    card["embeds"][0]["author"]["name"] = json!(format!("Successful Checkout | {store}"));
    let fields = card["embeds"][0]["fields"].as_array_mut().unwrap();
    fields.push(json!({"name": "Status", "value": status}));
    card
}

/// An option with a choice; Discord sends its index.
fn choice(name: &str, value: u64) -> Value {
    json!({"name": name, "type": 4, "value": value})
}

async fn stats(stage: &Stage, options: Value) -> Reply {
    stage.viewer.slash(&stage.channel, "stats", options).answer().await
}

fn is_png(reply: &Reply) -> bool {
    let file = &reply.files[0];
    file.name == "stats.png" && file.bytes.starts_with(b"\x89PNG\r\n\x1a\n")
}

#[tokio::test]
async fn totals_of_each_currency_come_with_a_chart() {
    let stage = Stage::new().await;
    for (number, store, price, status) in [
        ("S-1", "Best Buy US", "$1,299.99", "verified"),
        ("S-2", "Best Buy US", "$0.02", "shipped"),
        ("S-3", "Argos UK", "£140.00", "delivered"),
        ("S-4", "Target", "$50.00", "cancelled"),
    ] {
        stage.hook.post(of_store(number, store, price, status));
    }
    stage.bot.until_orders(4).await;

    let by_day = stats(&stage, json!([])).await;
    assert!(is_private(&by_day));
    assert!(is_png(&by_day));
    assert_eq!(by_day.value["embeds"][0]["image"]["url"], "attachment://stats.png");
    assert_eq!(field(&by_day, "Orders"), Some("4"));
    assert_eq!(field(&by_day, "Units"), Some("3"));
    assert_eq!(field(&by_day, "Cancel rate"), Some("25% (1 of 4)"));
    assert_eq!(field(&by_day, "Spend"), Some("1,300.01 USD\n140.00 GBP"));
    assert_eq!(field(&by_day, "Average order"), Some("650.01 USD\n140.00 GBP"));

    let by_store = stats(&stage, json!([choice("period", 5), choice("by", 1)])).await;
    assert!(is_png(&by_store));
    assert_eq!(
        field(&by_store, "By store"),
        Some(
            "Best Buy US: 2 orders · 2 units · **1,300.01 USD**\n\
             Argos UK: 1 order · 1 unit · **140.00 GBP**\n\
             Target: 1 order · 0 units · 1 cancelled or refunded"
        )
    );
    let by_status = stats(&stage, json!([choice("period", 0), choice("by", 4)])).await;
    assert!(field(&by_status, "By status").unwrap().contains("🔴 cancelled: 1 order"));
    stage.end(0).await;
}

#[tokio::test]
async fn by_product_counts_each_item_and_each_order_once_in_the_totals() {
    let stage = Stage::new().await;
    let mut basket = card("S-1", "$10.00");
    let fields = basket["embeds"][0]["fields"].as_array_mut().unwrap();
    fields.retain(|field| !["Product", "Price"].contains(&field["name"].as_str().unwrap()));
    for (name, value) in [
        ("Product (1)", "Mug"),
        ("Price (1)", "$10.00"),
        ("Quantity (1)", "3"),
        ("Product (2)", "Bowl"),
        ("Price (2)", "$5.50"),
    ] {
        fields.push(json!({"name": name, "value": value}));
    }
    let mut mug = card("S-2", "$12.00");
    mug["embeds"][0]["fields"][0]["value"] = json!("Mug");
    for card in [basket, mug] {
        stage.hook.post(card);
    }
    stage.bot.until_orders(2).await;
    let by_product = stats(&stage, json!([choice("period", 5), choice("by", 3)])).await;
    assert_eq!(
        field(&by_product, "By product"),
        Some("Mug: 2 orders · 4 units · **42.00 USD**\nBowl: 1 order · 1 unit · **5.50 USD**")
    );
    assert_eq!((field(&by_product, "Orders"), field(&by_product, "Units")), (Some("2"), Some("5")));
    assert_eq!(field(&by_product, "Spend"), Some("47.50 USD"));
    stage.end(0).await;
}

#[tokio::test]
async fn an_empty_and_an_impossible_period_are_answered_with_a_sentence() {
    let stage = Stage::new().await;
    let all = stats(&stage, json!([choice("period", 5)])).await;
    assert!(text_of(&all).contains("There are no orders yet."), "{}", text_of(&all));
    assert!(all.files.is_empty());
    for (options, expected) in [
        (vec![("since", "1999-01-01"), ("until", "1999-12-31")], "No orders in this period: 1999."),
        (vec![("since", "2026-02-01"), ("until", "2026-01-31")], "ends before it begins"),
        (vec![("since", "tomorrow")], "`tomorrow` is not a date"),
    ] {
        let answer = stage.ask(&stage.viewer, "stats", &options).await;
        assert!(text_of(&answer).contains(expected), "{}", text_of(&answer));
    }
    let both = json!([choice("period", 1), {"name": "since", "type": 3, "value": "2026-01-31"}]);
    assert!(text_of(&stats(&stage, both).await).contains("give either a period"));
    stage.end(0).await;
}

#[tokio::test]
async fn cancelled_orders_are_counted_by_their_reason() {
    let stage = Stage::new().await;
    for (number, reason) in [("R-1", "Item Demand"), ("R-2", "Policy - Item Demand"), ("R-3", "Fraud")] {
        stage.order(number, "$10.00").await;
        let mut cancelled = of_store(number, "Target", "$10.00", "cancelled");
        let fields = cancelled["embeds"][0]["fields"].as_array_mut().unwrap();
        fields.push(json!({"name": "Cancel Reason", "value": reason}));
        stage.hook.post(cancelled);
        stage.bot.until_order(number, |order| order.fields.cancel_reason.is_some()).await;
    }
    stage.order("R-4", "$10.00").await;
    let by_reason = stats(&stage, json!([choice("period", 5), choice("by", 5)])).await;
    let lines = field(&by_reason, "By reason").unwrap();
    assert!(lines.starts_with("Item Demand: 2 orders"), "{lines}");
    assert!(lines.contains("Fraud: 1 order"), "{lines}");
    let days = json!([{"name": "since", "type": 3, "value": "1999-01-01"}, {"name": "until", "type": 3, "value": "1999-12-31"}, choice("by", 5)]);
    assert!(text_of(&stats(&stage, days).await).contains("No orders in this period"));
    stage.end(0).await;
}
