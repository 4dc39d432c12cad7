//! Backfill: missed messages are read from the history, also many at once and beside live cards.

use chrono::{TimeDelta, Utc};

use super::stage::{Stage, id, price};
use crate::support::bot::card;

/// Checks the price of numbered orders, and that each was created once.
async fn check_orders(stage: &Stage, name: &str, count: i64) {
    for n in 0..count {
        let order = stage.bot.order(&format!("{name}-{n}")).await.unwrap();
        assert_eq!(price(&order), Some(1000 + n));
        assert_eq!(stage.events_of(&order).await.len(), 1, "{name}-{n}");
    }
}

fn numbered(name: &str, n: i64) -> serde_json::Value {
    let hundredths = 1000 + n;
    card(&format!("{name}-{n}"), &format!("${}.{:02}", hundredths / 100, hundredths % 100))
}

#[tokio::test]
async fn five_hundred_cards_posted_while_roms_was_stopped_are_read() {
    let mut stage = Stage::new().await;
    stage.mark().await;
    stage.bot.stop().await.unwrap();
    for n in 0..500 {
        stage.hook.post(numbered("OFF", n));
    }
    stage.start().await;
    stage.bot.until_orders(501).await;
    check_orders(&stage, "OFF", 500).await;
    assert_eq!(stage.bot.logs().await.len(), 501);
    stage.end().await;
}

#[tokio::test]
async fn five_hundred_cards_posted_without_a_session_are_read_beside_live_ones() {
    let stage = Stage::new().await;
    let gateway = stage.discord.gateway();
    gateway.invalidate(false);
    let mut live = 0;
    for n in 0..500 {
        stage.hook.post(numbered("CUT", n));
        if n % 50 == 0 {
            // These arrive live as soon as there is a session again.
            stage.hook.post(numbered("LIVE", live));
            live += 1;
            tokio::task::yield_now().await;
        }
    }
    stage.until_listening().await;
    for n in live..live + 20 {
        stage.hook.post(numbered("LIVE", n));
    }
    stage.bot.until_orders(530).await;
    check_orders(&stage, "CUT", 500).await;
    check_orders(&stage, "LIVE", 30).await;
    stage.read_again().await;
    assert_eq!(stage.bot.logs().await.len(), 531);
    stage.end().await;
}

#[tokio::test]
async fn a_new_channel_is_read_as_far_back_as_configured() {
    let mut stage = Stage::before(|_, config| config.channels[0].history = TimeDelta::days(2)).await;
    let ago = |days| Utc::now() - TimeDelta::days(days);
    stage.hook.draft(card("OLD-1", "$1.00")).at(ago(3)).silently().post();
    stage.hook.draft(card("NEW-1", "$1.00")).at(ago(1)).silently().post();
    stage.start().await;
    stage.bot.until_order("NEW-1", |_| true).await;
    stage.read_again().await;
    assert!(stage.bot.order("OLD-1").await.is_none());
    stage.end().await;
}

#[tokio::test]
async fn messages_that_are_too_old_are_skipped_with_one_notice() {
    let mut notices = None;
    let mut stage = Stage::before(|discord, config| {
        let channel = discord.guild("Staff").channel("notices");
        config.guilds.push(id(channel.guild_id()));
        config.notice_channel = Some(id(channel.id()));
        notices = Some(channel);
    })
    .await;
    let notices = notices.unwrap();
    let ago = |days| Utc::now() - TimeDelta::days(days);
    let read_to = roms::card::decode::discord::snowflake_at(ago(50));
    stage.bot.store().save_cursor(id(stage.channel.id()), read_to, ago(50)).await.unwrap();
    stage.hook.draft(card("HIDDEN-1", "$1.00")).at(ago(40)).silently().post();
    stage.hook.draft(card("SEEN-1", "$1.00")).at(ago(20)).silently().post();
    // The first request fails. That must not repeat the notice.
    let fault = crate::support::discord::Fault::Status(400);
    stage.discord.fail("GET", "/channels/*/messages", fault, 1);
    stage.start().await;
    stage.bot.until_order("SEEN-1", |_| true).await;
    stage.until_listening().await;
    stage.read_again().await;
    assert!(stage.bot.order("HIDDEN-1").await.is_none());
    let told = notices.until_message("what was hidden", |_| true).await;
    let text = told["content"].as_str().unwrap();
    assert!(text.contains("checkouts: messages posted between"), "{text}");
    assert_eq!(notices.messages().len(), 1);
    assert_eq!(stage.log.count("are too old and were not read; `roms discord backfill` reads them"), 1);
    stage.end().await;
}

#[tokio::test]
async fn a_quiet_channel_causes_no_notice_about_old_messages() {
    let mut stage = Stage::before(|_, _| {}).await;
    let last_post = roms::card::decode::discord::snowflake_at(Utc::now() - TimeDelta::days(50));
    stage.bot.store().save_cursor(id(stage.channel.id()), last_post, Utc::now()).await.unwrap();
    stage.start().await;
    stage.until_listening().await;
    stage.read_again().await;
    assert_eq!(stage.log.count("are too old and were not read"), 0, "{}", stage.log.text());
    stage.end().await;
}
