//! Two ROMS processes on one PostgreSQL change the same orders at the same time. Run `just test-postgres`.

use std::collections::HashSet;

use futures_util::{StreamExt, stream};
use serde_json::json;

use crate::support::{
    app::{App, Reply},
    home::Home,
};

/// Concurrent senders per ROMS, fewer than it serves.
const SENDERS: usize = 100;

/// Posts cards concurrently and returns the replies in the same order.
async fn post_all(app: &App, cards: impl Iterator<Item = String>) -> Vec<Reply> {
    stream::iter(cards).map(|card| app.post(card)).buffered(SENDERS).collect().await
}

/// Two ROMS on one database, which is deleted with the first.
async fn two() -> [App; 2] {
    let home = Home::postgres();
    let again = home.with_same_database();
    [App::start_in(home, "").await, App::start_in(again, "").await]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server"]
async fn an_order_that_both_receive_at_once_is_created_once_with_the_fields_of_both() {
    let apps = two().await;
    // An address under Profile would also state the e-mail address.
    let cards = |field: &'static str| {
        let domain = if field == "Email" { "@example.com" } else { "" };
        (0..300).map(move |at| format!("Order Number\nRACE-{at}\n{field}\nsomething{}{domain}\n", at % 7))
    };
    // The second posts in reverse order, so that the batches collide.
    let first = post_all(&apps[0], cards("Email"));
    let second = post_all(&apps[1], cards("Profile").rev());
    let third = post_all(&apps[1], cards("Customer Name"));
    let replies = tokio::join!(first, second, third);
    let replies = [replies.0, replies.1, replies.2].concat();
    for reply in &replies {
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    let created = replies.iter().filter(|reply| reply.json["outcome"] == "created").count();
    assert_eq!(created, 300, "exactly one of three replies says that the order is new");

    let mut sql = apps[0].sql().await;
    let whole = "SELECT count(*) FROM orders WHERE email IS NOT NULL AND profile IS NOT NULL AND customer_name IS NOT NULL";
    assert_eq!(sql.value(whole).await, 300);
    assert_eq!(sql.count("orders").await, 300);
    assert_eq!(sql.count("order_events").await, 900);
    assert_eq!(sql.value("SELECT count(*) FROM order_events WHERE event_type = 'created'").await, 300);
    assert_eq!(sql.count("webhook_logs").await, 900);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server"]
async fn a_message_that_both_receive_at_once_is_applied_once() {
    let apps = two().await;
    let cards = || (0..300).map(|at| format!("Order Number\nSAME-{at}\nPrice\n$9.99\n"));
    let (first, second) = tokio::join!(post_all(&apps[0], cards()), post_all(&apps[1], cards()));
    for (one, other) in first.iter().zip(&second) {
        let outcomes: HashSet<_> = [one, other].map(|reply| reply.json["outcome"].as_str().unwrap()).into();
        assert_eq!(outcomes, HashSet::from(["created", "duplicate"]), "{} {}", one.text, other.text);
        assert_eq!(one.json["order_id"], other.json["order_id"]);
    }
    let mut sql = apps[0].sql().await;
    assert_eq!((sql.count("orders").await, sql.count("order_events").await), (300, 300));
    let keys = "SELECT count(*), count(source_key), count(DISTINCT source_key) FROM webhook_logs";
    assert_eq!(json!(sql.values(keys).await), json!([[600, 300, 300]]));
}
