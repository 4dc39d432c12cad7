//! Failed checkouts that name an order number.

use serde_json::{Value, json};

use crate::support::app::{App, Reply};
use crate::support::pipeline::Pipeline;

const SUCCESS: &str = "Successful Checkout | Store\nOrder Number\nA-1\nProduct\nThing\n";

fn heading_and(heading: &str, number: &str, label: &str, reason: &str) -> String {
    format!("{heading}\nOrder Number\n{number}\nProduct\nThing\n{label}\n{reason}\n")
}

#[tokio::test]
async fn a_fraud_reason_cancels_an_existing_order_even_under_a_success() {
    let pipeline = Pipeline::start().await;
    pipeline.post(SUCCESS, 0).await;
    let card = heading_and("Successful Checkout | Store", "A-1", "Fraud Reason", "Address mismatch");
    let receipt = pipeline.post(&card, 1).await;
    assert_eq!(receipt.cards[0].outcome.as_str(), "updated");
    let order = pipeline.order("A-1").await;
    assert_eq!(order.fields.status.map(roms::order::Status::as_str), Some("cancelled"));
    assert_eq!(order.fields.cancel_reason.as_deref(), Some("Address Mismatch"));
    assert!(order.extra.is_empty(), "the reason is kept once: {:?}", order.extra);
    pipeline.end().await;
}

#[tokio::test]
async fn another_failure_changes_no_status_but_leaves_its_reason_in_the_history() {
    let pipeline = Pipeline::start().await;
    pipeline.post(SUCCESS, 0).await;
    pipeline.post(&heading_and("Checkout Failed | Store", "A-1", "Reason", "Out of stock"), 1).await;
    let order = pipeline.order("A-1").await;
    assert_eq!(order.fields.status.map(roms::order::Status::as_str), Some("verified"));
    let history = pipeline.history("A-1").await;
    let fields: Vec<_> =
        history.iter().flat_map(|event| &event.changes).map(|change| change.field.as_str()).collect();
    assert!(fields.contains(&"extra.failure_reason"), "{fields:?}");
    pipeline.end().await;
}

#[tokio::test]
async fn a_failure_of_an_unknown_order_is_ignored_and_logged() {
    let pipeline = Pipeline::start().await;
    for label in ["Reason", "Fraud Reason"] {
        let receipt = pipeline.post(&heading_and("Checkout Failed | Store", "B-1", label, "No"), 0).await;
        assert_eq!(receipt.cards[0].outcome.code(), Some("failure"), "{label}");
        assert!(receipt.log_id.is_some(), "{label}");
    }
    assert!(pipeline.rows("orders").await.is_empty());
    pipeline.end().await;
}

/// A card as the issue of a bot: a heading, the number of an order, and a reason under a label.
async fn post(app: &App, heading: &str, number: &str, label: &str, reason: &str) -> Reply {
    app.post(heading_and(heading, number, label, reason)).await
}

async fn last_changes(app: &App, number: &str) -> Vec<Value> {
    let page = app.get(&format!("/api/v2/orders/{number}/events")).await.json;
    page["events"].as_array().unwrap().last().unwrap()["changes"].as_array().unwrap().clone()
}

#[tokio::test]
async fn over_http_a_fraud_or_cancel_reason_cancels_its_order_under_any_heading() {
    let app = App::start().await;
    let mut number = 0;
    for heading in ["Successful Checkout | Store", "Checkout Failed | Store", "Order Update"] {
        for (label, reason, kept) in [
            ("Fraud Reason", "Velocity check", "Velocity Check"),
            ("Cancel Reason", "Policy - Item Demand", "Item Demand"),
            ("Cancellation Reason", "ITEM_DEMAND", "Item Demand"),
        ] {
            number += 1;
            let order = format!("C-{number}");
            app.stored(&[&SUCCESS.replace("A-1", &order)]).await;
            let reply = post(&app, heading, &order, label, reason).await;
            assert_eq!(
                (reply.status, &reply.json["outcome"]),
                (200, &json!("updated")),
                "{heading}, {label}"
            );
            let json = app.get(&format!("/api/v2/orders/{order}")).await.json;
            assert_eq!(
                (&json["status"], &json["cancel_reason"]),
                (&json!("cancelled"), &json!(kept)),
                "{json}"
            );
            assert_eq!(json["extra"], json!({}), "{heading}, {label}: the reason is kept once");
            let changes = last_changes(&app, &order).await;
            let status = json!({"field": "status", "old": "verified", "new": "cancelled"});
            assert!(changes.contains(&status), "{heading}, {label}: {changes:?}");
        }
    }
    let stats = app.get("/api/v2/stats?by=reason").await.json.to_string();
    assert!(stats.contains("Item Demand") && stats.contains("Velocity Check"), "{stats}");
}

