//! Reactions and notices: they are sent when Discord accepts them, and never delay anything else.

use std::time::Duration;

use roms::card::decode::discord::{ChannelRef, MessageRef};
use roms::card::outcome::{Rejection, RejectionCode};
use roms::discord::notices::Notices;
use roms::discord::reactions::{Reaction, Reactions};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::support::discord::permissions::{ADD_REACTIONS, SEND_MESSAGES};
use crate::support::discord::{Channel, Discord, Fault};
use crate::support::edge::{self, id};

/// How long anything may take. The hanging requests of these tests never end.
const DEADLINE: Duration = Duration::from_secs(20);

const REACTIONS: &str = "/channels/*/messages/*/reactions";
const POSTS: &str = "/channels/*/messages";

async fn set_up() -> (Discord, Channel) {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    (discord, channel)
}

fn rejected(number: usize) -> (MessageRef, Rejection) {
    let message = 1_000 + i64::try_from(number).unwrap();
    let detail = "it says no order number".to_owned();
    let link = MessageRef { channel: ChannelRef { guild: 1, channel: 2 }, message };
    (link, Rejection { code: RejectionCode::MissingOrderNumber, detail })
}

#[tokio::test]
async fn each_outcome_has_its_reaction() {
    let (discord, channel) = set_up().await;
    let message = channel.webhook("Refract").post(json!({"content": "card"}));
    let (reactions, _task) =
        Reactions::start(edge::rest(&discord), None, &edge::timing(), CancellationToken::new());
    for (reaction, emoji) in
        [(Reaction::Created, "✅"), (Reaction::Updated, "🔄"), (Reaction::Rejected, "⚠️")]
    {
        reactions.send(id(channel.id()), id(channel.id()), id(message), reaction, None);
        channel.until_reaction(message, emoji).await;
    }
}

#[tokio::test]
async fn a_rate_limited_reaction_is_sent_later() {
    let (discord, channel) = set_up().await;
    let message = channel.webhook("Refract").post(json!({"content": "card"}));
    discord.fail("PUT", REACTIONS, Fault::RateLimitedWithoutDelay, 3);
    let (reactions, _task) =
        Reactions::start(edge::rest(&discord), None, &edge::timing(), CancellationToken::new());
    reactions.send(id(channel.id()), id(channel.id()), id(message), Reaction::Created, None);
    channel.until_reaction(message, "✅").await;
    assert_eq!(discord.count("PUT", REACTIONS), 4);
}

#[tokio::test]
async fn a_channel_that_refuses_reactions_is_paused_and_logged_once() {
    let (discord, channel) = set_up().await;
    let hook = channel.webhook("Refract");
    let (log, _listening) = edge::Log::listen();
    let (reactions, _task) =
        Reactions::start(edge::rest(&discord), None, &edge::timing(), CancellationToken::new());
    let send =
        |message| reactions.send(id(channel.id()), id(channel.id()), id(message), Reaction::Created, None);
    // Sends until the condition holds. A reaction that falls into the pause is dropped.
    let send_until = async |message, done: &dyn Fn() -> bool| {
        let mut pauses = interval(Duration::from_millis(10));
        pauses.set_missed_tick_behavior(MissedTickBehavior::Delay);
        pauses.reset();
        let trying = async {
            while !done() {
                send(message);
                pauses.tick().await;
            }
        };
        timeout(DEADLINE, trying).await.unwrap_or_else(|_| panic!("{}", log.text()));
    };
    for round in 1..=2 {
        channel.deny(ADD_REACTIONS);
        let asked = discord.count("PUT", REACTIONS);
        let refused = hook.post(json!({"content": "card"}));
        send_until(refused, &|| discord.count("PUT", REACTIONS) > asked).await;
        (0..50).for_each(|_| send(refused));
        channel.allow(ADD_REACTIONS);
        let last = hook.post(json!({"content": "card"}));
        send_until(last, &|| !channel.reactions(last).is_empty()).await;
        assert!(discord.count("PUT", REACTIONS) < asked + 50, "a paused channel gets no requests");
        assert_eq!(log.count("cannot react to the messages of a channel"), round, "{}", log.text());
    }
    assert!(log.text().contains("403: the bot may not do that (Discord error code 50013)"), "{}", log.text());
    assert!(!log.text().contains(&discord.token()), "{}", log.text());
}

#[tokio::test]
async fn a_deleted_message_does_not_pause_its_channel() {
    let (discord, channel) = set_up().await;
    let hook = channel.webhook("Refract");
    let gone = hook.post(json!({"content": "deleted"}));
    channel.delete(gone);
    let (log, _listening) = edge::Log::listen();
    let (reactions, _task) =
        Reactions::start(edge::rest(&discord), None, &edge::timing(), CancellationToken::new());
    reactions.send(id(channel.id()), id(channel.id()), id(gone), Reaction::Created, None);
    let last = hook.post(json!({"content": "card"}));
    reactions.send(id(channel.id()), id(channel.id()), id(last), Reaction::Created, None);
    channel.until_reaction(last, "✅").await;
    assert_eq!(log.count("cannot react to the messages of a channel"), 0, "{}", log.text());
}

