//! Threads and forums: cards in them are read like those of their channel, live and from the history.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use roms::config::Trust;
use roms::discord::Timing;
use roms::order::Status;
use roms::store::LogEntry;
use serde_json::{Value, json};

use super::stage::{Stage, cancelled, id, price, watched};
use crate::support::bot::{card, timing};
use crate::support::discord::permissions::READ_MESSAGE_HISTORY;
use crate::support::discord::{Channel, Fault, Request, Webhook};

/// ROMS watches a forum too. Its settings are those of the stage's channel.
async fn forum_before() -> (Stage, Channel, Webhook) {
    let mut stage = Stage::before(|_, _| {}).await;
    let forum = stage.guild.forum("orders");
    let hook = forum.webhook("Refract");
    let channels = &mut watched(&mut stage.bot.config).channels;
    let section =
        roms::config::Channel { id: id(forum.id()), name: "forum".to_owned(), ..channels[0].clone() };
    channels.push(section);
    (stage, forum, hook)
}

async fn forum() -> (Stage, Channel, Webhook) {
    let (mut stage, forum, hook) = forum_before().await;
    stage.start().await;
    stage.until_listening().await;
    until_listed(&stage, 1).await;
    (stage, forum, hook)
}

/// ROMS watches the threads of its channel.
async fn threaded() -> Stage {
    let stage = Stage::with(|_, config| config.channels[0].threads = true).await;
    until_listed(&stage, 0).await;
    stage
}

/// Waits until the threads of a channel are listed.
async fn until_listed(stage: &Stage, channel: usize) {
    let is_listed =
        |health: &Value| health["checks"]["discord"]["channels"][channel]["active_threads"].is_number();
    stage.bot.until("/health", "the threads are listed", is_listed).await;
}

/// Waits until the threads of a channel have been listed and read once more.
async fn read_threads_again(stage: &Stage, channel: &Channel) {
    let path = format!("/channels/{}/threads/archived/public", channel.id());
    stage.discord.until_requests("GET", &path, stage.discord.count("GET", &path) + 2).await;
    stage.mark().await;
}

/// How often ROMS asked about a channel or thread itself.
fn lookups(stage: &Stage, channel: &Channel) -> usize {
    let path = format!("/channels/{}", channel.id());
    stage.discord.requests().iter().filter(|seen| seen.method == "GET" && seen.path == path).count()
}

fn page_reads(stage: &Stage, channel: &Channel) -> usize {
    let path = format!("/channels/{}/messages", channel.id());
    let is_page = |seen: &&Request| seen.is("GET", &path) && seen.path.contains("limit=");
    stage.discord.requests().iter().filter(is_page).count()
}

#[tokio::test]
async fn a_card_in_a_forum_post_is_read_live_with_the_trust_of_the_forum() {
    let (stage, forum, hook) = forum().await;
    let fixture: Value =
        serde_json::from_str(include_str!("../../fixtures/cards/forum_thread_post.json")).unwrap();
    let post = forum.forum_post(&hook, "Target", fixture["message"].clone());
    let order = stage.bot.until_order("102005550006666", |_| true).await;
    assert_eq!(price(&order), Some(1999));
    post.until_reaction(post.id(), "✅").await;
    let [log] = stage.logs_of(&order).await.try_into().unwrap();
    assert_eq!(log.endpoint, format!("discord/{}/{}", stage.guild.id(), post.id()));

    // A member's card and chat are not read, an edit and a second card are.
    stage.discord.user("ann").draft(&post, card("ANN-1", "$1.00")).post();
    post.edit(post.id(), card("102005550006666", "$21.00"));
    let second = hook.draft_in(&post, card("SECOND-1", "$2.00")).post();
    stage.bot.until_order("102005550006666", |order| price(order) == Some(2100)).await;
    stage.bot.until_order("SECOND-1", |_| true).await;
    post.until_reaction(second, "✅").await;
    post.delete(second);
    stage.bot.until_logs("it is marked", |logs| logs.iter().any(|log| log.deleted_at.is_some())).await;
    read_threads_again(&stage, &forum).await;
    assert!(stage.bot.order("ANN-1").await.is_none());
    assert_eq!(stage.events_of(&order).await.len(), 2);
    stage.end().await;
}

