//! The database refuses a message, or is locked by another program.

use std::time::Duration;

use chrono::Utc;
use futures_util::{StreamExt, stream::FuturesUnordered};
use reqwest::Client;
use roms::card::message::Message;
use roms::card::outcome::{Outcome, RejectionCode};
use roms::feed::Feed;
use roms::http;
use roms::http::AppState;
use roms::ingest::{Bounds, Ingest, SubmitError};
use roms::store::Store;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::support::{
    app::{App, ORDERS, soon, until},
    edge::Log,
    home::Home,
};

fn card(number: &str) -> String {
    format!("Order Number\n{number}\nPrice\n$9.99\n")
}

#[tokio::test]
async fn one_bad_message_of_a_batch_fails_alone_and_leaves_its_log_row() {
    let home = Home::new();
    let config = home.config("");
    let store = Store::open(&config.database.url).await.unwrap();
    let mut sql = home.sql().await;
    sql.reject_orders("INSERT", "NEW.order_number = 'BAD'").await;
    let feed = Feed::new(64);
    let mut changes = feed.subscribe();
    let (ingest, writer) = Ingest::start(store.clone(), feed, config.orders.clone());

    // While another program holds the lock, all of these wait and become one batch.
    sql.lock().await;
    let numbers: Vec<String> =
        (0..40).map(|at| if at == 17 { "BAD".to_owned() } else { format!("A-{at}") }).collect();
    let mut pending = Vec::new();
    for number in &numbers {
        let message = Message::from_payload(&card(number), "/test", Utc::now());
        pending.push(ingest.enqueue(message).await.unwrap());
    }
    sql.unlock().await;

    for (number, pending) in numbers.iter().zip(pending) {
        let receipt = soon(pending.receipt()).await.unwrap();
        let done = &receipt.cards[0];
        if number == "BAD" {
            let Outcome::Rejected(why) = &done.outcome else { panic!("{done:?}") };
            assert_eq!((why.code, &done.order), (RejectionCode::NotStored, &None));
            assert!(!why.detail.contains("please"), "the cause stays inside");
        } else {
            assert_eq!(done.outcome, Outcome::Created, "{number}");
            let id = sql.value(&format!("SELECT id FROM orders WHERE order_number = '{number}'")).await;
            assert_eq!(done.order.as_ref().map(|(id, _)| *id), id.as_i64());
        }
        let log = sql
            .rows(&format!(
                "SELECT outcome, code, payload FROM webhook_logs WHERE id = {}",
                receipt.log_id.unwrap()
            ))
            .await;
        let (outcome, code) =
            if number == "BAD" { ("rejected", json!("not_stored")) } else { ("created", Value::Null) };
        assert_eq!(json!(log), json!([{"outcome": outcome, "code": code, "payload": card(number)}]));
    }
    for (table, rows) in [("orders", 39), ("order_events", 39), ("webhook_logs", 40)] {
        assert_eq!(sql.count(table).await, rows, "{table}");
    }
    for _ in 0..39 {
        assert!(changes.try_recv().unwrap().created);
    }
    assert!(changes.try_recv().is_err(), "nothing is published that was not stored");
    ingest.close();
    soon(writer).await.unwrap();
}

#[tokio::test]
async fn a_refused_message_is_answered_with_500_and_may_be_sent_again() {
    let app = App::start().await;
    let mut sql = app.sql().await;
    sql.reject_orders("INSERT", "NEW.order_number = 'BAD'").await;

    let reply = app.post(card("BAD")).await;
    assert_eq!((reply.status, &reply.json["code"]), (500, &json!("not_stored")), "{}", reply.text);
    assert_eq!(reply.json["log_id"], 1);
    assert!(!reply.text.contains("please"), "{}", reply.text);

    sql.accept_all_orders().await;
    let again = app.post(card("BAD")).await;
    assert_eq!((again.status, &again.json["outcome"]), (200, &json!("created")));
}

