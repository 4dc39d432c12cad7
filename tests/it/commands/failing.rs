//! Failures: the caller reads an id, and the log has the cause under that id.

use std::time::Duration;

use super::stage::{Stage, is_private, text_of};
use crate::support::discord::Fault;
use crate::support::discord::interactions::Reply;
use crate::support::sql::Sql;

/// Words that appear only in the database's own errors.
const CAUSES: [&str; 6] = ["sql", "table", "orders.", "locked", "disk", "/tmp"];

async fn database(stage: &Stage) -> Sql {
    stage.bot.sql().await
}

/// Checks that the answer has an id and no cause, and that the log has the cause under that id.
fn assert_failed(stage: &Stage, reply: &Reply, what: &str) {
    let text = text_of(reply);
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
async fn a_database_failure_is_reported_without_its_cause() {
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
        ("export", &[]),
        ("stats", &[]),
        ("cancel", &[("number", "TGT-900")]),
        ("logs", &[]),
        ("replay", &[]),
    ] {
        let asked = stage.slash(&stage.admin, name, options);
        assert_eq!(asked.callback().await["type"], 5, "/{name} is deferred before the database is read");
        assert_failed(&stage, &asked.answer().await, name);
    }
    // A modal cannot be deferred, nor can the error in its place.
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
    assert_eq!(stage.complete(&stage.admin, "order", "tgt").await, [], "no choices instead of an error");
    let status = text_of(&stage.ask(&stage.admin, "status", &[]).await);
    assert!(status.contains("something is wrong") || status.contains("unknown"), "{status}");
    let help = text_of(&stage.ask(&stage.admin, "help", &[]).await);
    assert!(help.contains("/order"), "{help}");

    for table in ["orders", "webhook_logs", "order_events", "order_sums", "discord_views"] {
        sql.run(&format!("ALTER TABLE {table}_gone RENAME TO {table}")).await;
    }
    let again = stage.ask(&stage.admin, "order", &[("number", "TGT-900")]).await;
    assert!(text_of(&again).contains("TGT-900"), "it works again: {}", text_of(&again));
    stage.end(0).await;
}

#[tokio::test]
async fn a_failed_change_is_reported_and_changes_nothing() {
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
    stage.press_and_update(&stage.manager, &question, "Cancel the order").await;
    assert_eq!(stage.bot.order("TGT-900").await.unwrap().fields.status, Some(roms::order::Status::Cancelled));
    stage.end(0).await;
}

#[tokio::test]
async fn answers_are_deferred_while_the_database_is_locked() {
    let stage = Stage::new().await;
    stage.order("TGT-900", "$10.00").await;
    let question = stage.ask(&stage.manager, "cancel", &[("number", "TGT-900")]).await;
    let mut sql = database(&stage).await;
    sql.lock().await;
    let pressed = stage.press(&stage.manager, &question, "Cancel the order");
    let listed = stage.slash(&stage.manager, "orders", &[]);
    assert_eq!(pressed.callback().await["type"], 6);
    assert_eq!(listed.callback().await["type"], 5);
    // Readers do not wait for the writer.
    let order = stage.ask(&stage.viewer, "order", &[("number", "TGT-900")]).await;
    assert!(text_of(&order).contains("verified"), "{}", text_of(&order));
    sql.unlock().await;
    assert!(text_of(&pressed.update().await).contains("is cancelled"));
    listed.answer().await;
    stage.end(0).await;
}

#[tokio::test]
async fn a_temporary_discord_failure_is_retried() {
    let stage = Stage::new().await;
    stage.order("TGT-900", "$10.00").await;
    stage.discord.fail("POST", "/interactions/*/*/callback", Fault::Status(503), 1);
    stage.discord.fail("PATCH", "/webhooks/*/*/messages/@original", Fault::Status(500), 2);
    let order = stage.ask(&stage.manager, "order", &[("number", "TGT-900")]).await;
    assert!(text_of(&order).contains("Example Console"), "{}", text_of(&order));
    let question = stage.ask(&stage.manager, "cancel", &[("number", "TGT-900")]).await;
    stage.discord.fail("PATCH", "/webhooks/*/*/messages/@original", Fault::Status(500), 1);
    let done = stage.press_and_update(&stage.manager, &question, "Cancel the order").await;
    assert!(text_of(&done).contains("is cancelled"), "{}", text_of(&done));
    stage.end(0).await;
}

#[tokio::test]
async fn an_expired_interaction_is_only_logged() {
    let stage = Stage::new().await;
    stage.order("TGT-900", "$10.00").await;
    let history = format!("/channels/{}/messages", stage.channel.id());
    stage.discord.fail("GET", &history, Fault::Late(Duration::from_secs(2)), 1);
    let asked = stage.slash(&stage.admin, "backfill", &[("channel", "checkouts"), ("since", "1 day")]);
    asked.callback().await;
    asked.age(Duration::from_mins(16));
    let is_logged = |_: &serde_json::Value| stage.log.count("command failed") == 1;
    stage.bot.until("/health", "it is logged", is_logged).await;
    assert!(asked.replies().is_empty());
    stage.ask(&stage.viewer, "order", &[("number", "TGT-900")]).await;
    stage.end(0).await;
}