#[tokio::test]
async fn a_refusal_of_one_message_does_not_pause_its_channel() {
    // The author blocked the bot; too many reactions; an error that ROMS does not know.
    for (status, code) in [(403, 90001), (400, 30010), (403, 12345)] {
        let (discord, channel) = set_up().await;
        let hook = channel.webhook("Refract");
        let refused = hook.post(json!({"content": "card"}));
        let path = format!("/channels/*/messages/{refused}/reactions");
        discord.fail("PUT", &path, Fault::Refused(status, code), 1);
        let (log, _listening) = edge::Log::listen();
        let (reactions, _task) =
            Reactions::start(edge::rest(&discord), None, &edge::timing(), CancellationToken::new());
        reactions.send(id(channel.id()), id(channel.id()), id(refused), Reaction::Created, None);
        let next = hook.post(json!({"content": "card"}));
        reactions.send(id(channel.id()), id(channel.id()), id(next), Reaction::Created, None);
        channel.until_reaction(next, "✅").await;
        assert_eq!(log.count("cannot react to the messages of a channel"), 0, "{}", log.text());
    }
}

#[tokio::test]
async fn queueing_never_waits_for_a_discord_that_hangs() {
    let (discord, channel) = set_up().await;
    discord.fail("PUT", REACTIONS, Fault::Hang, usize::MAX);
    let stop = CancellationToken::new();
    let (reactions, task) = Reactions::start(edge::rest(&discord), None, &edge::timing(), stop.clone());
    // `send` is not async, so it cannot wait for Discord.
    for message in 1..=5_000 {
        reactions.send(id(channel.id()), id(channel.id()), message, Reaction::Created, None);
    }
    assert!(reactions.dropped() >= 3_900, "{}", reactions.dropped());
    discord.until_requests("PUT", REACTIONS, 1).await;
    stop.cancel();
    timeout(DEADLINE, task).await.unwrap().unwrap();
}

#[tokio::test]
async fn many_rejected_cards_become_one_notice() {
    let (discord, channel) = set_up().await;
    let stop = CancellationToken::new();
    let (notices, _task) =
        Notices::start(edge::rest(&discord), Some(id(channel.id())), &edge::timing(), stop.clone());
    for number in 0..1_000 {
        let (link, reason) = rejected(number);
        notices.card_rejected(link, &reason);
        tokio::task::yield_now().await;
    }
    notices.text("History of checkouts before 2026-01-01 was not read.");
    let is_notice = |message: &serde_json::Value| message["content"].is_string();
    let message = channel.until_message("a notice", is_notice).await;
    let text = message["content"].as_str().unwrap();
    assert!(text.starts_with("History of checkouts before 2026-01-01 was not read.\n"), "{text}");
    assert!(text.contains("1000 cards could not be read:\n- 1000 × it says no order number\n"), "{text}");
    assert!(text.contains("\nhttps://discord.com/channels/1/2/1009\nand 990 more"), "{text}");
    assert_eq!(discord.count("POST", POSTS), 1);
}

#[tokio::test]
async fn collected_notices_are_posted_at_the_stop() {
    let (discord, channel) = set_up().await;
    let stop = CancellationToken::new();
    let timing = roms::discord::Timing { notice_delay: Duration::from_hours(1), ..edge::timing() };
    let (notices, task) = Notices::start(edge::rest(&discord), Some(id(channel.id())), &timing, stop.clone());
    let (link, reason) = rejected(0);
    notices.card_rejected(link, &reason);
    stop.cancel();
    task.await.unwrap();
    let posted = channel.messages();
    assert_eq!(posted[0]["content"].as_str().unwrap().lines().next(), Some("A card could not be read:"));

    let stop = CancellationToken::new();
    let (notices, task) = Notices::start(edge::rest(&discord), Some(id(channel.id())), &timing, stop.clone());
    discord.fail("POST", POSTS, Fault::Hang, usize::MAX);
    notices.text("This is never posted.");
    stop.cancel();
    timeout(DEADLINE, task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_notice_channel_that_refuses_is_logged_once() {
    let (discord, channel) = set_up().await;
    channel.deny(SEND_MESSAGES);
    let (log, _listening) = edge::Log::listen();
    let timing = roms::discord::Timing { notice_delay: Duration::ZERO, ..edge::timing() };
    let (notices, _task) =
        Notices::start(edge::rest(&discord), Some(id(channel.id())), &timing, CancellationToken::new());
    for number in 1..=3 {
        notices.text("History was not read.");
        discord.until_requests("POST", POSTS, number).await;
    }
    channel.allow(SEND_MESSAGES);
    notices.text("History was not read.");
    channel.until_message("the last one", |message| message["content"].is_string()).await;
    assert_eq!(log.count("cannot post in the notice channel"), 1, "{}", log.text());
}

#[tokio::test]
async fn without_a_notice_channel_nothing_is_sent() {
    let (discord, _channel) = set_up().await;
    let (notices, task) =
        Notices::start(edge::rest(&discord), None, &edge::timing(), CancellationToken::new());
    let (link, reason) = rejected(0);
    notices.card_rejected(link, &reason);
    task.await.unwrap();
    assert!(discord.requests().is_empty());
}
