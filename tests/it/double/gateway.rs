//! Events that serenity receives over the gateway.

use chrono::Utc;
use serde_json::json;
use serenity::all::{Event, GatewayIntents, GuildId, WebhookId};

use super::bot::{Bot, intents};
use crate::support::discord::{Discord, permissions, snowflake};

/// A card with many kinds of content.
fn card() -> serde_json::Value {
    json!({"embeds": [{
        "author": {"name": "Successful Checkout | Target"}, "color": 5_763_719,
        "fields": [{"name": "Product", "value": "Elite Box"}, {"name": "Price", "value": "$129.99"}],
        "footer": {"text": "Prism Technologies - 1.24.3"}, "thumbnail": {"url": "https://images.example.com/a.png"},
        "timestamp": "2025-11-25T16:02:41.000Z",
    }]})
}

#[tokio::test]
async fn a_bot_receives_ready_and_its_guilds() {
    let discord = Discord::start().await;
    let guild = discord.guild("Buyers");
    let channel = guild.channel("checkouts");
    let mut bot = Bot::ready(&discord).await;
    let found = bot
        .until("GUILD_CREATE", |event| match event {
            Event::GuildCreate(create) => Some(create.guild.clone()),
            _ => None,
        })
        .await;
    assert_eq!(found.id.get(), guild.id());
    assert_eq!(found.channels.keys().map(|id| id.get()).collect::<Vec<_>>(), [channel.id()]);
    assert_eq!((discord.gateway().identifies(), discord.gateway().resumes()), (1, 0));
    bot.stop().await.expect("a clean end");
    discord.gateway().until_gone().await;
    assert!(discord.unknown_requests().is_empty(), "{:?}", discord.unknown_requests());
}

#[tokio::test]
async fn a_card_arrives_with_all_its_fields() {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let hook = channel.webhook("Refract");
    let mut bot = Bot::ready(&discord).await;
    let id = hook.post(card());
    let message = bot.until_message(id).await;
    assert_eq!(message.webhook_id.map(WebhookId::get), Some(hook.id()));
    assert_eq!(message.guild_id.map(GuildId::get), Some(channel.guild_id()));
    assert_eq!(message.author.name, "Refract");
    assert!((Utc::now().timestamp() - message.timestamp.unix_timestamp()).abs() < 60);
    let embed = &message.embeds[0];
    assert_eq!(embed.author.as_ref().expect("an author").name, "Successful Checkout | Target");
    assert_eq!((embed.fields[1].name.as_str(), embed.fields[1].value.as_str()), ("Price", "$129.99"));

    let ann = discord.user("Ann");
    let said = ann.post(&channel, "nice");
    let message = bot.until_message(said).await;
    assert_eq!((message.content.as_str(), message.author.bot), ("nice", false));
    assert!(said > id && snowflake::time_of(said) >= snowflake::time_of(id));
}

#[tokio::test]
async fn edits_and_deletions_arrive() {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let hook = channel.webhook("Refract");
    let mut bot = Bot::ready(&discord).await;
    let (one, two, three) = (hook.post(card()), hook.post(card()), hook.post(card()));
    channel.edit(one, json!({"content": "paid"}));
    channel.edit_partially(two, json!({"content": "partly"}));
    channel.unfurl(three, json!([{"title": "unfurled"}]));
    let mut update = async |id: u64| {
        bot.until("MESSAGE_UPDATE", |event| match event {
            Event::MessageUpdate(update) if update.id.get() == id => Some(update.clone()),
            _ => None,
        })
        .await
    };
    let whole = update(one).await;
    assert_eq!((whole.content.as_deref(), whole.embeds.map(|all| all.len())), (Some("paid"), Some(1)));
    assert!(whole.author.is_some() && whole.edited_timestamp.is_some());
    let part = update(two).await;
    assert_eq!(
        (part.content.as_deref(), part.embeds.is_some(), part.author.is_some()),
        (Some("partly"), false, false)
    );
    let system = update(three).await;
    assert_eq!((system.embeds.map(|all| all.len()), system.edited_timestamp), (Some(1), None));

    channel.delete(one);
    channel.bulk_delete(&[two, three]);
    let mut gone = bot
        .until_all("deletions", |events| {
            let ids = events.iter().flat_map(|event| match event {
                Event::MessageDelete(one) => vec![one.message_id.get()],
                Event::MessageDeleteBulk(all) => all.ids.iter().map(|id| id.get()).collect(),
                _ => Vec::new(),
            });
            Some(ids.collect::<Vec<_>>()).filter(|ids| ids.len() == 3)
        })
        .await;
    gone.sort_unstable();
    assert_eq!(gone, [one, two, three]);
    assert!(channel.messages().is_empty());
}

