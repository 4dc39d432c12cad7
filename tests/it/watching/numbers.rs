//! A card without an order number whose message states it in a later edit.

use super::stage::{Stage, card_without_number, price};
use crate::support::bot::card;

#[tokio::test]
async fn the_order_takes_the_number_of_the_edit_and_stays_one_order() {
    let mut stage = Stage::new().await;
    let message = stage.hook.post(card_without_number());
    let made = format!("DISCORD-{message}-1");
    let before = stage.bot.until_order(&made, |_| true).await;
    stage.channel.until_reaction(message, "✅").await;

    stage.channel.edit(message, card("REAL-1", "$10.00"));
    let order = stage.bot.until_order("REAL-1", |_| true).await;
    assert_eq!(order.id, before.id);
    stage.channel.until_reaction(message, "🔄").await;
    assert_eq!(stage.channel.reactions(message), ["✅", "🔄"]);
    let events = stage.events_of(&order).await;
    assert_eq!(events.len(), 2);
    let change = &events[1].changes[0];
    assert_eq!(
        (&*change.field, change.old.as_deref(), change.new.as_deref()),
        ("order_number", Some(&*made), Some("REAL-1"))
    );
    assert_eq!(stage.logs_of(&order).await.len(), 2);
    let source = stage.bot.store().source_message(order.id).await.unwrap().unwrap();
    assert_eq!(source.message, i64::try_from(message).unwrap());
    for number in [&*made, "REAL-1"] {
        let found = stage.bot.get(&format!("/api/v2/orders/{number}")).await;
        assert_eq!(found["order_number"], "REAL-1", "{found}");
    }

    stage.read_again().await;
    stage.restart().await;
    stage.until_listening().await;
    stage.channel.edit(message, card("REAL-1", "$12.00"));
    stage.bot.until_order("REAL-1", |order| price(order) == Some(1200)).await;
    stage.read_again().await;
    let markers = stage.bot.get("/api/v2/orders?search=MARKER").await["total"].as_u64().unwrap();
    assert_eq!(stage.bot.orders().await, markers + 1);
    stage.bot.sql().await.assert_sound().await;
    stage.end().await;
}
