//! Whom ROMS trusts: ids decide, names never do.

use roms::config::Trust;
use serde_json::json;

use super::stage::{Stage, id};
use crate::support::bot::card;
use crate::support::discord::{Discord, User};

/// Trust in these webhooks, applications and authors.
fn listed(webhooks: &[u64], applications: &[u64], authors: &[u64]) -> Trust {
    let ids = |list: &[u64]| list.iter().map(|it| id(*it)).collect();
    Trust::Listed { webhooks: ids(webhooks), applications: ids(applications), authors: ids(authors) }
}

/// Another bot, and the id of its application.
fn other_bot(discord: &Discord) -> (User, u64) {
    (discord.other_bot("Refract"), 1_234_567_890_123_456_789)
}

#[tokio::test]
async fn a_listed_bot_is_trusted() {
    for by_author in [true, false] {
        let mut found = None;
        let stage = Stage::with(|discord, config| {
            let (bot, application) = other_bot(discord);
            let (authors, applications) =
                if by_author { (vec![bot.id()], vec![]) } else { (vec![], vec![application]) };
            config.channels[0].trust = listed(&[], &applications, &authors);
            found = Some((bot, application));
        })
        .await;
        let (bot, application) = found.unwrap();
        // A bot of the same name and a webhook that are not listed, then the listed bot.
        stage.discord.other_bot("Refract").draft(&stage.channel, card("NAMESAKE-1", "$1.00")).post();
        stage.hook.post(card("HOOK-1", "$1.00"));
        let mut message = card("BOT-1", "$1.00");
        message["application_id"] = json!(application.to_string());
        let message = bot.draft(&stage.channel, message).post();
        stage.bot.until_order("BOT-1", |_| true).await;
        stage.channel.until_reaction(message, "✅").await;
        assert_eq!((stage.bot.orders().await, stage.bot.logs().await.len()), (1, 1));
        stage.end().await;
    }
}

#[tokio::test]
async fn only_a_listed_webhook_is_trusted_under_any_name() {
    let stage = Stage::before(|_, _| {}).await;
    let mut stage = stage;
    let mine = stage.channel.webhook("Refract");
    super::stage::watched(&mut stage.bot.config).channels[0].trust = listed(&[mine.id()], &[], &[]);
    stage.start().await;
    stage.until_listening().await;
    stage.hook.post(card("FALSE-1", "$1.00"));
    let mut message = card("TRUE-1", "$1.00");
    message["username"] = json!("Somebody");
    mine.post(message);
    stage.bot.until_order("TRUE-1", |_| true).await;
    assert_eq!((stage.bot.orders().await, stage.bot.logs().await.len()), (1, 1));
    stage.end().await;
}

#[tokio::test]
async fn a_command_reply_is_not_a_card() {
    let stage = Stage::new().await;
    let (bot, application) = other_bot(&stage.discord);
    let ann = stage.discord.user("ann").to_json();
    for (n, key) in ["interaction", "interaction_metadata"].into_iter().enumerate() {
        let mut message = card(&format!("TYPED-{n}"), "$1.00");
        message["application_id"] = json!(application.to_string());
        message["webhook_id"] = json!(application.to_string());
        message["author"] = bot.to_json();
        message[key] = json!({
            "id": "1234567890123456788", "type": 2, "name": "say", "user": ann,
            "authorizing_integration_owners": {},
        });
        let mut whole = json!({
            "type": 20, "content": "", "timestamp": "2026-01-01T00:00:00+00:00", "edited_timestamp": null,
            "tts": false, "mention_everyone": false, "mentions": [], "mention_roles": [], "attachments": [],
            "components": [], "pinned": false, "flags": 0,
        });
        whole.as_object_mut().unwrap().extend(message.as_object().unwrap().clone());
        stage.channel.raw(whole).post();
    }
    stage.mark().await;
    stage.read_again().await;
    assert_eq!((stage.bot.orders().await, stage.bot.logs().await.len()), (2, 2));
    stage.end().await;
}

