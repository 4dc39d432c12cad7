//! Deduplication keys after a replay.

use roms::store::LogEntry;
use serde_json::{Value, json};

use crate::support::app::soon;
use crate::support::pipeline::{Pipeline, discord_message, rejected};

const CARD: &str = "Order Number\nA-1\nStatus\npending\n";

async fn key(pipeline: &Pipeline, row: usize) -> Value {
    pipeline.rows("webhook_logs").await[row]["source_key"].clone()
}

#[tokio::test]
async fn a_retry_is_recognised_after_its_first_message_was_replayed() {
    let pipeline = Pipeline::start().await;
    pipeline.log(vec![rejected(CARD, 0)]).await;
    pipeline.replay("rejected").await;
    pipeline.post("Order Number\nA-1\nStatus\nshipped\n", 1).await;
    let again = pipeline.post(CARD, 2).await;
    assert_eq!(again.cards[0].outcome.as_str(), "duplicate");
    assert_eq!(pipeline.order("A-1").await.fields.status.unwrap().as_str(), "shipped");
    pipeline.end().await;
}

#[tokio::test]
async fn a_replayed_row_does_not_take_the_key_of_another_row() {
    let pipeline = Pipeline::start().await;
    pipeline.log(vec![rejected(CARD, 3), rejected(CARD, 4)]).await;
    pipeline.post(CARD, 2).await;
    assert_eq!(pipeline.replay("rejected").await.unchanged, 2);
    assert_eq!((key(&pipeline, 0).await, key(&pipeline, 1).await), (Value::Null, Value::Null));
    assert!(key(&pipeline, 2).await.is_string());
    pipeline.replay("all").await;
    assert!(key(&pipeline, 2).await.is_string(), "its owner keeps it");
    pipeline.end().await;
}

#[tokio::test]
async fn only_one_of_several_rows_with_the_same_bytes_gets_the_key() {
    let pipeline = Pipeline::start().await;
    pipeline.log(vec![rejected(CARD, 0), rejected(CARD, 1)]).await;
    let summary = pipeline.replay("rejected").await;
    assert_eq!((summary.created, summary.unchanged), (1, 1));
    assert!(key(&pipeline, 0).await.is_string());
    assert_eq!(key(&pipeline, 1).await, Value::Null);
    pipeline.end().await;
}

#[tokio::test]
async fn a_row_that_is_replayed_twice_at_once_keeps_its_key() {
    let pipeline = Pipeline::start().await;
    pipeline.log(vec![rejected(CARD, 0)]).await;
    let mut lock = pipeline.sql().await;
    lock.lock().await;
    // The writer waits for the lock with this message, and the next ones become one batch.
    let other = pipeline.enqueue("Order Number\nB-1\n", 0).await;
    tokio::task::yield_now().await;
    let replay = || pipeline.ingest.replay_one(1, "cli");
    let unlock = async {
        pipeline.sql().await.count("orders").await;
        lock.unlock().await;
    };
    let (first, second, ()) = soon(Box::pin(async { tokio::join!(replay(), replay(), unlock) })).await;
    other.receipt().await.unwrap();
    let mut outcomes = [first, second].map(|receipt| receipt.unwrap().unwrap().cards[0].outcome.as_str());
    // Either replay may be the first in the batch.
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["created", "unchanged"]);
    assert!(key(&pipeline, 0).await.is_string());
    assert_eq!(pipeline.rows("webhook_logs").await[0]["outcome"], json!("created"));
    pipeline.end().await;
}

#[tokio::test]
async fn a_replayed_row_and_a_retry_in_one_batch_share_one_key() {
    for day in [0, 2] {
        let pipeline = Pipeline::start().await;
        pipeline.log(vec![rejected(CARD, 0)]).await;
        let mut lock = pipeline.sql().await;
        lock.lock().await;
        // The writer waits for the lock with this message, and the next ones become one batch.
        let first = pipeline.enqueue("Order Number\nB-1\n", 0).await;
        tokio::task::yield_now().await;
        let (again, anew, ()) = soon(Box::pin(async {
            tokio::join!(
                pipeline.ingest.replay_one(1, "cli"),
                async {
                    // The replay has read its row by now.
                    let anew = pipeline.enqueue(CARD, day * 24 * 60 + 1).await;
                    anew.receipt().await.unwrap()
                },
                async {
                    pipeline.sql().await.count("orders").await;
                    lock.unlock().await;
                },
            )
        }))
        .await;
        first.receipt().await.unwrap();
        again.unwrap().unwrap();
        assert_ne!(anew.cards[0].outcome.as_str(), "rejected");
        assert_eq!(pipeline.rows("orders").await.len(), 2);
        let rows = pipeline.rows("webhook_logs").await;
        let holders = rows.iter().filter(|row| row["source_key"].is_string()).count();
        assert_eq!(holders, 2, "{rows:?}");
        pipeline.end().await;
    }
}

