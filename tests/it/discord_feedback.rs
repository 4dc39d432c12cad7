//! Reactions and notices: they get through where they can, and hold nothing back where not.

use std::time::{Duration, Instant};

use roms::card::outcome::{Rejection, RejectionCode};
use roms::discord::notices::{Notices, Place};
use roms::discord::reactions::{Reaction, Reactions};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::support::discord::permissions::{ADD_REACTIONS, SEND_MESSAGES};
use crate::support::discord::{Channel, Discord, Fault};
use crate::support::edge::{self, id};

const REACTIONS: &str = "/channels/*/messages/*/reactions";
const POSTS: &str = "/channels/*/messages";

async fn set_up() -> (Discord, Channel) {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    (discord, channel)
}

fn unread(number: usize) -> (Place, Rejection) {
    let message = 1_000 + i64::try_from(number).unwrap();
    let detail = "it says no order number".to_owned();
    (Place { guild: 1, channel: 2, message }, Rejection { code: RejectionCode::MissingOrderNumber, detail })
}

#[tokio::test]
async fn what_became_of_a_message_is_shown_on_it() {
    let (discord, channel) = set_up().await;
    let message = channel.webhook("Refract").post(json!({"content": "card"}));
    let (reactions, _task) =
        Reactions::start(edge::rest(&discord), &edge::timing(), CancellationToken::new());
    for (reaction, emoji) in [(Reaction::Stored, "✅"), (Reaction::Updated, "🔄"), (Reaction::Unread, "⚠️")]
    {
        reactions.send(id(channel.id()), id(message), reaction);
        channel.until_reaction(message, emoji).await;
    }
}

#[tokio::test]
async fn a_limited_reaction_comes_later() {
    let (discord, channel) = set_up().await;
    let message = channel.webhook("Refract").post(json!({"content": "card"}));
    discord.fail("PUT", REACTIONS, Fault::RateLimitedWithoutDelay, 3);
    let (reactions, _task) =
        Reactions::start(edge::rest(&discord), &edge::timing(), CancellationToken::new());
    reactions.send(id(channel.id()), id(message), Reaction::Stored);
    channel.until_reaction(message, "✅").await;
    assert_eq!(discord.count("PUT", REACTIONS), 4);
}

