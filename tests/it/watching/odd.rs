//! Messages that serenity cannot decode, or decodes as empty: live and in the history.

use std::time::Duration;

use roms::discord::Timing;
use serde_json::{Value, json};

use super::stage::{Stage, odd_card, price};
use crate::support::bot::{card, timing};
use crate::support::discord::Fault;

/// Cards that each contain a value that serenity cannot decode.
fn odd_cards() -> Vec<(String, Value)> {
    let fields_with_nulls = |number: &str| {
        let mut message = card(number, "$10.00");
        let fields = message["embeds"][0]["fields"].as_array_mut().unwrap();
        fields.push(json!({"name": "Notes", "value": null, "inline": null}));
        message
    };
    let without_fields = |number: &str| {
        let text = format!("**Price**\n$10.00\n**Order Number**\n#{number}");
        let title = "Successful Checkout | Target";
        json!({"embeds": [{"title": title, "fields": null, "description": text}]})
    };
    let odd = |number: &str, odd: Value| odd_card(number, &odd);
    vec![
        ("NULL-1".to_owned(), fields_with_nulls("NULL-1")),
        ("NONE-1".to_owned(), without_fields("NONE-1")),
        ("COLOUR-1".to_owned(), odd("COLOUR-1", json!({"color": -1}))),
        ("TIME-1".to_owned(), odd("TIME-1", json!({"timestamp": "yesterday"}))),
        ("ZONE-1".to_owned(), odd("ZONE-1", json!({"timestamp": "2026-01-01T00:00:00"}))),
        ("FOOT-1".to_owned(), odd("FOOT-1", json!({"footer": {"icon_url": "https://example.com/a.png"}}))),
        ("THUMB-1".to_owned(), odd("THUMB-1", json!({"thumbnail": {"width": -1}}))),
    ]
}

/// A message in Components V2.
fn components(number: &str) -> Value {
    let display = |text: String| json!({"type": 10, "content": text});
    json!({"flags": 1 << 15, "components": [{"type": 17, "components": [
        display("## Successful Checkout | Target".to_owned()),
        display("**Price**\n$10.00".to_owned()),
        display(format!("**Order Number**\n||#{number}||")),
    ]}]})
}

#[tokio::test]
async fn odd_cards_are_read_live() {
    let stage = Stage::new().await;
    // Without the history, only the gateway can deliver the cards.
    stage.discord.fail("GET", "/channels/*/messages", Fault::Status(500), usize::MAX);
    let cards = odd_cards();
    for (number, card) in &cards {
        let message = stage.hook.post(card.clone());
        let order = stage.bot.until_order(number, |_| true).await;
        assert_eq!(price(&order), Some(1000), "{number}");
        stage.channel.until_reaction(message, "✅").await;
    }
    assert_eq!(stage.bot.logs().await.len(), cards.len());
    stage.discord.heal();
    stage.end().await;
}

#[tokio::test]
async fn an_odd_edit_is_read_live() {
    let stage = Stage::new().await;
    let message = stage.hook.post(card("ODD-EDIT", "$9.00"));
    stage.bot.until_order("ODD-EDIT", |_| true).await;
    stage.channel.edit(message, odd_card("ODD-EDIT", &json!({"footer": {}, "timestamp": "soon"})));
    stage.bot.until_order("ODD-EDIT", |order| price(order) == Some(1000)).await;
    stage.end().await;
}

#[tokio::test]
async fn odd_cards_are_read_from_the_history_without_losing_their_page() {
    let mut stage = Stage::before(|_, _| {}).await;
    for (number, card) in odd_cards() {
        stage.hook.post(card);
        stage.hook.post(self::card(&format!("BESIDE-{number}"), "$10.00"));
    }
    stage.channel.raw(json!({"nonsense": true})).post();
    stage.channel.raw(json!({"author": "nobody", "embeds": 5, "webhook_id": []})).post();
    stage.hook.post(components("V2-OLD"));
    stage.hook.post(card("LAST", "$10.00"));
    stage.start().await;
    stage.bot.until_orders(16).await;
    for (number, _) in odd_cards() {
        assert_eq!(price(&stage.bot.order(&number).await.unwrap()), Some(1000), "{number}");
    }
    assert_eq!(price(&stage.bot.order("V2-OLD").await.unwrap()), Some(1000));
    stage.read_again().await;
    assert_eq!(stage.bot.logs().await.len(), 17);
    stage.end().await;
}

#[tokio::test]
async fn components_arrive_empty_and_are_fetched() {
    let mut stage = Stage::before(|_, _| {}).await;
    // The history is read only at the start, so only fetches can find the content.
    stage.bot.start_again(Timing { history_interval: Duration::from_mins(10), ..timing() }).await;
    stage.until_listening().await;
    let read = |health: &Value| health["checks"]["discord"]["channels"][0]["checked_at"].is_string();
    stage.bot.until("/health", "the history was read once", read).await;
    stage.mark().await;
    let message = stage.hook.post(components("V2-LIVE"));
    let order = stage.bot.until_order("V2-LIVE", |_| true).await;
    assert_eq!(price(&order), Some(1000));
    stage.channel.until_reaction(message, "✅").await;
    // An edit of the message arrives empty too.
    let mut edited = components("V2-LIVE");
    edited["components"][0]["components"][1]["content"] = json!("**Price**\n$12.00");
    stage.channel.edit(message, edited);
    stage.bot.until_order("V2-LIVE", |order| price(order) == Some(1200)).await;
    let path = format!("/channels/{}/messages/{message}", stage.channel.id());
    stage.discord.until_requests("GET", &path, 2).await;
    stage.end().await;
}