#[tokio::test]
async fn over_http_a_hold_is_no_cancellation() {
    let app = App::start().await;
    for (at, label) in ["Reason", "Cancel Reason", "Fraud Reason", "Status", "Result"].into_iter().enumerate()
    {
        let order = format!("H-{at}");
        let reply = post(&app, "Successful Checkout | Store", &order, label, "REVIEW_HOLD").await;
        assert_eq!(
            (reply.status, &reply.json["outcome"]),
            (200, &json!("created")),
            "{label}: {}",
            reply.text
        );
        let json = app.get(&format!("/api/v2/orders/{order}")).await.json;
        assert_eq!((&json["status"], &json["cancel_reason"]), (&json!("pending"), &Value::Null), "{label}");
    }
    let reply = app.post("REVIEW_HOLD\nOrder Number\nH-9\nProduct\nThing\n").await;
    assert_eq!(reply.json["outcome"], "created", "{}", reply.text);
    assert_eq!(app.get("/api/v2/orders/H-9").await.json["status"], "pending");
}

#[tokio::test]
async fn over_http_another_failure_changes_no_status_but_leaves_an_event_with_its_reason() {
    let app = App::start().await;
    let mut number = 0;
    for (heading, label, reason, kept) in [
        ("Checkout Failed | Store", "Reason", "Out of stock", "Out of stock"),
        ("Checkout Failed - Out of stock", "Note", "", "Out of stock"),
        ("Your card was declined", "Note", "", "Card declined"),
        ("Payment Declined", "Decline Reason", "Insufficient funds", "Insufficient funds"),
        ("Order Update", "Status", "Payment Failed", "Payment Failed"),
        ("Order Update", "Result", "Failed", "Checkout failed"),
        ("Successful Checkout | Store", "Reason", "Address mismatch", "Address mismatch"),
    ] {
        number += 1;
        let order = format!("F-{number}");
        app.stored(&[&SUCCESS.replace("A-1", &order)]).await;
        let reply = post(&app, heading, &order, label, reason).await;
        assert_eq!(
            (reply.status, &reply.json["outcome"]),
            (200, &json!("updated")),
            "{heading}: {}",
            reply.text
        );
        let json = app.get(&format!("/api/v2/orders/{order}")).await.json;
        assert_eq!(
            (&json["status"], &json["cancel_reason"]),
            (&json!("verified"), &Value::Null),
            "{heading}"
        );
        let changes = last_changes(&app, &order).await;
        assert_eq!(
            changes,
            [json!({"field": "extra.failure_reason", "old": null, "new": kept})],
            "{heading}"
        );
    }
}

#[tokio::test]
async fn over_http_a_failure_without_a_known_order_is_kept_in_the_log_and_counted() {
    let app = App::start().await;
    let cards = [
        heading_and("Checkout Failed | Store", "U-1", "Reason", "Out of stock"),
        heading_and("Successful Checkout | Store", "U-1", "Fraud Reason", "Velocity check"),
        "Your card was declined\nProduct\nThing\nPrice\n$5.00\n".to_owned(),
        "Bot-V0.0.1 | Checkout Failed :x:\nProduct\nThing\nStore\nTarget\n".to_owned(),
    ];
    for card in &cards {
        let reply = app.post(card.clone()).await;
        assert_eq!(
            (reply.status, &reply.json["outcome"]),
            (200, &json!("ignored")),
            "{card}: {}",
            reply.text
        );
    }
    let log = app.get("/api/v2/webhooks/logs?outcome=ignored").await.json;
    assert_eq!(log["total"], cards.len());
    let rows = log["logs"].as_array().unwrap().iter();
    let codes: Vec<_> = rows.map(|row| (&row["code"], &row["outcome"])).collect();
    assert_eq!(codes, vec![(&json!("failure"), &json!("ignored")); cards.len()]);
    let reasons: Vec<_> =
        log["logs"].as_array().unwrap().iter().map(|row| row["error_message"].clone()).collect();
    assert_eq!(reasons[1], "failed checkout, not an order: Card declined");
    assert_eq!(app.get("/api/v2/orders").await.json["total"], 0);
}