#[tokio::test]
async fn a_database_that_is_locked_too_long_is_answered_with_503_and_recovers() {
    let app = App::start().await;
    let mut sql = app.sql().await;
    sql.lock().await;

    let refused = app.post(card("A-1")).await;

    assert_eq!(
        (refused.status, &refused.json["code"]),
        (503, &json!("storage_unavailable")),
        "{}",
        refused.text
    );
    assert_eq!(refused.header("retry-after"), "5");
    assert!(!refused.text.contains("locked"), "{}", refused.text);
    assert_eq!(app.get("/api/v2/orders").await.json["total"], 0, "reads go on");
    let health = app.get("/health").await;
    assert_eq!((health.status, &health.json["status"]), (503, &json!("unhealthy")));
    sql.unlock().await;
    for table in ["orders", "order_events", "webhook_logs"] {
        assert_eq!(sql.count(table).await, 0, "{table}");
    }
    // The writer probes the database, so that health recovers without a message.
    until("health recovers", async || app.get("/health").await.json["status"] == "healthy").await;
    let again = app.post(card("A-1")).await;
    assert_eq!((again.status, &again.json["outcome"]), (200, &json!("created")));
}

#[tokio::test]
async fn a_full_queue_is_answered_with_503_and_loses_nothing_that_it_accepted() {
    let home = Home::new();
    let config = home.config("");
    let store = Store::open(&config.database.url).await.unwrap();
    let mut sql = home.sql().await;
    let feed = Feed::new(64);
    let bounds = Bounds { queue: 4, ..Bounds::default() };
    let (ingest, writer) = Ingest::start_with(store.clone(), feed.clone(), config.orders.clone(), bounds);
    let state = AppState::new(ingest.clone(), store, feed, config.orders.timezone);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}{ORDERS}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let server = tokio::spawn(http::serve(listener, state, stop.clone()));

    // The writer holds at most four messages while it waits for the lock, and four more fill the queue.
    sql.lock().await;
    let client = Client::builder().no_proxy().build().unwrap();
    let mut replies: FuturesUnordered<_> =
        (0..20).map(|at| client.post(&url).body(card(&format!("A-{at}"))).send()).collect();
    for _ in 0..12 {
        let reply = soon(replies.next()).await.unwrap().unwrap();
        assert_eq!((reply.status().as_u16(), &reply.headers()["retry-after"]), (503, &"1".parse().unwrap()));
        assert_eq!(reply.json::<Value>().await.unwrap()["code"], "busy");
    }
    sql.unlock().await;

    let mut taken = 0;
    while let Some(reply) = soon(replies.next()).await {
        taken += u64::from(reply.unwrap().status() == 200);
    }
    assert!((4..=8).contains(&taken), "{taken}");
    assert_eq!(sql.count("orders").await, taken);
    let again = client.post(&url).body(card("A-0")).send().await.unwrap();
    assert_eq!(again.status(), 200);
    stop.cancel();
    soon(server).await.unwrap();
    ingest.close();
    soon(writer).await.unwrap();
}

#[tokio::test]
async fn the_log_reminds_of_an_outage_that_lasts() {
    let home = Home::new();
    let config = home.config("");
    let store = Store::open(&config.database.url).await.unwrap();
    let mut sql = home.sql().await;
    for (reminder_interval, reminders) in [(Duration::from_mins(1), 0), (Duration::ZERO, 2)] {
        let (log, _listening) = Log::listen();
        let bounds = Bounds { reminder_interval, ..Bounds::default() };
        let (ingest, writer) =
            Ingest::start_with(store.clone(), Feed::new(64), config.orders.clone(), bounds);
        sql.run("ALTER TABLE webhook_logs RENAME TO away").await;
        for _ in 0..3 {
            let message = Message::from_payload(&card("A-1"), "/test", Utc::now());
            assert_eq!(soon(ingest.submit(message)).await, Err(SubmitError::Storage));
        }
        assert_eq!(log.count("the database does not accept messages"), 1, "{}", log.text());
        assert_eq!(log.count("the database still does not accept messages"), reminders, "{}", log.text());
        sql.run("ALTER TABLE away RENAME TO webhook_logs").await;
        log.until("the database accepts messages again").await;
        ingest.close();
        soon(writer).await.unwrap();
    }
}
