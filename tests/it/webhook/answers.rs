//! The answers of the webhook.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::card;
use crate::support::app::{App, ORDERS, soon};

#[tokio::test]
async fn each_outcome_of_one_card_has_its_answer() {
    let app = App::start().await;
    let expected = |outcome: &str, message: &str, log_id: u64| {
        json!({
            "success": true, "message": message, "order_id": 1, "order_number": "A-1", "outcome": outcome,
            "log_id": log_id,
            "orders": [{"order_id": 1, "order_number": "A-1", "outcome": outcome, "warnings": []}]
        })
    };

    let created = app.post(card("A-1", "")).await;
    assert_eq!(created.json, expected("created", "Order received and processed successfully", 1));
    assert_eq!(created.header("content-type"), "application/json");
    let updated = app.post(card("A-1", "Status\nshipped\n")).await;
    assert_eq!(updated.json, expected("updated", "Order updated successfully", 2));
    let unchanged = app.post("Order Number\nA-1\nStatus\nshipped\n").await;
    assert_eq!(unchanged.json["outcome"], "unchanged");
    let again = app.post(card("A-1", "")).await;
    assert_eq!(again.json, expected("duplicate", "Message already received", 4));
}

#[tokio::test]
async fn a_connection_stays_usable_after_a_body_that_is_not_needed() {
    let app = App::start().await;
    let mut connection = TcpStream::connect(app.address).await.unwrap();
    let head = "POST /sign-out HTTP/1.1\r\nhost: localhost\r\ncontent-length: 7\r\n\r\n";
    connection.write_all(head.as_bytes()).await.unwrap();
    // The server has the head by now, and the body comes later.
    assert_eq!(app.get("/health/live").await.status, 200);
    connection.write_all(b"token=x").await.unwrap();
    let last = "GET /health/live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    connection.write_all(last.as_bytes()).await.unwrap();
    let mut answers = String::new();
    soon(connection.read_to_string(&mut answers)).await.unwrap();
    assert!(answers.starts_with("HTTP/1.1 303") && answers.contains("{\"status\":\"alive\"}"), "{answers}");
}

#[tokio::test]
async fn every_card_is_reported_and_the_first_one_at_the_top_level() {
    let app = App::start().await;
    app.stored(&[&card("B-2", "Status\npending\n")]).await;

    let two = format!("{}\n{}", card("A-1", "Total\nplenty\n"), card("B-2", "Status\nshipped\n"));
    let reply = app.post(two).await;

    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!((&reply.json["order_number"], &reply.json["outcome"]), (&json!("A-1"), &json!("created")));
    let mut sql = app.sql().await;
    let id = sql.value("SELECT id FROM orders WHERE order_number = 'A-1'").await;
    assert_eq!(reply.json["order_id"], id);
    let orders = reply.json["orders"].as_array().unwrap();
    assert_eq!(orders.len(), 2);
    let warnings = orders[0]["warnings"].as_array().unwrap();
    assert!(warnings.iter().any(|warning| warning.as_str().unwrap().contains("total")), "{warnings:?}");
    assert_eq!(
        orders[1],
        json!({"order_id": 1, "order_number": "B-2", "outcome": "updated", "warnings": []})
    );
    let log = sql.rows("SELECT outcome, order_ids, warnings FROM webhook_logs WHERE id = 2").await;
    assert_eq!(log[0]["outcome"], "created");
    assert_eq!(log[0]["order_ids"], json!([id, 1]).to_string());
    assert!(log[0]["warnings"].as_str().unwrap().contains("total"));
}

#[tokio::test]
async fn a_card_without_a_number_does_not_affect_the_others() {
    let app = App::start().await;

    let two = format!("{}\nSuccessful Checkout | Store\nProduct\nLost\nPrice\n$1.00\n", card("A-1", ""));
    let reply = app.post(two).await;

    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.json["order_number"], "A-1");
    assert_eq!(reply.json["orders"][1]["outcome"], "rejected");
    assert_eq!(reply.json["orders"][1]["error"]["code"], "missing_order_number");
    assert_eq!(app.sql().await.value("SELECT code FROM webhook_logs").await, "missing_order_number");
}

#[tokio::test]
async fn an_order_with_several_cards_in_one_message_is_listed_once_in_the_log() {
    let app = App::start().await;

    let cards = format!("{}{}{}", card("A-1", ""), card("B-2", ""), card("A-1", "Status\nshipped\n"));
    app.stored(&[&cards]).await;

    let mut sql = app.sql().await;
    assert_eq!(sql.value("SELECT count(*) FROM orders").await, 2);
    let ids: Value =
        serde_json::from_str(sql.value("SELECT order_ids FROM webhook_logs").await.as_str().unwrap())
            .unwrap();
    assert_eq!(ids, json!([1, 2]), "each once, in the order of the message");
    let numbers = sql.values("SELECT order_number FROM orders ORDER BY id").await;
    assert_eq!(json!(numbers), json!([["A-1"], ["B-2"]]));
}

#[tokio::test]
async fn test_and_failure_cards_are_ignored() {
    let app = App::start().await;
    let cases = [
        ("Test Webhook | Refract\nProduct\nThing\n", "test", "test notification, not an order"),
        (
            "Checkout Failed | Best Buy US\nProduct\nThing\nReason\nOut of stock\n",
            "failure",
            "failed checkout",
        ),
    ];
    for (at, (body, code, message)) in cases.into_iter().enumerate() {
        let reply = app.post(body).await;
        assert_eq!(reply.status, 200, "{body}: {}", reply.text);
        assert_eq!(reply.json["success"], true);
        assert_eq!(reply.json["orders"], json!([]));
        assert_eq!(reply.json["outcome"], "ignored");
        assert!(reply.json["message"].as_str().unwrap().starts_with(message), "{}", reply.text);
        assert_eq!((reply.json.get("order_id"), reply.json.get("order_number")), (None, None));
        let log = app.get(&format!("/api/v2/webhooks/logs/{}", at + 1)).await.json;
        assert_eq!(
            (&log["outcome"], &log["code"], &log["processed"]),
            (&json!("ignored"), &json!(code), &json!(true))
        );
        assert_eq!(log["status_code"], 200);
    }
    assert_eq!(app.sql().await.count("orders").await, 0);
}

#[tokio::test]
async fn the_test_route_answers() {
    let app = App::start().await;
    let reply = app.get("/api/v2/webhooks/test").await;
    assert_eq!(reply.json["status"], "ok");
    assert_eq!(reply.json["message"], "Webhook endpoint is operational");
    assert!(reply.json["timestamp"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().is_ok());
}

#[tokio::test]
async fn only_pages_of_the_same_origin_may_post() {
    let app = App::start().await;

    let foreign = [("origin", "https://evil.example")];
    let refused = app.request(Method::POST, ORDERS, &foreign, card("A-1", "")).await;
    assert_eq!((refused.status, &refused.json["code"]), (403, &json!("cross_origin")));
    assert_eq!(app.sql().await.count("orders").await, 0);

    let own = app.url("");
    let taken = app.request(Method::POST, ORDERS, &[("origin", &own)], card("A-1", "")).await;
    assert_eq!(taken.status, 200);
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_forbids_sniffing_and_caching() {
    let app = App::start().await;
    for reply in [app.post(card("A-1", "")).await, app.get("/nothing").await] {
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("cache-control"), "no-store");
        assert!(!reply.header("x-request-id").is_empty());
    }
}