#[tokio::test]
async fn the_bots_own_posts_are_never_cards_even_if_listed() {
    let mut stage = Stage::before(|discord, config| {
        let bots = [discord.bot_id()];
        config.channels[0].trust = listed(&[], &[discord.application_id()], &bots);
    })
    .await;
    let own = json!({"id": stage.discord.bot_id().to_string(), "username": "ROMS", "bot": true,
        "discriminator": "0000", "global_name": null, "avatar": null});
    let post = |number: &str| {
        let mut message = card(number, "$1.00");
        message["author"] = own.clone();
        message["content"] = json!("");
        message["timestamp"] = json!("2026-01-01T00:00:00+00:00");
        for key in ["mentions", "mention_roles", "attachments", "components"] {
            message[key] = json!([]);
        }
        for key in ["tts", "mention_everyone", "pinned"] {
            message[key] = json!(false);
        }
        message["type"] = json!(0);
        stage.channel.raw(message).post()
    };
    // One in the history before ROMS knows its own ids, and one live.
    post("OWN-1");
    let bot = &mut stage.bot;
    bot.start_again(crate::support::bot::timing()).await;
    let path = format!("/channels/{}/messages", stage.channel.id());
    stage.discord.until_requests("GET", &path, 1).await;
    stage.until_listening().await;
    post("OWN-2");
    stage.discord.until_requests("GET", &path, stage.discord.count("GET", &path) + 2).await;
    assert_eq!((stage.bot.orders().await, stage.bot.logs().await.len()), (0, 0));
    stage.end().await;
}

#[tokio::test]
async fn a_forwarded_card_is_read_only_if_configured() {
    for forwarded in [false, true] {
        let stage = Stage::with(|_, config| config.channels[0].forwarded = forwarded).await;
        let ann = stage.discord.user("ann");
        let source = stage.guild.channel("elsewhere");
        let original = source.webhook("Refract").post(card("FORWARD-1", "$10.00"));
        ann.forward(&source, original, &stage.channel).post();
        stage.mark().await;
        let missed = source.webhook("Refract").post(card("FORWARD-2", "$10.00"));
        ann.forward(&source, missed, &stage.channel).silently().post();
        stage.read_again().await;
        let expected = if forwarded { 2 } else { 0 };
        assert_eq!(stage.bot.orders().await, 2 + expected);
        assert_eq!(stage.bot.order("FORWARD-1").await.is_some(), forwarded);
        stage.end().await;
    }
}

#[tokio::test]
async fn a_forwarded_card_that_is_not_read_causes_one_hint() {
    let mut notices = None;
    let stage = Stage::with(|discord, config| {
        let channel = discord.guild("Staff").channel("notices");
        config.guilds.push(id(channel.guild_id()));
        config.notice_channel = Some(id(channel.id()));
        notices = Some(channel);
    })
    .await;
    let (notices, ann, source) =
        (notices.unwrap(), stage.discord.user("ann"), stage.guild.channel("elsewhere"));
    let hook = source.webhook("Refract");
    // Forwarded chat causes no hint.
    let chat = ann.post(&source, "look at this");
    ann.forward(&source, chat, &stage.channel).post();
    let old = hook.post(card("FORWARD-OLD", "$10.00"));
    let long_ago = chrono::Utc::now() - chrono::TimeDelta::days(2);
    ann.forward(&source, old, &stage.channel).at(long_ago).silently().post();
    stage.mark().await;
    stage.read_again().await;
    assert_eq!(stage.log.count("a forwarded card was not read"), 0, "{}", stage.log.text());
    for n in 0..3 {
        let original = hook.post(card(&format!("FORWARD-{n}"), "$10.00"));
        ann.forward(&source, original, &stage.channel).post();
    }
    let notice = notices.until_message("the hint", |_| true).await;
    let text = notice["content"].as_str().unwrap();
    assert!(text.starts_with("checkouts: a forwarded card was not read."), "{text}");
    assert!(text.contains("set `forwarded = true`"), "{text}");
    stage.mark().await;
    stage.read_again().await;
    assert_eq!(stage.log.count("a forwarded card was not read"), 1, "{}", stage.log.text());
    assert_eq!(notices.messages().len(), 1);
    assert!(stage.bot.order("FORWARD-0").await.is_none());
    stage.end().await;
}
