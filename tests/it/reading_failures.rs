//! Failed checkouts that name an order number.

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