#[tokio::test]
async fn a_channel_without_reactions_is_left_alone_for_a_while_and_reported_once() {
    let (discord, channel) = set_up().await;
    let hook = channel.webhook("Refract");
    let (log, _listening) = edge::Log::listen();
    let (reactions, _task) =
        Reactions::start(edge::rest(&discord), &edge::timing(), CancellationToken::new());
    let send = |message| reactions.send(id(channel.id()), id(message), Reaction::Stored);
    // Sends again and again until something has come of it.
    let until = async |message, done: &dyn Fn() -> bool| {
        let end = Instant::now() + Duration::from_secs(20);
        while !done() {
            assert!(Instant::now() < end, "{}", log.text());
            send(message);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    for round in 1..=2 {
        channel.deny(ADD_REACTIONS);
        let asked = discord.count("PUT", REACTIONS);
        let refused = hook.post(json!({"content": "card"}));
        until(refused, &|| discord.count("PUT", REACTIONS) > asked).await;
        (0..50).for_each(|_| send(refused));
        channel.allow(ADD_REACTIONS);
        let last = hook.post(json!({"content": "card"}));
        until(last, &|| !channel.reactions(last).is_empty()).await;
        assert!(discord.count("PUT", REACTIONS) < asked + 50, "refused reactions are not asked for again");
        assert_eq!(log.count("cannot react to messages of a channel"), round, "{}", log.text());
    }
    assert!(log.text().contains("403: the bot may not do that (Discord's code 50013)"), "{}", log.text());
    assert!(!log.text().contains(&discord.token()), "{}", log.text());
}

#[tokio::test]
async fn a_message_that_is_gone_is_no_failure_of_its_channel() {
    let (discord, channel) = set_up().await;
    let hook = channel.webhook("Refract");
    let gone = hook.post(json!({"content": "deleted"}));
    channel.delete(gone);
    let (log, _listening) = edge::Log::listen();
    let (reactions, _task) =
        Reactions::start(edge::rest(&discord), &edge::timing(), CancellationToken::new());
    reactions.send(id(channel.id()), id(gone), Reaction::Stored);
    let last = hook.post(json!({"content": "card"}));
    reactions.send(id(channel.id()), id(last), Reaction::Stored);
    channel.until_reaction(last, "✅").await;
    assert_eq!(log.count("cannot react to messages of a channel"), 0, "{}", log.text());
}

#[tokio::test]
async fn a_discord_that_hangs_holds_nothing_back() {
    let (discord, channel) = set_up().await;
    discord.fail("PUT", REACTIONS, Fault::Hang, usize::MAX);
    let stop = CancellationToken::new();
    let (reactions, task) = Reactions::start(edge::rest(&discord), &edge::timing(), stop.clone());
    let began = Instant::now();
    for message in 1..=5_000 {
        reactions.send(id(channel.id()), message, Reaction::Stored);
    }
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
    assert!(reactions.dropped() >= 3_900, "{}", reactions.dropped());
    discord.until_requests("PUT", REACTIONS, 1).await;
    stop.cancel();
    tokio::time::timeout(Duration::from_millis(500), task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_burst_of_unread_cards_is_told_in_one_message() {
    let (discord, channel) = set_up().await;
    let stop = CancellationToken::new();
    let (notices, _task) =
        Notices::start(edge::rest(&discord), Some(id(channel.id())), &edge::timing(), stop.clone());
    for number in 0..1_000 {
        let (place, why) = unread(number);
        notices.unread(place, &why);
        tokio::task::yield_now().await;
    }
    notices.say("History of checkouts before 2026-01-01 was not read.");
    let is_notice = |message: &serde_json::Value| message["content"].is_string();
    let message = channel.until_message("a notice", is_notice).await;
    let text = message["content"].as_str().unwrap();
    assert!(text.starts_with("History of checkouts before 2026-01-01 was not read.\n"), "{text}");
    assert!(text.contains("1000 cards could not be read:\n- 1000 × it says no order number\n"), "{text}");
    assert!(text.contains("\nhttps://discord.com/channels/1/2/1009\nand 990 more"), "{text}");
    assert_eq!(discord.count("POST", POSTS), 1);
}

#[tokio::test]
async fn what_was_gathered_is_told_before_the_end() {
    let (discord, channel) = set_up().await;
    let stop = CancellationToken::new();
    let timing = roms::discord::Timing { notice: Duration::from_hours(1), ..edge::timing() };
    let (notices, task) = Notices::start(edge::rest(&discord), Some(id(channel.id())), &timing, stop.clone());
    let (place, why) = unread(0);
    notices.unread(place, &why);
    stop.cancel();
    task.await.unwrap();
    let posted = channel.messages();
    assert_eq!(posted[0]["content"].as_str().unwrap().lines().next(), Some("A card could not be read:"));

    let stop = CancellationToken::new();
    let (notices, task) = Notices::start(edge::rest(&discord), Some(id(channel.id())), &timing, stop.clone());
    discord.fail("POST", POSTS, Fault::Hang, usize::MAX);
    notices.say("Nobody hears it.");
    stop.cancel();
    tokio::time::timeout(Duration::from_millis(800), task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_notice_channel_that_refuses_is_reported_once() {
    let (discord, channel) = set_up().await;
    channel.deny(SEND_MESSAGES);
    let (log, _listening) = edge::Log::listen();
    let timing = roms::discord::Timing { notice: Duration::ZERO, ..edge::timing() };
    let (notices, _task) =
        Notices::start(edge::rest(&discord), Some(id(channel.id())), &timing, CancellationToken::new());
    for number in 1..=3 {
        notices.say("History was not read.");
        discord.until_requests("POST", POSTS, number).await;
    }
    channel.allow(SEND_MESSAGES);
    notices.say("History was not read.");
    channel.until_message("the last one", |message| message["content"].is_string()).await;
    assert_eq!(log.count("cannot post in the notice channel"), 1, "{}", log.text());
}

#[tokio::test]
async fn without_a_notice_channel_nobody_is_asked() {
    let (discord, _channel) = set_up().await;
    let (notices, task) =
        Notices::start(edge::rest(&discord), None, &edge::timing(), CancellationToken::new());
    let (place, why) = unread(0);
    notices.unread(place, &why);
    task.await.unwrap();
    assert!(discord.requests().is_empty());
}
