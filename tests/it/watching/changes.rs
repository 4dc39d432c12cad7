//! Messages that change: edits, completions and deletions, in any order.

use serde_json::{Value, json};

use super::stage::{Stage, price};
use crate::support::bot::card;

/// The type and the changed fields of an order's events, oldest first.
async fn history(stage: &Stage, number: &str) -> Vec<(String, Vec<String>)> {
    let order = stage.bot.order(number).await.unwrap();
    let events = stage.events_of(&order).await;
    let mut events: Vec<_> = events
        .into_iter()
        .map(|event| {
            (event.id, event.event_type, event.changes.into_iter().map(|change| change.field).collect())
        })
        .collect();
    events.sort_by_key(|(id, ..)| *id);
    events.into_iter().map(|(_, kind, fields)| (kind, fields)).collect()
}

#[tokio::test]
async fn an_edit_changes_the_price() {
    let stage = Stage::new().await;
    let message = stage.hook.post(card("EDIT-1", "$10.00"));
    let order = stage.bot.until_order("EDIT-1", |_| true).await;
    stage.channel.edit(message, card("EDIT-1", "$12.00"));
    stage.bot.until_order("EDIT-1", |order| price(order) == Some(1200)).await;
    stage.channel.until_reaction(message, "🔄").await;
    assert_eq!(stage.channel.reactions(message), ["✅", "🔄"]);
    let outcomes: Vec<_> = stage.logs_of(&order).await.into_iter().map(|log| log.outcome).collect();
    assert_eq!(outcomes, ["updated", "created"]);
    let history = history(&stage, "EDIT-1").await;
    assert_eq!(history[0].0, "created");
    assert_eq!(history[1], ("updated".to_owned(), vec!["price".to_owned(), "total".to_owned()]));
    stage.end().await;
}

#[tokio::test]
async fn a_partial_edit_is_fetched_as_a_whole_message() {
    let stage = Stage::new().await;
    let message = stage.hook.post(card("PART-1", "$10.00"));
    stage.bot.until_order("PART-1", |_| true).await;
    stage.channel.edit_partially(message, card("PART-1", "$12.00"));
    stage.bot.until_order("PART-1", |order| price(order) == Some(1200)).await;
    stage.channel.until_reaction(message, "🔄").await;
    stage.end().await;
}

#[tokio::test]
async fn an_embed_added_by_an_edit_is_a_card() {
    let stage = Stage::new().await;
    let begun = stage.hook.post(json!({"content": "checking out …"}));
    let empty = stage.hook.post(json!({"content": ""}));
    let linked = stage.hook.post(json!({"content": "https://example.com/order"}));
    stage.mark().await;
    stage.channel.edit(begun, card("LATE-1", "$10.00"));
    stage.channel.edit(empty, card("LATE-2", "$11.00"));
    stage.channel.unfurl(linked, card("LATE-3", "$12.00")["embeds"].clone());
    for (n, message) in [(1, begun), (2, empty), (3, linked)] {
        let order = stage.bot.until_order(&format!("LATE-{n}"), |_| true).await;
        assert_eq!(price(&order), Some(900 + n * 100));
        stage.channel.until_reaction(message, "✅").await;
    }
    assert_eq!(stage.bot.logs().await.len(), 4);
    stage.end().await;
}

#[tokio::test]
async fn an_edit_that_overtakes_its_message_wins() {
    let stage = Stage::new().await;
    let message = stage.hook.draft(card("SWAP-1", "$10.00")).overtaken_by(card("SWAP-1", "$12.00")).post();
    stage.channel.until_reaction(message, "✅").await;
    stage.mark().await;
    let order = stage.bot.order("SWAP-1").await.unwrap();
    assert_eq!(price(&order), Some(1200));
    assert_eq!(stage.events_of(&order).await.len(), 1);
    assert_eq!(stage.logs_of(&order).await.len(), 1);
    stage.end().await;
}

