//! Edits and deletions that no event reported are found in the history after a break.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use roms::discord::Timing;
use roms::order::Status;
use tokio::time::{interval, timeout};

use super::stage::{Stage, cancelled, id, price, watched};
use crate::support::bot::{card, timing};
use crate::support::discord::permissions::READ_MESSAGE_HISTORY;

/// Posts a card that is six hours old, and waits until it is stored and the history is read past it.
async fn old_card(stage: &Stage, number: &str) -> u64 {
    let six_hours_ago = Utc::now() - TimeDelta::hours(6);
    let message = stage.hook.draft(card(number, "$10.00")).at(six_hours_ago).post();
    stage.bot.until_order(number, |_| true).await;
    stage.mark().await;
    stage.read_again().await;
    message
}

#[tokio::test]
async fn an_old_card_edited_to_cancelled_during_a_stop_is_found() {
    let mut stage = Stage::new().await;
    let message = old_card(&stage, "CANCEL-1").await;
    stage.bot.stop().await.unwrap();
    stage.channel.edit(message, cancelled("CANCEL-1"));
    stage.start().await;
    let order =
        stage.bot.until_order("CANCEL-1", |order| order.fields.status == Some(Status::Cancelled)).await;
    stage.channel.until_reaction(message, "🔄").await;
    assert_eq!(stage.events_of(&order).await.len(), 2);
    stage.end().await;
}

#[tokio::test]
async fn an_old_card_edited_without_a_session_is_found() {
    let stage = Stage::new().await;
    let message = old_card(&stage, "LOST-1").await;
    stage.discord.gateway().invalidate(false);
    stage.channel.edit(message, card("LOST-1", "$12.00"));
    stage.bot.until_order("LOST-1", |order| price(order) == Some(1200)).await;
    stage.end().await;
}

#[tokio::test]
async fn messages_deleted_during_a_stop_are_marked_and_their_orders_stay() {
    let mut stage = Stage::new().await;
    let old = old_card(&stage, "GONE-OLD").await;
    // More than a page, so that the deleted messages are on different pages.
    let recent: Vec<u64> = (0..120).map(|n| stage.hook.post(card(&format!("GONE-{n}"), "$10.00"))).collect();
    stage.bot.until_orders(123).await;
    stage.read_again().await;
    stage.bot.stop().await.unwrap();
    for message in [old, recent[3], recent[119]] {
        stage.channel.delete(message);
    }
    stage.start().await;
    let marked = |logs: &[roms::store::LogEntry]| logs.iter().filter(|log| log.deleted_at.is_some()).count();
    let logs = stage.bot.until_logs("three are marked", |logs| marked(logs) == 3).await;
    stage.read_again().await;
    assert_eq!(marked(&stage.bot.logs().await), 3);
    let numbers = ["GONE-OLD", "GONE-3", "GONE-119"];
    for number in numbers {
        let order = stage.bot.order(number).await.unwrap();
        assert!(
            logs.iter().any(|log| log.deleted_at.is_some() && log.order_ids.contains(&order.id)),
            "{number}"
        );
    }
    stage.end().await;
}

#[tokio::test]
async fn a_history_that_may_not_be_read_marks_nothing_as_deleted() {
    let mut stage = Stage::new().await;
    old_card(&stage, "HIDDEN-1").await;
    stage.bot.stop().await.unwrap();
    stage.channel.deny(READ_MESSAGE_HISTORY);
    stage.start().await;
    stage.until_listening().await;
    // The recheck finds an empty page, and then asks whether it may read the history.
    let guild = format!("/guilds/{}/members/*", stage.guild.id());
    stage.discord.until_requests("GET", &guild, 3).await;
    stage.mark().await;
    assert!(stage.bot.logs().await.iter().all(|log| log.deleted_at.is_none()));
    stage.end().await;
}

#[tokio::test]
async fn edits_older_than_configured_are_not_looked_for() {
    let mut stage = Stage::before(|_, config| config.channels[0].edits = TimeDelta::hours(3)).await;
    stage.start().await;
    stage.until_listening().await;
    let message = old_card(&stage, "PAST-1").await;
    stage.bot.stop().await.unwrap();
    stage.channel.edit(message, cancelled("PAST-1"));
    stage.start().await;
    stage.until_listening().await;
    stage.mark().await;
    stage.read_again().await;
    assert_eq!(price(&stage.bot.order("PAST-1").await.unwrap()), Some(1000));
    assert_ne!(stage.bot.order("PAST-1").await.unwrap().fields.status, Some(Status::Cancelled));
    assert_eq!(watched(&mut stage.bot.config).channels[0].edits, TimeDelta::hours(3));
    stage.end().await;
}

#[tokio::test]
async fn edits_and_deletions_that_did_not_fit_into_the_queue_are_found() {
    let mut stage = Stage::before(|_, _| {}).await;
    stage.bot.start_again(Timing { history_interval: Duration::from_secs(2), ..timing() }).await;
    stage.until_listening().await;
    let edited = old_card(&stage, "FLOOD-1").await;
    let deleted = old_card(&stage, "FLOOD-2").await;
    let mut sql = stage.bot.sql().await;
    sql.lock().await;
    // More than the channel's queue and the pipeline take while the database is locked.
    for cents in 10..50 {
        for unit in 0..100 {
            stage.channel.edit(edited, card("FLOOD-1", &format!("${cents}.{unit:02}")));
        }
    }
    stage.channel.delete(deleted);
    stage.channel.edit(edited, card("FLOOD-1", "$99.00"));
    stage.until_log("the database does not accept messages").await;
    sql.unlock().await;
    stage.bot.until_order("FLOOD-1", |order| price(order) == Some(9900)).await;
    let endpoint = format!("discord/{}/{}", stage.guild.id(), stage.channel.id());
    let mut polls = interval(Duration::from_millis(20));
    let marked = async {
        while stage.bot.store().logged_messages(&endpoint, 0).await.unwrap().contains(&id(deleted)) {
            polls.tick().await;
        }
    };
    timeout(Duration::from_secs(30), marked).await.expect("the deletion is marked");
    stage.end().await;
}
