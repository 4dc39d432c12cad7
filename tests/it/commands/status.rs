//! `/status`: the health of ROMS, and missing permissions.

use chrono::{TimeDelta, Utc};
use roms::config::Channel;
use roms::store::{Attempt, NewDelivery, NextStep, Target};

use super::stage::{Stage, field, is_private, text_of};
use crate::support::bot::card;
use crate::support::discord::permissions::READ_MESSAGE_HISTORY;
use crate::watching::stage::id;

#[tokio::test]
async fn a_healthy_bot_shows_all_details() {
    let stage = Stage::new().await;
    stage.order("TGT-900", "$10.00").await;
    stage.read_again().await;
    let reply = stage.ask(&stage.admin, "status", &[]).await;
    let text = text_of(&reply);
    assert!(is_private(&reply));
    assert!(text.contains("everything works"), "{text}");
    assert!(field(&reply, "Gateway").unwrap().starts_with("connected"), "{text}");
    assert!(field(&reply, "Database").unwrap().contains("ms"), "{text}");
    assert_eq!(field(&reply, "Queue"), Some("0 messages waiting"));
    assert!(field(&reply, "Last card").unwrap().contains("(created)"), "{text}");
    let channel = field(&reply, "checkouts").unwrap();
    assert!(channel.contains(&format!("<#{}> read up to <t:", stage.channel.id())), "{channel}");
    stage.end(0).await;
}

#[tokio::test]
async fn what_could_not_be_sent_is_counted() {
    let stage = Stage::new().await;
    let health = stage.ask(&stage.admin, "status", &[]).await;
    assert_eq!(field(&health, "Outbox"), None);
    let (store, now) = (stage.bot.store(), Utc::now());
    let target = Target::Endpoint(7);
    let test = NewDelivery { target, subject: 0, event: roms::outbox::TEST };
    store.queue_deliveries(&[test], now).await.unwrap();
    let claimed = store.claim_deliveries(target, 1, now + TimeDelta::days(1), &mut Vec::new()).await.unwrap();
    if let Some(delivery) = claimed.first() {
        store.finish_delivery(delivery, Attempt::default(), NextStep::Dead).await.unwrap();
    }
    let reply = stage.ask(&stage.admin, "status", &[]).await;
    assert!(field(&reply, "Outbox").unwrap().contains("**1 could not be sent**"), "{}", text_of(&reply));
    stage.end(0).await;
}

#[tokio::test]
async fn channels_with_a_problem_come_first_if_not_all_fit() {
    let mut stage = Stage::before().await;
    let more = ('a'..='z').map(|name| stage.guild.channel(&name.to_string())).collect::<Vec<_>>();
    more.last().unwrap().deny(READ_MESSAGE_HISTORY);
    let channels = &mut stage.config().discord.channels;
    let watched = channels[0].clone();
    for (channel, name) in more.iter().zip('a'..='z') {
        let also = Channel { id: id(channel.id()), name: name.to_string(), ..watched.clone() };
        channels.push(also);
    }
    stage.begin().await;
    let missing = |health: &serde_json::Value| health.to_string().contains("Read Message History");
    stage.bot.until("/health", "it is seen", missing).await;
    let reply = stage.ask(&stage.admin, "status", &[]).await;
    assert!(field(&reply, "z").unwrap().contains("missing permissions"), "{}", text_of(&reply));
    assert!(text_of(&reply).contains("6 more channels are not shown"), "{}", text_of(&reply));
    stage.end(0).await;
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let mut stage = Stage::before().await;
    stage.channel.deny(READ_MESSAGE_HISTORY);
    stage.begin().await;
    let missing = |health: &serde_json::Value| health.to_string().contains("Read Message History");
    stage.bot.until("/health", "it is seen", missing).await;
    let reply = stage.ask(&stage.admin, "status", &[]).await;
    assert!(text_of(&reply).contains("something is wrong"), "{}", text_of(&reply));
    let channel = field(&reply, "checkouts").unwrap();
    assert!(channel.contains("missing permissions: Read Message History"), "{channel}");
    stage.end(0).await;
}

#[tokio::test]
async fn forums_and_threads_are_shown() {
    let mut stage = Stage::before().await;
    let forum = stage.guild.forum("orders");
    let hook = forum.webhook("Refract");
    for n in 0..2 {
        forum.forum_post(&hook, "post", card(&format!("FORUM-{n}"), "$10.00"));
    }
    stage.channel.thread("one");
    let channels = &mut stage.config().discord.channels;
    channels.push(Channel { id: id(forum.id()), name: "orders".to_owned(), ..channels[0].clone() });
    channels[0].threads = true;
    stage.begin().await;
    let are_read = |health: &serde_json::Value| {
        let channels = &health["checks"]["discord"]["channels"];
        let read =
            |at: usize| channels[at]["checked_at"].is_string() && channels[at]["active_threads"].is_number();
        read(0) && read(1)
    };
    stage.bot.until("/health", "the threads are read", are_read).await;
    let reply = stage.ask(&stage.admin, "status", &[]).await;
    let text = field(&reply, "orders").unwrap();
    assert!(text.contains("(forum) read up to") && text.ends_with("2 active threads watched"), "{text}");
    let text = field(&reply, "checkouts").unwrap();
    assert!(!text.contains("forum") && text.ends_with("1 active thread watched"), "{text}");
    stage.end(0).await;
}