#[tokio::test]
async fn the_first_card_may_arrive_before_its_thread() {
    let mut stage = Stage::before(|_, config| config.channels[0].threads = true).await;
    // The list of threads does not answer the question.
    stage.bot.start_again(Timing { history_interval: Duration::from_mins(10), ..timing() }).await;
    stage.until_listening().await;
    until_listed(&stage, 0).await;
    stage.discord.fail("GET", "/guilds/*/threads/active", Fault::Hang, usize::MAX);
    let thread = stage.channel.unannounced_thread("early", 11, false);
    let messages: Vec<u64> =
        (0..5).map(|n| stage.hook.draft_in(&thread, card(&format!("EARLY-{n}"), "$10.00")).post()).collect();
    // These overtake neither their cards nor the question about the thread.
    thread.edit(messages[0], card("EARLY-0", "$12.00"));
    thread.delete(messages[1]);
    stage.discord.until_requests("GET", &format!("/channels/{}", thread.id()), 1).await;
    thread.announce();
    stage.hook.draft_in(&thread, card("EARLY-5", "$10.00")).post();
    for n in 0..6 {
        stage.bot.until_order(&format!("EARLY-{n}"), |_| true).await;
    }
    stage.bot.until_order("EARLY-0", |order| price(order) == Some(1200)).await;
    let is_marked = |logs: &[LogEntry]| logs.iter().any(|log| log.deleted_at.is_some());
    stage.bot.until_logs("the deleted card is marked", is_marked).await;
    assert_eq!(lookups(&stage, &thread), 1, "it is asked about once");
    for n in 2..6 {
        let order = stage.bot.order(&format!("EARLY-{n}")).await.unwrap();
        assert_eq!(stage.events_of(&order).await.len(), 1);
    }
    stage.end().await;
}

#[tokio::test]
async fn threads_of_other_channels_are_not_read() {
    let stage = threaded().await;
    let elsewhere = stage.guild.channel("elsewhere");
    let hook = elsewhere.webhook("Refract");
    let thread = elsewhere.unannounced_thread("theirs", 11, false);
    for n in 0..10 {
        hook.draft_in(&thread, card(&format!("THEIRS-{n}"), "$10.00")).post();
    }
    stage.mark().await;
    read_threads_again(&stage, &stage.channel).await;
    assert_eq!(stage.bot.orders().await, 2);
    assert!(lookups(&stage, &thread) <= 1, "it is asked about at most once");
    stage.end().await;
}

#[tokio::test]
async fn without_the_setting_threads_of_a_text_channel_are_not_read() {
    let stage = Stage::new().await;
    stage.mark().await;
    let thread = stage.channel.thread("ours");
    stage.hook.draft_in(&thread, card("THREAD-1", "$10.00")).post();
    stage.mark().await;
    stage.read_again().await;
    assert!(stage.bot.order("THREAD-1").await.is_none());
    assert_eq!(stage.discord.count("GET", "/guilds/*/threads/active"), 0);
    stage.end().await;
}

#[tokio::test]
async fn fifty_threads_of_a_stop_are_each_read_once_within_a_rate_limit() {
    let (mut stage, forum, hook) = forum().await;
    forum.forum_post(&hook, "before", card("FORUM-BEFORE", "$10.00"));
    stage.bot.until_order("FORUM-BEFORE", |_| true).await;
    read_threads_again(&stage, &forum).await;
    stage.bot.stop().await.unwrap();
    let mut threads = Vec::new();
    for n in 0..50 {
        let thread = forum.forum_post(&hook, "post", card(&format!("FORUM-{n}"), "$10.00"));
        hook.draft_in(&thread, card(&format!("FORUM-{n}-B"), "$11.00")).post();
        if n % 2 == 0 {
            thread.archive();
        }
        threads.push(thread);
    }
    stage.discord.limit("GET", "/channels/*/messages", 10, Duration::from_millis(300));
    stage.start().await;
    stage.bot.until_orders(102).await;
    stage.discord.heal();
    stage.until_listening().await;
    read_threads_again(&stage, &forum).await;
    for n in 0..50 {
        for number in [format!("FORUM-{n}"), format!("FORUM-{n}-B")] {
            let order = stage.bot.order(&number).await.unwrap();
            let logs = stage.logs_of(&order).await;
            assert_eq!((stage.events_of(&order).await.len(), logs.len()), (1, 1), "{logs:#?}");
        }
    }
    // Silent threads are not read again.
    read_threads_again(&stage, &forum).await;
    let reads: usize = threads.iter().map(|thread| page_reads(&stage, thread)).sum();
    read_threads_again(&stage, &forum).await;
    read_threads_again(&stage, &forum).await;
    assert_eq!(threads.iter().map(|thread| page_reads(&stage, thread)).sum::<usize>(), reads);
    assert_eq!(page_reads(&stage, &forum), 0, "a forum has no messages of its own");
    // Discord refuses reactions in archived threads. That mutes neither the forum nor its other threads.
    threads[1].until_reaction(threads[1].id(), "✅").await;
    assert_eq!(stage.log.count("cannot react to the messages of a channel"), 0, "{}", stage.log.text());
    stage.end().await;
}

