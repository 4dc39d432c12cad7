//! Discord's REST API refuses, is busy or broken, and cards are still stored.

use std::time::Duration;

use roms::discord::Timing;
use serde_json::{Value, json};

use super::stage::{Stage, price};
use crate::support::bot::{card, timing};
use crate::support::discord::{
    Fault, permissions::DEFAULT, permissions::READ_MESSAGE_HISTORY, permissions::VIEW_CHANNEL,
};

#[tokio::test]
async fn a_forbidden_history_is_logged_once_and_read_later() {
    let mut stage = Stage::before(|_, _| {}).await;
    stage.hook.post(card("OLD-1", "$10.00"));
    stage.channel.deny(READ_MESSAGE_HISTORY);
    let timing = roms::discord::Timing { history_interval: Duration::from_millis(100), ..timing() };
    stage.bot.start_again(timing).await;
    stage.until_listening().await;
    let missing = json!(["Read Message History"]);
    let health = stage
        .bot
        .until("/health", "the permission is named", |health| {
            health["checks"]["discord"]["channels"][0]["missing_permissions"] == missing
        })
        .await;
    assert_eq!(health["status"], "degraded");
    // Live cards are still stored.
    stage.mark().await;
    let path = format!("/channels/{}/messages", stage.channel.id());
    stage.discord.until_requests("GET", &path, stage.discord.count("GET", &path) + 25).await;
    assert_eq!(stage.log.count("the bot lacks Read Message History"), 1, "{}", stage.log.text());
    stage.channel.allow(READ_MESSAGE_HISTORY);
    stage.bot.until_order("OLD-1", |_| true).await;
    stage.bot.until("/health", "all is well again", |health| health["status"] == "healthy").await;
    stage.end().await;
}

#[tokio::test]
async fn an_invisible_channel_is_paused_and_read_later() {
    let mut stage = Stage::before(|_, _| {}).await;
    stage.hook.post(card("OLD-1", "$10.00"));
    stage.channel.deny(VIEW_CHANNEL);
    let timing = roms::discord::Timing { history_interval: Duration::from_millis(100), ..timing() };
    stage.bot.start_again(timing).await;
    stage.until_listening().await;
    stage.bot.until("/health", "it is degraded", |health| health["status"] == "degraded").await;
    stage.channel.allow(VIEW_CHANNEL);
    stage.bot.until_order("OLD-1", |_| true).await;
    assert_eq!(stage.log.count("cannot read the history"), 1, "{}", stage.log.text());
    stage.bot.until("/health", "all is well again", |health| health["status"] == "healthy").await;
    stage.end().await;
}

#[tokio::test]
async fn a_permission_that_comes_back_is_noticed_at_once() {
    let mut stage = Stage::before(|_, _| {}).await;
    let old = stage.hook.post(card("OLD-1", "$10.00"));
    stage.channel.deny(VIEW_CHANNEL);
    // Without the events ROMS would read the channel again only after ten minutes.
    let ten_minutes = Duration::from_mins(10);
    let timing = Timing {
        history_interval: ten_minutes,
        refusal_pause: ten_minutes,
        max_refusal_pause: ten_minutes,
        ..timing()
    };
    stage.bot.start_again(timing).await;
    stage.until_listening().await;
    let missing = |health: &Value| health["checks"]["discord"]["channels"][0]["missing_permissions"].clone();
    let path = "/health";
    stage
        .bot
        .until(path, "the permission is named", |health| missing(health) == json!(["View Channel"]))
        .await;
    // An overwrite of the channel.
    stage.channel.allow(VIEW_CHANNEL);
    stage.bot.until_order("OLD-1", |_| true).await;
    stage.bot.until(path, "nothing is missing", |health| missing(health) == json!([])).await;
    // A role of the guild.
    stage.channel.clear_overwrites();
    stage.guild.set_everyone(0);
    stage
        .bot
        .until(path, "the permission is named", |health| missing(health) == json!(["View Channel"]))
        .await;
    stage.hook.draft(card("MISSED-1", "$10.00")).silently().post();
    stage.channel.edit_silently(old, card("OLD-1", "$12.00"));
    stage.guild.set_everyone(DEFAULT);
    stage.bot.until_order("MISSED-1", |_| true).await;
    stage.bot.until_order("OLD-1", |order| price(order) == Some(1200)).await;
    stage.end().await;
}

#[tokio::test]
async fn history_failures_do_not_delay_live_cards() {
    for fault in [
        Fault::Status(500),
        Fault::RateLimited(Duration::from_millis(200)),
        Fault::RateLimitedWithoutDelay,
        Fault::Garbage,
        Fault::Hang,
    ] {
        let stage = Stage::new().await;
        stage.discord.fail("GET", "/channels/*/messages", fault, usize::MAX);
        let path = format!("/channels/{}/messages", stage.channel.id());
        stage.discord.until_requests("GET", &path, stage.discord.count("GET", &path) + 1).await;
        // Messages that must be fetched do not delay others either.
        let empty: Vec<u64> = (0..300).map(|_| stage.hook.post(json!({"content": ""}))).collect();
        stage.hook.post(card("LIVE-1", "$10.00"));
        stage.bot.until_order("LIVE-1", |_| true).await;
        let missed = stage.hook.draft(card("MISSED-1", "$10.00")).silently().post();
        stage.discord.heal();
        stage.bot.until_order("MISSED-1", |_| true).await;
        stage.channel.until_reaction(missed, "✅").await;
        assert!(stage.log.count("cannot read the history") <= 1, "{}", stage.log.text());
        assert!(stage.channel.reactions(empty[0]).is_empty());
        stage.end().await;
    }
}

#[tokio::test]
async fn reaction_failures_do_not_delay_cards() {
    for fault in
        [Fault::Status(500), Fault::RateLimited(Duration::from_millis(200)), Fault::Forbidden, Fault::Hang]
    {
        let stage = Stage::new().await;
        stage.discord.fail("PUT", "/channels/*/messages/*/reactions", fault, usize::MAX);
        for n in 0..50 {
            stage.hook.post(card(&format!("PLAIN-{n}"), "$10.00"));
        }
        stage.bot.until_orders(50).await;
        assert!(stage.log.count("cannot react") <= 1, "{}", stage.log.text());
        assert_eq!(stage.bot.logs().await.len(), 50);
        // The remaining reactions do not delay the stop.
        stage.end().await;
    }
}

#[tokio::test]
async fn a_rate_limited_reaction_is_sent_later() {
    let stage = Stage::new().await;
    stage.discord.limit("PUT", "/channels/*/messages/*/reactions", 1, Duration::from_millis(100));
    let posted: Vec<u64> = (0..5).map(|n| stage.hook.post(card(&format!("SLOW-{n}"), "$10.00"))).collect();
    for message in posted {
        stage.channel.until_reaction(message, "✅").await;
    }
    stage.end().await;
}