#[tokio::test]
async fn a_replayed_discord_message_that_was_edited_later_has_no_key() {
    let pipeline = Pipeline::start().await;
    pipeline.discord(5, "Order Number\nA-1\nNotes\nold\n", 0).await;
    pipeline.discord(5, "Order Number\nA-1\nNotes\nnew\n", 1).await;
    pipeline.replay("all").await;
    assert_eq!((key(&pipeline, 0).await, key(&pipeline, 1).await), (Value::Null, json!("discord:5")));
    assert_eq!(pipeline.order("A-1").await.fields.notes.as_deref(), Some("new"));
    pipeline.end().await;
}

#[tokio::test]
async fn the_backfill_recognises_a_replayed_message() {
    let pipeline = Pipeline::start().await;
    let text = "Order Number\nA-1\n";
    let message = discord_message(5, text, 0);
    let row = LogEntry {
        source: message.source.as_str().to_owned(),
        source_key: Some("discord:5".to_owned()),
        endpoint: message.endpoint.clone(),
        message_id: Some(5),
        content_hash: Some("of another reading".to_owned()),
        ..rejected(&message.raw, 0)
    };
    pipeline.log(vec![row]).await;
    pipeline.replay("rejected").await;
    let copy = pipeline.discord(5, text, 0).await;
    assert_eq!((copy.log_id, copy.cards[0].outcome.as_str()), (None, "duplicate"));
    assert_eq!(pipeline.rows("webhook_logs").await.len(), 1);
    pipeline.end().await;
}

#[tokio::test]
async fn a_message_that_the_database_refused_can_be_replayed_and_is_then_recognised() {
    let pipeline = Pipeline::start().await;
    let mut sql = pipeline.sql().await;
    sql.reject_orders("INSERT", "NEW.order_number = 'A-1'").await;
    assert_eq!(pipeline.discord(5, "Order Number\nA-1\n", 0).await.cards[0].outcome.as_str(), "rejected");
    assert_eq!(pipeline.replay("rejected").await.rejected, 1, "still refused");
    assert_eq!(pipeline.rows("webhook_logs").await[0]["code"], json!("not_stored"));
    sql.accept_all_orders().await;
    assert_eq!(pipeline.replay("rejected").await.created, 1);
    assert_eq!(pipeline.discord(5, "Order Number\nA-1\n", 0).await.log_id, None);
    pipeline.end().await;
}

#[tokio::test]
async fn a_replayed_retry_counts_as_sent_with_the_first_message() {
    let pipeline = Pipeline::start().await;
    pipeline.post(CARD, 0).await;
    pipeline.post("Order Number\nA-1\nStatus\nshipped\n", 1).await;
    pipeline.sql().await.run("UPDATE orders SET order_number = 'A-2' WHERE order_number = 'A-1'").await;
    // A retry about an order that no longer exists creates it again.
    assert_eq!(pipeline.post(CARD, 2).await.cards[0].outcome.as_str(), "created");
    pipeline.post("Order Number\nA-1\nStatus\nshipped\nNotes\nafter the first\n", 1).await;
    pipeline.replay("all").await;
    assert_eq!(pipeline.order("A-1").await.fields.status.unwrap().as_str(), "shipped");
    pipeline.end().await;
}

#[tokio::test]
async fn a_row_that_is_deleted_while_its_replay_waits_is_skipped() {
    let pipeline = Pipeline::start().await;
    pipeline.log(vec![rejected(CARD, 0)]).await;
    let mut lock = pipeline.sql().await;
    lock.lock().await;
    lock.run("DELETE FROM webhook_logs").await;
    let (receipt, ()) = soon(Box::pin(async {
        tokio::join!(pipeline.ingest.replay_one(1, "cli"), async {
            // Other connections still see the row until the commit.
            pipeline.sql().await.count("webhook_logs").await;
            lock.unlock().await;
        })
    }))
    .await;
    assert!(receipt.unwrap().is_none());
    assert!(pipeline.rows("orders").await.is_empty());
    pipeline.end().await;
}