#[tokio::test]
async fn more_archived_threads_than_a_page_are_read() {
    let (mut stage, forum, hook) = forum_before().await;
    let start = Utc::now() - TimeDelta::hours(5);
    for n in 0..230 {
        let at = start + TimeDelta::minutes(n);
        let (thread, draft) = forum.forum_draft(&hook, "old", card(&format!("OLD-{n}"), "$10.00"), Some(at));
        draft.silently().post();
        thread.archive_silently(at);
    }
    let (ancient, draft) = forum.forum_draft(
        &hook,
        "ancient",
        card("ANCIENT-1", "$1.00"),
        Some(Utc::now() - TimeDelta::days(9)),
    );
    draft.silently().post();
    ancient.archive_silently(Utc::now() - TimeDelta::days(8));
    stage.start().await;
    stage.bot.until_orders(230).await;
    stage.until_listening().await;
    read_threads_again(&stage, &forum).await;
    assert!(stage.bot.order("ANCIENT-1").await.is_none(), "it is older than the channel's `history`");
    stage.end().await;
}

#[tokio::test]
async fn a_thread_that_is_deleted_while_it_is_read_causes_no_errors() {
    let (mut stage, forum, hook) = forum().await;
    let kept = forum.forum_post(&hook, "kept", card("KEPT-1", "$10.00"));
    let gone = forum.forum_post(&hook, "gone", card("GONE-1", "$10.00"));
    let order = stage.bot.until_order("GONE-1", |_| true).await;
    gone.delete_thread();
    let is_marked = |logs: &[LogEntry]| logs.iter().filter(|log| log.deleted_at.is_some()).count() == 1;
    stage.bot.until_logs("its card is marked", is_marked).await;
    assert!(stage.logs_of(&order).await[0].deleted_at.is_some());
    // A thread that is deleted during a stop.
    let other = forum.forum_post(&hook, "other", card("OTHER-1", "$10.00"));
    stage.bot.until_order("OTHER-1", |_| true).await;
    stage.bot.stop().await.unwrap();
    other.delete_thread();
    stage.start().await;
    stage.until_listening().await;
    let are_marked = |logs: &[LogEntry]| logs.iter().filter(|log| log.deleted_at.is_some()).count() == 2;
    stage.bot.until_logs("both are marked", are_marked).await;
    read_threads_again(&stage, &forum).await;
    let asked = stage.discord.count("GET", &format!("/channels/{}", other.id()));
    read_threads_again(&stage, &forum).await;
    assert_eq!(stage.discord.count("GET", &format!("/channels/{}", other.id())), asked);
    assert!(stage.bot.order("KEPT-1").await.is_some() && !kept.messages().is_empty());
    assert_eq!(stage.log.count("cannot read the threads"), 0, "{}", stage.log.text());
    stage.end().await;
}

