//! Values that somebody wrote into the database by hand, and that ROMS cannot read.

use roms::ingest::Edit;
use roms::order::{Fields, Status};
use serde_json::json;

use crate::support::pipeline::{Pipeline, edit};

/// Stores order A-1, and writes values into its row that no order can hold.
async fn with_unreadable_values() -> Pipeline {
    let pipeline = Pipeline::start().await;
    pipeline.post("Order Number\nA-1\nShare Link\nx\n", 0).await;
    let change = "UPDATE orders SET status = 'backordered', currency = 'XQX', source = 'phone', quantity = -2, \
                  extra = 'see my notes'";
    pipeline.sql().await.run(change).await;
    pipeline
}

#[tokio::test]
async fn unreadable_values_survive_the_next_card() {
    let pipeline = with_unreadable_values().await;
    // The heading makes the status `verified` and the quantity 1, but only if nothing is there.
    pipeline.post("Successful Checkout | Store\nOrder Number\nA-1\nNotes\nnew\nColor\nred\n", 1).await;
    let row = &pipeline.rows("orders").await[0];
    assert_eq!(
        (&row["status"], &row["currency"], &row["source"], &row["quantity"]),
        (&json!("backordered"), &json!("XQX"), &json!("phone"), &json!(-2)),
        "{row:?}"
    );
    assert_eq!(row["notes"], "new");
    let extra: serde_json::Value = serde_json::from_str(row["extra"].as_str().unwrap()).unwrap();
    assert_eq!(extra["extra"], "see my notes", "{extra}");
    pipeline.end().await;
}

#[tokio::test]
async fn stated_values_and_edits_replace_unreadable_values() {
    let pipeline = with_unreadable_values().await;
    pipeline.post("Order Number\nA-1\nStatus\nshipped\n", 1).await;
    let events = pipeline.history("A-1").await;
    let change = events[1].changes.iter().find(|change| change.field == "status").unwrap();
    assert_eq!((change.old.as_deref(), change.new.as_deref()), (Some("backordered"), Some("shipped")));
    let cleared = pipeline.edit(Edit { clear: vec!["currency"], ..edit(1, Fields::default()) }).await;
    assert_eq!(cleared.changes[0].old.as_deref(), Some("XQX"));
    let row = &pipeline.rows("orders").await[0];
    assert_eq!((&row["status"], &row["currency"]), (&json!("shipped"), &json!(null)));
    assert_eq!(pipeline.order("A-1").await.fields.status, Some(Status::Shipped));
    pipeline.end().await;
}
