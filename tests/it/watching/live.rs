//! Cards posted to a watched channel become orders; other messages do not.

use std::time::Duration;

use roms::discord::Timing;
use serde_json::json;

use super::stage::{Stage, card_without_number, id, price};
use crate::support::bot::{card, timing};
use crate::support::discord::Discord;

#[tokio::test]
async fn cards_become_orders_and_get_a_check_mark() {
    let stage = Stage::new().await;
    let posted: Vec<u64> =
        (1..=3).map(|n| stage.hook.post(card(&format!("LIVE-{n}"), &format!("${n}.50")))).collect();
    stage.bot.until_orders(3).await;
    for message in posted {
        stage.channel.until_reaction(message, "✅").await;
        assert_eq!(stage.channel.reactions(message), ["✅"]);
    }
    for n in 1..=3 {
        let order = stage.bot.order(&format!("LIVE-{n}")).await.unwrap();
        assert_eq!(price(&order), Some(n * 100 + 50));
        assert_eq!(order.source.as_str(), "discord_bot");
        let [log] = stage.logs_of(&order).await.try_into().unwrap();
        assert_eq!((&*log.outcome, &*log.source, log.code), ("created", "discord_bot", None));
        let place = format!("discord/{}/{}", stage.guild.id(), stage.channel.id());
        assert_eq!(log.endpoint, place);
        assert_eq!(stage.events_of(&order).await.len(), 1);
    }
    assert_eq!(stage.bot.logs().await.len(), 3);
    stage.end().await;
}

#[tokio::test]
async fn chat_and_untrusted_cards_are_ignored() {
    let stage = Stage::new().await;
    let (ann, bot) = (stage.discord.user("ann"), stage.discord.other_bot("Refract"));
    let elsewhere = stage.guild.channel("elsewhere");
    let abroad = stage.discord.guild("Others").channel("checkouts");
    let posted = [
        (&stage.channel, ann.post(&stage.channel, "Successful Checkout?")),
        (&stage.channel, ann.draft(&stage.channel, card("ANN-1", "$1.00")).post()),
        (&stage.channel, ann.post(&stage.channel, "Successful Checkout | Target\nOrder Number\n#ANN-2")),
        (&stage.channel, bot.draft(&stage.channel, card("BOT-1", "$1.00")).post()),
        (&elsewhere, elsewhere.webhook("Refract").post(card("ELSEWHERE-1", "$1.00"))),
        (&abroad, abroad.webhook("Refract").post(card("ABROAD-1", "$1.00"))),
        (&stage.channel, stage.hook.post(json!({"content": "Restocked, be quick!"}))),
    ];
    stage.mark().await;
    // The same messages in the history are treated the same way.
    stage.read_again().await;
    assert_eq!((stage.bot.orders().await, stage.bot.logs().await.len()), (2, 2));
    for (channel, message) in posted {
        assert!(channel.reactions(message).is_empty());
    }
    stage.end().await;
}

#[tokio::test]
async fn a_channel_of_a_guild_that_is_not_configured_is_not_read() {
    let other = |discord: &Discord| discord.guild("Others").channel("checkouts");
    let mut abroad = None;
    let stage = Stage::with(|discord, config| {
        let channel = other(discord);
        let mut section = config.channels[0].clone();
        (section.id, section.name) = (id(channel.id()), "abroad".to_owned());
        config.channels.push(section);
        abroad = Some(channel);
    })
    .await;
    let hook = abroad.unwrap().webhook("Refract");
    hook.post(card("ABROAD-1", "$1.00"));
    hook.draft(card("ABROAD-2", "$1.00")).silently().post();
    stage.mark().await;
    stage.read_again().await;
    assert_eq!((stage.bot.orders().await, stage.bot.logs().await.len()), (2, 2));
    let health = stage
        .bot
        .until("/health", "the channel is named", |health| {
            health["checks"]["discord"]["channels"][1]["error"].is_string()
        })
        .await;
    assert_eq!(health["status"], "degraded");
    let channel = &health["checks"]["discord"]["channels"][1];
    assert_eq!(channel["error"], "it is in none of the configured guilds");
    stage.end().await;
}

#[tokio::test]
async fn two_embeds_are_two_orders_and_get_one_check_mark() {
    let stage = Stage::new().await;
    let mut message = card("TWIN-1", "$10.00");
    let second = card("TWIN-2", "$20.00")["embeds"][0].clone();
    message["embeds"].as_array_mut().unwrap().push(second);
    let message = stage.hook.post(message);
    let first = stage.bot.until_order("TWIN-1", |_| true).await;
    let second = stage.bot.until_order("TWIN-2", |_| true).await;
    assert_eq!((price(&first), price(&second)), (Some(1000), Some(2000)));
    stage.channel.until_reaction(message, "✅").await;
    assert_eq!(stage.channel.reactions(message), ["✅"]);
    let logs = stage.bot.logs().await;
    assert_eq!((logs.len(), &*logs[0].order_ids), (1, &[first.id, second.id][..]));
    stage.end().await;
}

#[tokio::test]
async fn cards_without_a_number_get_one_made_from_their_message() {
    let stage = Stage::new().await;
    let mut message = card_without_number();
    let second = message["embeds"][0].clone();
    message["embeds"].as_array_mut().unwrap().push(second);
    let message = stage.hook.post(message);
    stage.bot.until_orders(2).await;
    let order = stage.bot.until_order(&format!("DISCORD-{message}-1"), |_| true).await;
    assert_eq!(price(&order), Some(1000));
    stage.channel.until_reaction(message, "✅").await;
    stage.read_again().await;
    assert_eq!((stage.bot.orders().await, stage.bot.logs().await.len()), (3, 2));
    stage.end().await;
}

#[tokio::test]
async fn with_react_off_a_card_is_stored_without_a_reaction() {
    let stage = Stage::with(|_, config| config.channels[0].react = false).await;
    stage.hook.post(card("QUIET-1", "$10.00"));
    stage.bot.until_order("QUIET-1", |_| true).await;
    stage.mark().await;
    assert_eq!(stage.discord.count("PUT", "/channels/*/messages/*/reactions"), 0);
    stage.end().await;
}

#[tokio::test]
async fn live_cards_come_from_the_gateway_not_from_the_history() {
    let mut stage = Stage::before(|_, _| {}).await;
    stage.bot.start_again(Timing { history_interval: Duration::from_mins(10), ..timing() }).await;
    stage.until_listening().await;
    let path = format!("/channels/{}/messages", stage.channel.id());
    let read =
        |health: &serde_json::Value| health["checks"]["discord"]["channels"][0]["checked_at"].is_string();
    stage.bot.until("/health", "the history was read once", read).await;
    stage.mark().await;
    let asked = stage.discord.count("GET", &path);
    for n in 1..=3 {
        stage.hook.post(card(&format!("GATEWAY-{n}"), "$1.00"));
        stage.bot.until_order(&format!("GATEWAY-{n}"), |_| true).await;
    }
    assert_eq!(stage.discord.count("GET", &path), asked, "the history was not read");
    stage.end().await;
}
