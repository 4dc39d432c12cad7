//! `Idempotency-Key`: the same key and body give the first answer again.

use reqwest::Method;
use serde_json::json;

use super::{Link, post};
use crate::support::app::{App, ORDERS, Reply};

async fn send(app: &App, path: &str, key: &str, body: &'static str) -> Reply {
    app.request(Method::POST, path, &[("idempotency-key", key)], body).await
}

const CARD: &str = "Order Number\nA-1\nStatus\npending\n";

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_also_after_a_restart() {
    let app = App::start().await;
    let first = send(&app, ORDERS, "k-1", CARD).await;
    assert_eq!((first.status, &first.json["outcome"]), (200, &json!("created")));
    let lost = send(&app, ORDERS, "k-2", "Successful Checkout | Store\nProduct\nThing\n").await;
    assert_eq!(lost.status, 422);
    app.stored(&["Order Number\nA-1\nStatus\nshipped\n"]).await;

    let home = app.stop().await;
    let app = App::start_in(home, "").await;
    let again = send(&app, ORDERS, "k-1", CARD).await;
    assert_eq!((again.status, &again.json), (200, &first.json));
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.header("content-type"), "application/json");
    let lost_again = send(&app, ORDERS, "k-2", "Successful Checkout | Store\nProduct\nThing\n").await;
    assert_eq!((lost_again.status, &lost_again.json["log_id"]), (422, &lost.json["log_id"]));
    assert_eq!(app.sql().await.count("webhook_logs").await, 3, "a repetition leaves no row");
    assert_eq!(app.get("/api/v2/orders/A-1").await.json["status"], "shipped");
}

#[tokio::test]
async fn a_key_with_another_body_is_refused_and_each_sender_has_its_own_keys() {
    let app = App::start().await;
    assert_eq!(send(&app, ORDERS, "k", CARD).await.status, 200);
    let other = send(&app, ORDERS, "k", "Order Number\nA-2\n").await;
    assert_eq!((other.status, &other.json["code"]), (422, &json!("idempotency_key_reused")));
    assert_eq!(app.sql().await.count("orders").await, 1);
    let link = Link::create(app.home(), "refract").await;
    let own = send(&app, &link.v2(), "k", "Order Number\nA-2\n").await;
    assert_eq!((own.status, &own.json["outcome"]), (200, &json!("created")), "{}", own.text);

    for key in ["", &"x".repeat(256)] {
        let reply = send(&app, ORDERS, key, CARD).await;
        assert_eq!((reply.status, &reply.json["code"]), (400, &json!("bad_parameter")), "{key}");
    }
    assert_eq!(post(&app, ORDERS, CARD).await.json["outcome"], "duplicate", "without a key");
    let stored = json!(app.sql().await.rows("SELECT id FROM idempotency_keys").await).to_string();
    assert!(!stored.contains("\"k\""), "{stored}");
}

#[tokio::test]
async fn a_request_that_is_being_processed_keeps_its_key_until_its_process_must_have_ended() {
    let app = App::start().await;
    assert_eq!(send(&app, ORDERS, "k", CARD).await.status, 200);
    let mut sql = app.sql().await;
    sql.run("UPDATE idempotency_keys SET status = NULL, answer = NULL").await;
    let early = send(&app, ORDERS, "k", CARD).await;
    assert_eq!((early.status, &early.json["code"]), (409, &json!("idempotency_key_in_use")));
    assert_eq!(early.header("retry-after"), "1");
    let long_ago = "UPDATE idempotency_keys SET created_at = '2020-01-31 00:00:00+00:00'";
    sql.run(long_ago).await;
    assert_eq!(send(&app, ORDERS, "k", CARD).await.json["outcome"], "duplicate", "processed again");
    // An answer is kept for a day.
    sql.run(long_ago).await;
    assert_eq!(send(&app, ORDERS, "k", "Order Number\nA-2\n").await.json["outcome"], "created");
    assert_eq!(sql.count("idempotency_keys").await, 1);
}