#[tokio::test]
async fn edits_back_and_forth_are_each_applied() {
    let mut stage = Stage::new().await;
    let message = stage.hook.post(card("AGAIN-1", "$10.00"));
    stage.bot.until_order("AGAIN-1", |_| true).await;
    for (text, hundredths) in [("$12.00", 1200), ("$10.00", 1000)] {
        stage.channel.edit(message, card("AGAIN-1", text));
        stage.bot.until_order("AGAIN-1", |order| price(order) == Some(hundredths)).await;
    }
    // One process receives an edit, and the next one finds its reversal in the history.
    stage.channel.edit(message, card("AGAIN-1", "$12.00"));
    stage.bot.until_order("AGAIN-1", |order| price(order) == Some(1200)).await;
    stage.bot.stop().await.unwrap();
    stage.channel.edit(message, card("AGAIN-1", "$10.00"));
    stage.start().await;
    let order = stage.bot.until_order("AGAIN-1", |order| price(order) == Some(1000)).await;
    stage.discord.until_ready().await;
    stage.read_again().await;
    assert_eq!(stage.events_of(&order).await.len(), 5);
    assert_eq!(stage.logs_of(&order).await.len(), 5);
    stage.end().await;
}

#[tokio::test]
async fn a_deleted_message_is_marked_in_the_log_and_its_order_stays() {
    let stage = Stage::new().await;
    let posted: Vec<u64> = (1..=4).map(|n| stage.hook.post(card(&format!("GONE-{n}"), "$10.00"))).collect();
    stage.bot.until_orders(4).await;
    stage.channel.delete(posted[0]);
    stage.channel.bulk_delete(&posted[1..3]);
    let logs = stage
        .bot
        .until_logs("three are marked", |logs| {
            logs.iter().filter(|log| log.deleted_at.is_some()).count() == 3
        })
        .await;
    let order = stage.bot.order("GONE-4").await.unwrap();
    for log in logs {
        assert_eq!(log.deleted_at.is_none(), log.order_ids == [order.id]);
    }
    stage.mark().await;
    assert_eq!(stage.bot.orders().await, 5);
    stage.end().await;
}

#[tokio::test]
async fn a_message_deleted_immediately_is_marked_too() {
    let stage = Stage::new().await;
    let message = stage.hook.post(card("FLASH-1", "$10.00"));
    stage.channel.delete(message);
    stage.bot.until_logs("it is marked", |logs| logs.iter().any(|log| log.deleted_at.is_some())).await;
    assert!(stage.bot.order("FLASH-1").await.is_some());
    stage.end().await;
}

#[tokio::test]
async fn a_deletion_does_not_wait_for_a_message_that_cannot_be_fetched() {
    let stage = Stage::new().await;
    let empty = stage.hook.post(json!({"content": ""}));
    let path = format!("/channels/{}/messages/{empty}", stage.channel.id());
    stage.discord.fail("GET", &path, crate::support::discord::Fault::Hang, usize::MAX);
    let message = stage.hook.post(card("FLASH-2", "$10.00"));
    stage.discord.until_requests("GET", &path, 1).await;
    stage.channel.delete(message);
    stage.bot.until_logs("it is marked", |logs| logs.iter().any(|log| log.deleted_at.is_some())).await;
    // The request for the empty message still hangs: it is the only one so far.
    assert_eq!(stage.discord.count("GET", &path), 1);
    stage.end().await;
}

#[tokio::test]
async fn an_edit_that_empties_a_message_changes_nothing() {
    let stage = Stage::new().await;
    let message = stage.hook.post(card("KEEP-1", "$10.00"));
    stage.bot.until_order("KEEP-1", |_| true).await;
    stage.channel.edit(message, json!({"content": "never mind", "embeds": Value::Array(Vec::new())}));
    stage.mark().await;
    let order = stage.bot.order("KEEP-1").await.unwrap();
    assert_eq!((price(&order), stage.events_of(&order).await.len()), (Some(1000), 1));
    stage.end().await;
}
