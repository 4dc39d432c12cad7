//! `/backfill`: counts, progress, and refusals.

use std::time::Duration;

use chrono::{TimeDelta, Utc};

use super::stage::{Stage, is_private, text_of};
use crate::support::bot::card;
use crate::support::discord::Fault;
use crate::watching::stage::id;

#[tokio::test]
async fn a_backfill_reports_counts() {
    let stage = Stage::new().await;
    stage.order("TGT-900", "$10.00").await;
    // Older than what the first start reads.
    for number in 1..=3 {
        let at = Utc::now() - TimeDelta::days(20) + TimeDelta::minutes(number);
        stage.hook.draft(card(&format!("OLD-{number}"), "$10.00")).at(at).silently().post();
    }
    let since = (Utc::now() - TimeDelta::days(25)).date_naive().to_string();
    let (mention, id) = (format!("<#{}>", stage.channel.id()), stage.channel.id().to_string());
    for (channel, since, created) in
        [("#checkouts", "1 day", 0), (mention.as_str(), since.as_str(), 3), (id.as_str(), "30 days", 0)]
    {
        let asked = stage.slash(&stage.admin, "backfill", &[("channel", channel), ("since", since)]);
        assert_eq!(asked.callback().await["type"], 5);
        let reply = asked.until_reply("counts", |reply| text_of(reply).contains("messages read")).await;
        let text = text_of(&reply);
        assert!(is_private(&reply));
        assert!(text.contains(&format!("created: {created}")) && text.contains("`checkouts`"), "{text}");
    }
    assert_eq!(stage.bot.orders().await, 4);
    assert!(stage.bot.order("OLD-2").await.is_some());
    stage.end(0).await;
}

#[tokio::test]
async fn progress_is_shown_and_a_second_backfill_of_the_channel_is_refused() {
    let stage = Stage::new().await;
    let month = Utc::now() - TimeDelta::days(20);
    for number in 0..150 {
        let at = month + TimeDelta::seconds(number);
        stage.hook.draft(card(&format!("OLD-{number}"), "$10.00")).at(at).silently().post();
    }
    let history = format!("/channels/{}/messages", stage.channel.id());
    stage.discord.fail("GET", &history, Fault::Late(Duration::from_secs(3)), 1000);
    let options = [("channel", "checkouts"), ("since", "25 days")];
    let asked = stage.slash(&stage.admin, "backfill", &options);
    asked.callback().await;
    let second = stage.ask(&stage.owner.clone().with_roles(&stage.roles[2..]), "backfill", &options).await;
    assert!(text_of(&second).contains("is already being read"), "{}", text_of(&second));
    let progress = asked.until_reply("progress", |reply| text_of(reply).contains("so far")).await;
    assert!(text_of(&progress).contains("100 messages so far"), "{}", text_of(&progress));
    stage.discord.heal();
    // Discord rejects some of the progress updates.
    stage.discord.fail("PATCH", "/webhooks/*/*/messages/@original", Fault::Status(500), 2);
    let done = asked.until_reply("counts", |reply| text_of(reply).contains("messages read")).await;
    assert!(
        text_of(&done).contains("150 messages read") && text_of(&done).contains("created: 150"),
        "{}",
        text_of(&done)
    );
    assert_eq!(done.message, progress.message, "it is the same answer");
    let again = stage.slash(&stage.admin, "backfill", &options);
    let again = again.until_reply("counts", |reply| text_of(reply).contains("messages read")).await;
    assert!(text_of(&again).contains("already known: 150"), "{}", text_of(&again));
    stage.end(0).await;
}

#[tokio::test]
async fn an_unwatched_channel_and_an_unreadable_date_are_refused() {
    let stage = Stage::new().await;
    let other = stage.guild.channel("general");
    let other = format!("<#{}>", other.id());
    for (channel, since, why) in [
        (other.as_str(), "1 day", "does not watch that channel"),
        ("@everyone", "1 day", "does not watch that channel"),
        ("checkouts", "yesterday-ish", "is neither a date such as"),
        ("checkouts", "2999-01-01", "in the future"),
        ("checkouts", "99999999999999999999 days", "is neither a date such as"),
    ] {
        let reply = stage.ask(&stage.admin, "backfill", &[("channel", channel), ("since", since)]).await;
        assert!(text_of(&reply).contains(why), "{channel} {since}: {}", text_of(&reply));
        assert!(is_private(&reply));
    }
    let choices = stage.complete_option(&stage.admin, "backfill", "channel", "#check").await;
    assert_eq!(choices, [("checkouts".to_owned(), stage.channel.id().to_string())]);
    stage.end(0).await;
}

#[tokio::test]
async fn an_unreadable_channel_is_reported_without_internals() {
    let stage = Stage::new().await;
    stage.discord.fail("GET", &format!("/channels/{}/messages", stage.channel.id()), Fault::Forbidden, 1000);
    let asked = stage.slash(&stage.admin, "backfill", &[("channel", "checkouts"), ("since", "1 day")]);
    let text = text_of(&asked.answer().await);
    assert!(!text.contains("messages read") && !text.contains("http"), "{text}");
    stage.discord.heal();
    let asked = stage.slash(&stage.admin, "backfill", &[("channel", "checkouts"), ("since", "1 day")]);
    asked.until_reply("counts", |reply| text_of(reply).contains("messages read")).await;
    stage.end(0).await;
}

#[tokio::test]
async fn a_backfill_reads_the_threads_of_a_channel_or_one_thread() {
    let mut stage = Stage::before().await;
    let forum = stage.guild.forum("orders");
    let hook = forum.webhook("Refract");
    let channels = &mut stage.config().discord.channels;
    let section =
        roms::config::Channel { id: id(forum.id()), name: "orders".to_owned(), ..channels[0].clone() };
    channels.push(section);
    stage.begin().await;
    // Older than what the first start reads.
    let post = |name: &str, days| {
        let at = Utc::now() - TimeDelta::days(days);
        let (thread, draft) = forum.forum_draft(&hook, name, card(name, "$10.00"), Some(at));
        draft.silently().post();
        thread
    };
    let (one, two, ancient) = (post("THREAD-1", 20), post("THREAD-2", 21), post("THREAD-3", 50));
    two.archive_silently(Utc::now() - TimeDelta::days(19));
    ancient.archive_silently(Utc::now() - TimeDelta::days(49));
    let run = async |channel: &str| {
        let asked = stage.slash(&stage.admin, "backfill", &[("channel", channel), ("since", "25 days")]);
        let reply = asked.until_reply("counts", |reply| text_of(reply).contains("messages read")).await;
        text_of(&reply)
    };
    let text = run(&format!("<#{}>", one.id())).await;
    assert!(
        text.contains("created: 1") && text.contains(&format!("`orders, thread {}`", one.id())),
        "{text}"
    );
    let text = run("orders").await;
    assert!(text.contains("2 messages read. Orders created: 1,"), "{text}");
    assert!(stage.bot.order("THREAD-2").await.is_some() && stage.bot.order("THREAD-3").await.is_none());
    let other = stage.guild.channel("general").thread("theirs");
    let mention = format!("<#{}>", other.id());
    let reply = stage.ask(&stage.admin, "backfill", &[("channel", &mention), ("since", "1 day")]).await;
    assert!(text_of(&reply).contains("does not watch that channel"), "{}", text_of(&reply));
    stage.end(0).await;
}
