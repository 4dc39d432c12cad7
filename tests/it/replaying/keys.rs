//! Which messages count as the same after reading again.

use roms::store::LogEntry;
use serde_json::{Value, json};

use crate::support::app::soon;
use crate::support::pipeline::{Pipeline, discord_message, rejected};

const CARD: &str = "Order Number\nA-1\nStatus\npending\n";

async fn key(pipeline: &Pipeline, row: usize) -> Value {
    pipeline.rows("webhook_logs").await[row]["source_key"].clone()
}

#[tokio::test]
async fn the_same_bytes_again_are_the_same_message_as_the_row_that_was_read_again() {
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
async fn a_key_that_another_row_has_stays_there() {
    let pipeline = Pipeline::start().await;
    pipeline.log(vec![rejected(CARD, 3), rejected(CARD, 4)]).await;
    pipeline.post(CARD, 2).await;
    assert_eq!(pipeline.replay("rejected").await.unchanged, 2);
    assert_eq!((key(&pipeline, 0).await, key(&pipeline, 1).await), (Value::Null, Value::Null));
    assert!(key(&pipeline, 2).await.is_string());
    pipeline.replay("all").await;
    assert!(key(&pipeline, 2).await.is_string(), "who has it keeps it");
    pipeline.end().await;
}

#[tokio::test]
async fn of_rows_with_the_same_bytes_one_has_the_key() {
    let pipeline = Pipeline::start().await;
    pipeline.log(vec![rejected(CARD, 0), rejected(CARD, 1)]).await;
    let summary = pipeline.replay("rejected").await;
    assert_eq!((summary.created, summary.unchanged), (1, 1));
    assert!(key(&pipeline, 0).await.is_string());
    assert_eq!(key(&pipeline, 1).await, Value::Null);
    pipeline.end().await;
}

#[tokio::test]
async fn one_row_read_again_twice_at_once_keeps_its_key() {
    let pipeline = Pipeline::start().await;
    pipeline.log(vec![rejected(CARD, 0)]).await;
    let mut lock = pipeline.sql().await;
    lock.lock().await;
    // The writer waits with this one, and what follows becomes one batch.
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
    // Either may be the first to read its row.
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["created", "unchanged"]);
    assert!(key(&pipeline, 0).await.is_string());
    assert_eq!(pipeline.rows("webhook_logs").await[0]["outcome"], json!("created"));
    pipeline.end().await;
}

#[tokio::test]
async fn a_row_and_the_same_bytes_anew_in_one_batch_are_one_message() {
    for day in [0, 2] {
        let pipeline = Pipeline::start().await;
        pipeline.log(vec![rejected(CARD, 0)]).await;
        let mut lock = pipeline.sql().await;
        lock.lock().await;
        // The writer waits with this one, and what follows becomes one batch.
        let first = pipeline.enqueue("Order Number\nB-1\n", 0).await;
        tokio::task::yield_now().await;
        let (again, anew, ()) = soon(Box::pin(async {
            tokio::join!(
                pipeline.ingest.replay_one(1, "cli"),
                async {
                    // Its row is read before it waits.
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
async fn a_message_of_a_channel_that_a_later_edit_replaced_has_no_key_any_more() {
    let pipeline = Pipeline::start().await;
    pipeline.discord(5, "Order Number\nA-1\nNotes\nold\n", 0).await;
    pipeline.discord(5, "Order Number\nA-1\nNotes\nnew\n", 1).await;
    pipeline.replay("all").await;
    assert_eq!((key(&pipeline, 0).await, key(&pipeline, 1).await), (Value::Null, json!("discord:5")));
    assert_eq!(pipeline.order("A-1").await.fields.notes.as_deref(), Some("new"));
    pipeline.end().await;
}

#[tokio::test]
async fn the_history_of_a_channel_knows_a_message_that_was_read_again() {
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
async fn what_the_database_refused_is_read_again_and_then_known() {
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
async fn a_repeat_is_of_the_time_of_the_first_also_when_it_is_read_again() {
    let pipeline = Pipeline::start().await;
    pipeline.post(CARD, 0).await;
    pipeline.post("Order Number\nA-1\nStatus\nshipped\n", 1).await;
    pipeline.sql().await.run("UPDATE orders SET order_number = 'A-2' WHERE order_number = 'A-1'").await;
    // The same bytes again, of an order that is gone: they make it anew.
    assert_eq!(pipeline.post(CARD, 2).await.cards[0].outcome.as_str(), "created");
    pipeline.post("Order Number\nA-1\nStatus\nshipped\nNotes\nafter the first\n", 1).await;
    pipeline.replay("all").await;
    assert_eq!(pipeline.order("A-1").await.fields.status.unwrap().as_str(), "shipped");
    pipeline.end().await;
}

#[tokio::test]
async fn a_row_that_is_removed_while_it_waits_is_not_read() {
    let pipeline = Pipeline::start().await;
    pipeline.log(vec![rejected(CARD, 0)]).await;
    let mut lock = pipeline.sql().await;
    lock.lock().await;
    lock.run("DELETE FROM webhook_logs").await;
    let (receipt, ()) = soon(async {
        tokio::join!(pipeline.ingest.replay_one(1, "cli"), async {
            // The row is read by others as it was until the commit.
            pipeline.sql().await.count("webhook_logs").await;
            lock.unlock().await;
        })
    })
    .await;
    assert!(receipt.unwrap().is_none());
    assert!(pipeline.rows("orders").await.is_empty());
    pipeline.end().await;
}
