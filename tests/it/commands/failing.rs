//! When something fails: a short text with an id that is in the log, and no word of the cause.

use std::time::Duration;

use super::stage::{Stage, is_private, said};
use crate::support::discord::Fault;
use crate::support::discord::interactions::Reply;
use crate::support::sql::Sql;

/// Words that only the database would say.
const CAUSES: [&str; 6] = ["sql", "table", "orders.", "locked", "disk", "/tmp"];

async fn database(stage: &Stage) -> Sql {
    stage.bot.sql().await
}

/// The answer gives an id and no cause; the log has the cause under that id.
fn assert_failed(stage: &Stage, reply: &Reply, what: &str) {
    let text = said(reply);
    assert!(is_private(reply), "{what}");
    let id = text.split('`').nth(1).unwrap_or_else(|| panic!("{what}: no id in {text}"));
    assert!(id.len() == 8 && id.chars().all(|c| c.is_ascii_hexdigit()), "{what}: {text}");
    assert!(!CAUSES.iter().any(|cause| text.to_lowercase().contains(cause)), "{what}: {text}");
    let log = stage.log.text();
    let line =
        log.lines().find(|line| line.contains(id)).unwrap_or_else(|| panic!("{what}: {id} not in {log}"));
    assert!(line.contains("ERROR"), "{line}");
}

#[tokio::test]
async fn a_database_that_fails_is_told_of_without_its_reasons() {
    let stage = Stage::new().await;
    stage.order("TGT-900", "$10.00").await;
    let order = stage.ask(&stage.admin, "order", &[("number", "TGT-900")]).await;
    let list = stage.ask(&stage.admin, "orders", &[]).await;
    let modal = stage.slash(&stage.admin, "edit", &[("number", "TGT-900")]);
    modal.callback().await;
    let mut sql = database(&stage).await;
    for table in ["orders", "webhook_logs", "order_events", "order_sums", "discord_views"] {
        sql.run(&format!("ALTER TABLE {table} RENAME TO {table}_gone")).await;
    }
    for (name, options) in [
        ("order", &[("number", "TGT-900")][..]),
        ("orders", &[]),
        ("stats", &[]),
        ("cancel", &[("number", "TGT-900")]),
        ("logs", &[]),
        ("replay", &[]),
    ] {
        let asked = stage.slash(&stage.admin, name, options);
        assert_eq!(asked.callback().await["type"], 5, "/{name} is put off before the database is asked");
        assert_failed(&stage, &asked.answer().await, name);
    }
    // A modal cannot be put off, nor can what is said in place of one.
    let edit = stage.slash(&stage.admin, "edit", &[("number", "TGT-900")]);
    assert_failed(&stage, &edit.answer().await, "edit");
    for label in ["History", "Share"] {
        let pressed = stage.press(&stage.admin, &order, label);
        assert_eq!(pressed.callback().await["type"], 6, "{label}");
        assert_failed(&stage, &pressed.until_reply("a failure", |_| true).await, label);
    }
    assert_failed(&stage, &stage.choose(&stage.admin, &list, "TGT-900").answer().await, "the select");
    let saved = stage.submit(&stage.admin, &modal, None, &[("status", "shipped")]).await;
    assert_eq!(saved.callback().await["type"], 5);
    assert_failed(&stage, &saved.answer().await, "the modal");
    let message = stage.channel.messages()[0]["id"].as_str().unwrap().parse().unwrap();
    let menu = stage.admin.menu(&stage.channel, "Show order", message);
    assert_eq!(menu.callback().await["type"], 5);
    assert_failed(&stage, &menu.answer().await, "Show order");
    assert_eq!(stage.complete(&stage.admin, "order", "tgt").await, [], "no choices rather than an error");
    let status = said(&stage.ask(&stage.admin, "status", &[]).await);
    assert!(status.contains("Something is wrong") || status.contains("not known"), "{status}");
    let help = said(&stage.ask(&stage.admin, "help", &[]).await);
    assert!(help.contains("/order"), "{help}");

    for table in ["orders", "webhook_logs", "order_events", "order_sums", "discord_views"] {
        sql.run(&format!("ALTER TABLE {table}_gone RENAME TO {table}")).await;
    }
    let again = stage.ask(&stage.admin, "order", &[("number", "TGT-900")]).await;
    assert!(said(&again).contains("TGT-900"), "it works again: {}", said(&again));
    stage.end(0).await;
}

