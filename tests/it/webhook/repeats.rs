//! Repeated messages, and old messages that arrive after newer ones.

use futures_util::future::join_all;
use serde_json::json;

use super::card;
use crate::support::app::App;

#[tokio::test]
async fn the_same_message_sixteen_times_at_once_is_one_order_one_event_and_sixteen_log_rows() {
    let app = App::start().await;

    let replies = join_all((0..16).map(|_| app.post(card("A-1", "")))).await;

    let outcomes = |name: &str| replies.iter().filter(|reply| reply.json["outcome"] == name).count();
    assert_eq!((outcomes("created"), outcomes("duplicate")), (1, 15));
    assert!(replies.iter().all(|reply| reply.status == 200 && reply.json["order_id"] == 1));
    let mut log_ids: Vec<_> = replies.iter().map(|reply| reply.json["log_id"].as_i64().unwrap()).collect();
    log_ids.sort_unstable();
    assert_eq!(log_ids, (1..=16).collect::<Vec<_>>());
    let mut sql = app.sql().await;
    for (table, rows) in [("orders", 1), ("order_events", 1), ("webhook_logs", 16)] {
        assert_eq!(sql.count(table).await, rows, "{table}");
    }
    let created = sql.value("SELECT count(*) FROM webhook_logs WHERE outcome = 'created'").await;
    assert_eq!(created, 1);
}

#[tokio::test]
async fn different_messages_about_one_order_at_once_lose_nothing() {
    let app = App::start().await;

    let bodies = (0..32).map(|at| format!("Order Number\nA-1\nProduct\nThing\nLabel {at}\nvalue {at}\n"));
    let replies = join_all(bodies.map(|body| app.post(body))).await;

    assert!(replies.iter().all(|reply| reply.status == 200));
    let created = replies.iter().filter(|reply| reply.json["outcome"] == "created").count();
    assert_eq!(created, 1);
    let mut sql = app.sql().await;
    assert_eq!(sql.count("orders").await, 1);
    let events = sql.value("SELECT count(*) FROM order_events WHERE event_type = 'created'").await;
    assert_eq!(events, 1);
}

#[tokio::test]
async fn a_repeated_old_body_does_not_overwrite_newer_values() {
    let app = App::start().await;
    let old = card("A-1", "Status\npending\nNotes\nfirst\n");
    app.stored(&[&old, "Order Number\nA-1\nStatus\nshipped\nPrice\n$5.00\nNotes\nsecond\n"]).await;
    let mut sql = app.sql().await;
    let before = sql.rows("SELECT * FROM orders").await;

    let reply = app.post(old).await;

    assert_eq!(sql.rows("SELECT * FROM orders").await, before);
    assert_eq!((reply.status, &reply.json["outcome"]), (200, &json!("duplicate")));
    assert_eq!((sql.count("order_events").await, sql.count("webhook_logs").await), (2, 3));
}

#[tokio::test]
async fn an_older_discord_message_fills_only_empty_columns() {
    let app = App::start().await;
    let message = |at: &str, text: &str| json!({"content": text, "timestamp": at}).to_string();
    app.stored(&[
        &message("2026-01-02T00:00:00Z", "Order Number\nA-1\nStatus\nshipped\n"),
        &message("2026-01-01T00:00:00Z", "Order Number\nA-1\nStatus\npending\nProduct\nThing\n"),
    ])
    .await;

    let order = app.get("/api/v2/orders/A-1").await.json;
    assert_eq!((&order["status"], &order["product"]), (&json!("shipped"), &json!("Thing")));
    assert_eq!(order["newest_message_at"], "2026-01-02T00:00:00Z");
}

#[tokio::test]
async fn a_repeated_success_does_not_revive_a_cancelled_order() {
    let app = App::start().await;
    let success = card("A-1", "");
    app.stored(&[
        &success,
        "Order Number\nA-1\nStatus\nCanceled\n",
        &success,
        &card("A-1", "Profile\nother\n"),
    ])
    .await;
    assert_eq!(app.get("/api/v2/orders/A-1").await.json["status"], "cancelled");
}
