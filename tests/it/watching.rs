//! Cards posted to a watched channel become orders, and nothing else does.

use serde_json::json;

use crate::support::bot::{Bot, card};
use crate::support::discord::Discord;

#[tokio::test]
async fn cards_become_orders_with_a_tick() {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let hook = channel.webhook("Refract");
    let mut bot = Bot::start(&discord, &[&channel]).await;
    let posted: Vec<u64> = (1..=3).map(|n| hook.post(card(&format!("LIVE-{n}"), "$10.00"))).collect();
    bot.until_orders(3).await;
    for message in posted {
        channel.until_reaction(message, "✅").await;
    }
    let order = bot.until_order("LIVE-2", |_| true).await;
    assert_eq!(order.fields.price.unwrap().to_string(), "10.00");
    assert_eq!(bot.logs().await.len(), 3);
    bot.stop().await.unwrap();
    assert!(discord.unknown_requests().is_empty(), "{:?}", discord.unknown_requests());
}

#[tokio::test]
async fn an_edit_changes_the_order() {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let hook = channel.webhook("Refract");
    let mut bot = Bot::start(&discord, &[&channel]).await;
    let message = hook.post(card("EDIT-1", "$10.00"));
    bot.until_order("EDIT-1", |_| true).await;
    channel.edit(message, card("EDIT-1", "$12.00"));
    bot.until_order("EDIT-1", |order| order.fields.price.is_some_and(|price| price.hundredths() == 1200))
        .await;
    channel.until_reaction(message, "🔄").await;
    bot.stop().await.unwrap();
}

#[tokio::test]
async fn what_was_posted_while_the_bot_was_away_is_read_from_the_history() {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let hook = channel.webhook("Refract");
    for n in 0..250 {
        hook.post(card(&format!("AWAY-{n}"), "$10.00"));
    }
    let mut bot = Bot::start(&discord, &[&channel]).await;
    bot.until_orders(250).await;
    bot.stop().await.unwrap();
    hook.post(json!({"content": "hello"}));
}
