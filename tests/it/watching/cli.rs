//! `roms discord …`: the real program against the double.

use std::fs;

use chrono::{TimeDelta, Utc};
use roms::card::decode::discord::{snowflake_at, snowflake_time};
use roms::store::{LogFilter, OrderFilter, Store};
use tokio::task::spawn_blocking;

use super::program::{home, run};
use super::stage::id;
use crate::cli::{err, out};
use crate::support::bot::card;
use crate::support::discord::{Discord, Fate, permissions};
use crate::support::home::Home;

#[tokio::test]
async fn the_invite_link_names_the_application() {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let home = home(&discord, &channel, "");
    let output = run(&home, &["discord", "invite-url"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let begin = format!("https://discord.com/oauth2/authorize?client_id={}&", discord.application_id());
    assert!(out(&output).starts_with(&begin), "{}", out(&output));
    assert!(discord.unknown_requests().is_empty());
}

#[tokio::test]
async fn the_check_names_what_is_missing_and_exits_with_1() {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let home = home(&discord, &channel, "");
    let output = run(&home, &["discord", "check"]).await;
    assert_eq!(output.status.code(), Some(0), "{}{}", out(&output), err(&output));
    channel.deny(permissions::READ_MESSAGE_HISTORY);
    discord.allow_message_content(false);
    let output = run(&home, &["discord", "check"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    for what in ["the bot lacks Read Message History", "switch on \"Message Content Intent\""] {
        assert!(out(&output).contains(what), "{}", out(&output));
    }
    let shown = out(&output) + &err(&output);
    assert!(!shown.contains(&discord.token()), "{shown}");
    assert!(discord.unknown_requests().is_empty());
}

#[tokio::test]
async fn commands_name_the_cause_when_discord_cannot_be_reached() {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let home = home(&discord, &channel, "");
    discord.refuse_connections(Fate::Ended).await;
    let cause = "Discord cannot be reached: the connection was refused";
    for command in ["invite-url", "check"] {
        let output = run(&home, &["discord", command]).await;
        assert_eq!(output.status.code(), Some(1));
        let shown = out(&output) + &err(&output);
        assert!(shown.contains(cause), "{command}: {shown}");
    }
    // The proxy of the environment applies only to the real Discord, which nothing reaches here.
    let home = Home::new();
    fs::write(home.path().join("config.toml"), "[discord]\ntoken = \"abc.def\"\n").unwrap();
    let mut command = home.command(&["discord", "invite-url"]);
    command.env("HTTPS_PROXY", "http://127.0.0.1:1");
    let output = spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let cause = "Discord cannot be reached: the proxy set in HTTPS_PROXY or ALL_PROXY does not work";
    assert!(err(&output).contains(cause), "{}", err(&output));
}

#[tokio::test]
async fn backfill_reads_hidden_messages_and_a_second_run_changes_nothing() {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let hook = channel.webhook("Refract");
    let home = home(&discord, &channel, "");
    let store = Store::open(&home.url()).await.unwrap();
    let ago = |days| Utc::now() - TimeDelta::days(days);
    for n in 0..250 {
        hook.draft(card(&format!("HIDDEN-{n}"), "$1.00")).at(ago(40)).silently().post();
    }
    // ROMS has read past them.
    let cursor = snowflake_at(ago(1));
    store.save_cursor(id(channel.id()), cursor, Utc::now()).await.unwrap();
    let channel_id = channel.id().to_string();
    let since = ago(60).format("%F").to_string();
    let backfill = ["discord", "backfill", "--channel", &channel_id, "--since", &since];
    let output = run(&home, &backfill).await;
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let summary = "250 messages read: 250 orders created, 0 updated, 0 cards already known, 0 ignored (not \
                   orders), 0 rejected (not readable)";
    assert!(out(&output).contains(summary), "{}", out(&output));
    assert!(err(&output).contains("100 messages"), "{}", err(&output));
    let rows = async || {
        let orders = store.count_orders(&OrderFilter::default()).await.unwrap().count;
        (orders, store.logs(&LogFilter::default(), 1).await.unwrap().total.count)
    };
    assert_eq!(rows().await, (250, 250));
    let again = run(&home, &backfill).await;
    assert!(out(&again).contains("250 messages read: 0 orders created, 0 updated, 250"), "{}", out(&again));
    assert_eq!(rows().await, (250, 250));
    assert_eq!(store.cursors(&[id(channel.id())]).await.unwrap()[&id(channel.id())].message, cursor);
    // Old messages get no reactions.
    assert_eq!(discord.count("PUT", "/channels/*/messages/*/reactions"), 0);
    assert!(discord.unknown_requests().is_empty(), "{:?}", discord.unknown_requests());
}

#[tokio::test]
async fn backfill_that_starts_after_the_cursor_does_not_move_it() {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let hook = channel.webhook("Refract");
    let home = home(&discord, &channel, "");
    let store = Store::open(&home.url()).await.unwrap();
    let ago = |days| Utc::now() - TimeDelta::days(days);
    hook.draft(card("GAP-1", "$1.00")).at(ago(3)).silently().post();
    let read = hook.draft(card("READ-1", "$1.00")).at(ago(1)).silently().post();
    let channel_id = channel.id().to_string();
    let since = ago(2).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let backfill = ["discord", "backfill", "--channel", &channel_id, "--since", &since];
    // It creates no cursor either.
    assert_eq!(run(&home, &backfill).await.status.code(), Some(0));
    assert!(store.cursors(&[id(channel.id())]).await.unwrap().is_empty());
    let cursor = snowflake_at(ago(5));
    store.save_cursor(id(channel.id()), cursor, Utc::now()).await.unwrap();
    assert_eq!(run(&home, &backfill).await.status.code(), Some(0));
    assert_eq!(store.cursors(&[id(channel.id())]).await.unwrap()[&id(channel.id())].message, cursor);
    assert!(store.order("READ-1").await.unwrap().is_some());
    assert!(store.order("GAP-1").await.unwrap().is_none());
    // A backfill that starts before the cursor moves it.
    let since = ago(6).format("%F").to_string();
    let backfill = ["discord", "backfill", "--channel", &channel_id, "--since", &since];
    assert_eq!(run(&home, &backfill).await.status.code(), Some(0));
    let moved = store.cursors(&[id(channel.id())]).await.unwrap()[&id(channel.id())].message;
    assert_eq!(snowflake_time(moved), snowflake_time(id(read)));
    assert!(store.order("GAP-1").await.unwrap().is_some());
}

#[tokio::test]
async fn backfill_reads_one_thread_or_all_threads_of_a_forum() {
    let discord = Discord::start().await;
    let guild = discord.guild("Buyers");
    let forum = guild.forum("orders");
    let hook = forum.webhook("Refract");
    let home = home(&discord, &forum, "");
    let at = Utc::now() - TimeDelta::days(40);
    let threads = ["FORUM-1", "FORUM-2"].map(|number| {
        let (thread, draft) = forum.forum_draft(&hook, number, card(number, "$1.00"), Some(at));
        draft.silently().post();
        thread
    });
    threads[1].archive_silently(at + TimeDelta::days(1));
    let since = (at - TimeDelta::days(1)).format("%F").to_string();
    let backfill = async |channel: u64| {
        let channel = channel.to_string();
        run(&home, &["discord", "backfill", "--channel", &channel, "--since", &since]).await
    };
    let one = backfill(threads[0].id()).await;
    assert!(out(&one).contains("1 messages read: 1 orders created"), "{} {}", out(&one), err(&one));
    let all = backfill(forum.id()).await;
    assert!(out(&all).contains("2 messages read: 1 orders created"), "{} {}", out(&all), err(&all));
    let theirs = guild.channel("general").thread("theirs");
    let refused = backfill(theirs.id()).await;
    assert!(
        err(&refused).contains("is not in the configuration, so ROMS does not know"),
        "{}",
        err(&refused)
    );
    assert!(discord.unknown_requests().is_empty(), "{:?}", discord.unknown_requests());
}
