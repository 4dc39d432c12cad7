//! A dry run prints the counts of a real replay and stores nothing.

use roms::ingest::ReplayFilter;

use crate::support::app::soon;
use crate::support::pipeline::{Pipeline, rejected};

#[tokio::test]
async fn a_dry_run_counts_like_a_replay_and_stores_nothing() {
    let mut pipeline = Pipeline::start().await;
    pipeline.post("Order Number\nA-0\nNotes\nnewest\n", 1000).await;
    pipeline.changes.try_recv().unwrap();
    // More than two pages. Rows of several pages name the same orders.
    let row = |at: i64| match at % 5 {
        0 => rejected("no card", at),
        1 => rejected("Checkout Failed | Store\nProduct\nThing\nReason\nPayment declined\n", at),
        2 => rejected("Order Number\nA-9\nNotes\nthe same\n", at),
        _ => rejected(&format!("Order Number\nA-{}\nNotes\nnote {at}\n", at % 4), at),
    };
    pipeline.log((0..150).map(row).collect()).await;
    let before = pipeline.everything().await;
    let filter = ReplayFilter { outcome: Some("rejected".to_owned()), since: None };
    let run = async |dry_run| soon(pipeline.ingest.replay(&filter, dry_run, "cli", |_| ())).await.unwrap();

    let dry = run(true).await;

    assert_eq!(pipeline.everything().await, before);
    assert!(pipeline.changes.try_recv().is_err());
    assert_eq!((dry.read, dry.created, dry.ignored, dry.rejected), (150, 4, 30, 30));
    assert_eq!(run(true).await, dry);
    assert_eq!(run(false).await, dry);
    assert_ne!(pipeline.everything().await, before);
    pipeline.end().await;
}

#[tokio::test]
async fn a_dry_run_does_not_wait_for_the_write_lock() {
    let pipeline = Pipeline::start().await;
    pipeline.log(vec![rejected("Order Number\nA-1\n", 0)]).await;
    let mut lock = pipeline.sql().await;
    lock.lock().await;
    let filter = ReplayFilter::default();
    let dry = soon(pipeline.ingest.replay(&filter, true, "cli", |_| ())).await.unwrap();
    assert_eq!(dry.created, 1);
    lock.unlock().await;
    pipeline.end().await;
}