#[tokio::test]
async fn edits_and_deletions_in_threads_during_a_stop_are_found() {
    let mut stage = threaded().await;
    let six_hours_ago = Utc::now() - TimeDelta::hours(6);
    let post = |thread: &Channel, number: &str| {
        stage.hook.draft_in(thread, card(number, "$10.00")).at(six_hours_ago).post()
    };
    let (active, archived) = (stage.channel.thread("active"), stage.channel.thread("archived"));
    let edited = post(&active, "EDIT-1");
    let deleted = post(&active, "DELETE-1");
    let in_archived = post(&archived, "EDIT-2");
    archived.archive();
    for number in ["EDIT-1", "EDIT-2", "DELETE-1"] {
        stage.bot.until_order(number, |_| true).await;
    }
    read_threads_again(&stage, &stage.channel).await;
    stage.bot.stop().await.unwrap();
    active.edit(edited, cancelled("EDIT-1"));
    archived.edit(in_archived, cancelled("EDIT-2"));
    active.delete(deleted);
    stage.start().await;
    for number in ["EDIT-1", "EDIT-2"] {
        stage.bot.until_order(number, |order| order.fields.status == Some(Status::Cancelled)).await;
    }
    active.until_reaction(edited, "🔄").await;
    let is_marked = |logs: &[LogEntry]| logs.iter().any(|log| log.deleted_at.is_some());
    stage.bot.until_logs("the deleted card is marked", is_marked).await;
    stage.until_listening().await;
    stage.end().await;
}

#[tokio::test]
async fn reactions_in_threads_that_were_due_at_a_crash_are_given() {
    let stage = threaded().await;
    let thread = stage.channel.thread("due");
    let path = format!("/channels/{}/messages", thread.id());
    stage.discord.fail("PUT", &path, Fault::Hang, usize::MAX);
    let message = stage.hook.draft_in(&thread, card("DUE-1", "$10.00")).post();
    stage.bot.until_order("DUE-1", |_| true).await;
    let mut stage = stage;
    stage.bot.stop().await.unwrap();
    stage.discord.heal();
    stage.start().await;
    thread.until_reaction(message, "✅").await;
    stage.until_listening().await;
    stage.end().await;
}

#[tokio::test]
async fn a_private_thread_is_read_as_soon_as_the_bot_is_a_member() {
    let stage = threaded().await;
    let hidden = stage.channel.private_thread("hidden", false);
    stage.hook.draft_in(&hidden, card("HIDDEN-1", "$10.00")).post();
    let shared = stage.channel.private_thread("shared", true);
    stage.hook.draft_in(&shared, card("SHARED-1", "$10.00")).post();
    stage.bot.until_order("SHARED-1", |_| true).await;
    read_threads_again(&stage, &stage.channel).await;
    assert!(stage.bot.order("HIDDEN-1").await.is_none());
    hidden.add_bot();
    stage.bot.until_order("HIDDEN-1", |_| true).await;
    stage.end().await;
}

#[tokio::test]
async fn threads_posted_without_the_permission_to_read_them_are_read_when_it_comes_back() {
    let (mut stage, forum, hook) = forum().await;
    read_threads_again(&stage, &forum).await;
    stage.bot.stop().await.unwrap();
    forum.forum_post(&hook, "away", card("AWAY-1", "$10.00"));
    forum.deny(READ_MESSAGE_HISTORY);
    stage.start().await;
    stage.until_listening().await;
    let lacks = |health: &Value| health.to_string().contains("Read Message History");
    let health = stage.bot.until("/health", "it is named", lacks).await;
    assert_eq!(health["status"], "degraded");
    stage.until_log("cannot read the threads").await;
    assert!(stage.bot.order("AWAY-1").await.is_none());
    forum.allow(READ_MESSAGE_HISTORY);
    stage.bot.until_order("AWAY-1", |_| true).await;
    let is_well = |health: &Value| health["status"] == "healthy";
    stage.bot.until("/health", "all is well again", is_well).await;
    stage.end().await;
}

#[tokio::test]
async fn a_thread_with_a_section_of_its_own_keeps_its_own_trust() {
    let mut stage = Stage::before(|_, config| config.channels[0].threads = true).await;
    let thread = stage.channel.thread("own");
    let bot = stage.discord.other_bot("Refract");
    let channels = &mut watched(&mut stage.bot.config).channels;
    let trust = Trust::Listed { webhooks: Vec::new(), applications: Vec::new(), authors: vec![id(bot.id())] };
    channels.push(roms::config::Channel {
        id: id(thread.id()),
        trust,
        threads: false,
        ..channels[0].clone()
    });
    stage.start().await;
    stage.until_listening().await;
    stage.hook.draft_in(&thread, card("HOOK-1", "$10.00")).post();
    bot.draft(&thread, card("BOT-1", "$10.00")).post();
    stage.bot.until_order("BOT-1", |_| true).await;
    read_threads_again(&stage, &stage.channel).await;
    assert!(stage.bot.order("HOOK-1").await.is_none());
    stage.end().await;
}