#[tokio::test]
async fn a_change_that_cannot_be_stored_says_so_and_changes_nothing() {
    let stage = Stage::new().await;
    let before = stage.order("TGT-900", "$10.00").await;
    let question = stage.ask(&stage.manager, "cancel", &[("number", "TGT-900")]).await;
    let modal = stage.slash(&stage.manager, "edit", &[("number", "TGT-900")]);
    modal.callback().await;
    let mut sql = database(&stage).await;
    sql.run("ALTER TABLE order_events RENAME TO order_events_gone").await;
    let saved = stage.submit(&stage.manager, &modal, None, &[("notes", "x")]).await.answer().await;
    assert_failed(&stage, &saved, "edit");
    let pressed = stage.press(&stage.manager, &question, "Cancel the order");
    assert_failed(&stage, &pressed.until_reply("a failure", |_| true).await, "cancel");
    sql.run("ALTER TABLE order_events_gone RENAME TO order_events").await;
    assert_eq!(stage.bot.order("TGT-900").await.unwrap(), before);
    // The button still works.
    stage.turn(&stage.manager, &question, "Cancel the order").await;
    assert_eq!(stage.bot.order("TGT-900").await.unwrap().fields.status, Some(roms::order::Status::Cancelled));
    stage.end(0).await;
}

#[tokio::test]
async fn while_the_database_is_held_answers_are_put_off_and_come_when_it_is_free() {
    let stage = Stage::new().await;
    stage.order("TGT-900", "$10.00").await;
    let question = stage.ask(&stage.manager, "cancel", &[("number", "TGT-900")]).await;
    let mut sql = database(&stage).await;
    sql.lock().await;
    let pressed = stage.press(&stage.manager, &question, "Cancel the order");
    let listed = stage.slash(&stage.manager, "orders", &[]);
    assert_eq!(pressed.callback().await["type"], 6);
    assert_eq!(listed.callback().await["type"], 5);
    // Who only reads does not wait for who writes.
    let order = stage.ask(&stage.viewer, "order", &[("number", "TGT-900")]).await;
    assert!(said(&order).contains("verified"), "{}", said(&order));
    sql.unlock().await;
    assert!(said(&pressed.update().await).contains("is cancelled"));
    listed.answer().await;
    stage.end(0).await;
}

#[tokio::test]
async fn when_discord_fails_for_a_moment_the_answer_still_comes() {
    let stage = Stage::new().await;
    stage.order("TGT-900", "$10.00").await;
    stage.discord.fail("POST", "/interactions/*/*/callback", Fault::Status(503), 1);
    stage.discord.fail("PATCH", "/webhooks/*/*/messages/@original", Fault::Status(500), 2);
    let order = stage.ask(&stage.manager, "order", &[("number", "TGT-900")]).await;
    assert!(said(&order).contains("Example Console"), "{}", said(&order));
    let question = stage.ask(&stage.manager, "cancel", &[("number", "TGT-900")]).await;
    stage.discord.fail("PATCH", "/webhooks/*/*/messages/@original", Fault::Status(500), 1);
    let done = stage.turn(&stage.manager, &question, "Cancel the order").await;
    assert!(said(&done).contains("is cancelled"), "{}", said(&done));
    stage.end(0).await;
}

#[tokio::test]
async fn an_answer_that_discord_takes_no_more_harms_nobody() {
    let stage = Stage::new().await;
    stage.order("TGT-900", "$10.00").await;
    let history = format!("/channels/{}/messages", stage.channel.id());
    stage.discord.fail("GET", &history, Fault::Late(Duration::from_secs(2)), 1);
    let asked = stage.slash(&stage.admin, "backfill", &[("channel", "checkouts"), ("since", "1 day")]);
    asked.callback().await;
    asked.age(Duration::from_mins(16));
    let told = |_: &serde_json::Value| stage.log.count("a command failed") == 1;
    stage.bot.until("/health", "it is logged", told).await;
    assert!(asked.replies().is_empty());
    stage.ask(&stage.viewer, "order", &[("number", "TGT-900")]).await;
    stage.end(0).await;
}