#[tokio::test]
async fn an_event_can_be_sent_twice_and_an_edit_before_its_message() {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let hook = channel.webhook("Refract");
    let mut bot = Bot::ready(&discord).await;
    let twice = hook.draft(card()).twice().post();
    let swapped = hook.draft(json!({"content": "old"})).overtaken_by(json!({"content": "new"})).post();
    bot.until_all("a double", |events| (Bot::message_ids(events) == [twice, twice, swapped]).then_some(()))
        .await;
    assert_eq!(bot.until_message(swapped).await.content, "old");
    assert_eq!(channel.messages()[1]["content"], "new");
}

#[tokio::test]
async fn an_event_that_serenity_cannot_decode_arrives_as_unknown() {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let hook = channel.webhook("Refract");
    let mut bot = Bot::ready(&discord).await;
    let broken = [
        json!({"title": "a", "fields": null}),
        json!({"title": "b", "thumbnail": {"url": "https://a.example", "width": -1}}),
        json!({"title": "c", "timestamp": "yesterday"}),
        json!({"title": "d", "footer": {"icon_url": "https://a.example"}}),
    ];
    for embed in broken {
        let id = hook.post(json!({"embeds": [embed.clone()]}));
        let seen = bot
            .until("unknown event", |event| match event {
                Event::Unknown(unknown) if unknown.value["id"] == json!(id.to_string()) => {
                    Some(unknown.clone())
                }
                _ => None,
            })
            .await;
        assert_eq!(
            (seen.kind.as_str(), &seen.value["embeds"][0]["title"]),
            ("MESSAGE_CREATE", &embed["title"])
        );
        assert_eq!(channel.messages().last().expect("kept")["embeds"][0]["title"], embed["title"]);
    }
    let raw = channel.raw(json!({"content": 7})).post();
    assert_eq!(
        channel.messages().last(),
        Some(&json!({"id": raw.to_string(), "channel_id": channel.id().to_string(), "content": 7}))
    );
    discord.gateway().send_text("{not json");
    bot.until_message(hook.post(card())).await;
    assert_eq!(discord.gateway().handshakes(), 1);
}

#[tokio::test]
async fn a_forwarded_message_is_a_snapshot() {
    let discord = Discord::start().await;
    let guild = discord.guild("Buyers");
    let (channel, other) = (guild.channel("checkouts"), guild.channel("else"));
    let card = other.webhook("Refract").post(card());
    let mut bot = Bot::ready(&discord).await;
    let id = discord.user("Ann").forward(&other, card, &channel).post();
    let message = bot.until_message(id).await;
    assert!(message.content.is_empty() && message.embeds.is_empty());
    assert_eq!(message.message_snapshots[0].embeds.len(), 1);
}

#[tokio::test]
async fn only_permitted_and_requested_events_are_sent() {
    let discord = Discord::start().await;
    let guild = discord.guild("Buyers");
    let (open, closed) = (guild.channel("open"), guild.channel("closed"));
    closed.deny(permissions::VIEW_CHANNEL);
    let bare = GatewayIntents::GUILD_MESSAGES | GatewayIntents::GUILDS;
    let mut bot = Bot::start(&discord, &discord.token(), bare).await;
    discord.until_ready().await;
    closed.webhook("Refract").post(card());
    let seen = open.webhook("Refract").post(card());
    let message = bot.until_message(seen).await;
    assert!(message.embeds.is_empty(), "Message Content was not asked for");
    bot.until_all("one message", |events| (Bot::message_ids(events) == [seen]).then_some(())).await;
}

#[tokio::test]
async fn reactions_are_stored_and_sent() {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let id = channel.webhook("Refract").post(card());
    let mut bot = Bot::start(&discord, &discord.token(), intents()).await;
    discord.until_ready().await;
    discord.user("Ann").react(&channel, id, "🎉");
    let emoji = bot
        .until("reaction", |event| match event {
            Event::ReactionAdd(add) => Some(add.reaction.emoji.to_string()),
            _ => None,
        })
        .await;
    assert_eq!((emoji.as_str(), channel.reactions(id)), ("🎉", vec!["🎉".to_owned()]));
}