#[tokio::test]
async fn cards_in_new_threads_without_a_session_are_read() {
    let (stage, forum, hook) = forum().await;
    let gateway = stage.discord.gateway();
    gateway.black_hole(true);
    gateway.reset();
    forum.forum_post(&hook, "during", card("DURING-1", "$10.00"));
    stage.bot.until_order("DURING-1", |_| true).await;
    gateway.black_hole(false);
    stage.until_listening().await;
    stage.end().await;
}

#[tokio::test]
async fn an_unreachable_discord_leaves_no_error_at_channels_without_threads() {
    let (mut stage, forum, hook) = forum_before().await;
    stage.discord.fail("GET", "/channels/*", Fault::Status(400), 6);
    stage.start().await;
    stage.until_listening().await;
    forum.forum_post(&hook, "post", card("AFTER-1", "$10.00"));
    stage.bot.until_order("AFTER-1", |_| true).await;
    stage.bot.until("/health", "all is well", |health| health["status"] == "healthy").await;
    assert!(stage.bot.get("/health").await["checks"]["discord"]["channels"][0]["active_threads"].is_null());
    stage.end().await;
}

#[tokio::test]
async fn a_forum_that_was_not_read_for_long_is_reported() {
    let (mut stage, forum, hook) = forum_before().await;
    let ago = |days| Utc::now() - TimeDelta::days(days);
    let read_to = roms::card::decode::discord::snowflake_at(ago(50));
    stage.bot.store().save_cursor(-id(forum.id()), read_to, ago(50)).await.unwrap();
    for (number, days) in [("HIDDEN-1", 40), ("SEEN-1", 20)] {
        let (_, draft) = forum.forum_draft(&hook, "post", card(number, "$1.00"), Some(ago(days)));
        draft.silently().post();
    }
    stage.start().await;
    stage.bot.until_order("SEEN-1", |_| true).await;
    stage.until_log("forum: messages posted between").await;
    assert!(stage.bot.order("HIDDEN-1").await.is_none());
    stage.until_listening().await;
    stage.end().await;
}

#[tokio::test]
async fn a_thread_that_an_event_has_named_is_not_asked_about() {
    let mut stage = Stage::before(|_, config| config.channels[0].threads = true).await;
    stage.bot.start_again(Timing { history_interval: Duration::from_mins(10), ..timing() }).await;
    stage.until_listening().await;
    until_listed(&stage, 0).await;
    let named = stage.channel.thread("named");
    // serenity cannot decode these events.
    let odd = |kind: &str| {
        let thread = stage.channel.unannounced_thread("odd", 11, false);
        let (id, guild) = (thread.id().to_string(), stage.guild.id().to_string());
        let parent = stage.channel.id().to_string();
        let brief = json!({"id": id, "type": 11, "parent_id": parent, "name": 7});
        let data = match kind {
            "GUILD_CREATE" => json!({"id": guild, "channels": [], "threads": [brief]}),
            "THREAD_LIST_SYNC" => json!({"guild_id": guild, "threads": [brief]}),
            _ => json!({"id": id, "type": 11, "parent_id": parent, "guild_id": guild, "name": 7}),
        };
        stage.discord.gateway().dispatch(kind, data);
        thread
    };
    let threads =
        [named, odd("THREAD_CREATE"), odd("THREAD_UPDATE"), odd("GUILD_CREATE"), odd("THREAD_LIST_SYNC")];
    for (n, thread) in threads.iter().enumerate() {
        stage.hook.draft_in(thread, card(&format!("NAMED-{n}"), "$10.00")).post();
        stage.bot.until_order(&format!("NAMED-{n}"), |_| true).await;
        assert_eq!(lookups(&stage, thread), 0, "{n}");
    }
    let deleted = json!({"id": threads[1].id().to_string(), "name": 7});
    let pages = page_reads(&stage, &threads[1]);
    stage.discord.gateway().dispatch("THREAD_DELETE", deleted);
    let path = format!("/channels/{}/messages", threads[1].id());
    stage.discord.until_requests("GET", &path, pages + 1).await;
    stage.end().await;
}
