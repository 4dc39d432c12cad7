//! A process that has lost its claim on an import stores no row of it, and says so.

use roms::ingest::{ClaimedImport, ImportError, Offered, OfferedFile};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::support::app::soon;
use crate::support::pipeline::Pipeline;

/// Adds an import of two orders whose numbers begin with this letter.
async fn offer(pipeline: &Pipeline, letter: char) -> i64 {
    let content =
        format!("order number,product,total\n{letter}-1,Kit,$1.00\n{letter}-2,Kit,$2.00\n").into_bytes();
    let file = OfferedFile { name: "orders.csv".to_owned(), content, kind: None, mapping: Vec::new() };
    id(pipeline.ingest.offer_import(file, "cli").await.unwrap())
}

fn id(offered: Offered) -> i64 {
    match offered {
        Offered::New(id) => id,
        Offered::Again(import) => import.id,
    }
}

/// Adds the undo of an import.
async fn offer_undo(pipeline: &Pipeline, import: i64) -> i64 {
    let import = pipeline.store.import(import).await.unwrap().unwrap();
    id(pipeline.ingest.offer_undo(&import, "cli").await.unwrap())
}

async fn claim(pipeline: &Pipeline, import: i64) -> ClaimedImport {
    soon(pipeline.ingest.claim_import(import)).await.unwrap()
}

/// Claims an import like a process that is then suspended for a long time.
async fn claim_long_ago(pipeline: &Pipeline, import: i64) -> ClaimedImport {
    let claimed = claim(pipeline, import).await;
    let sql = "UPDATE imports SET claimed_at = '2026-01-31T00:00:00+00:00' WHERE id =";
    pipeline.sql().await.run(&format!("{sql} {import}")).await;
    claimed
}

async fn run(import: ClaimedImport) -> Result<usize, ImportError> {
    soon(import.run(&CancellationToken::new(), |_| ())).await.map(|rows| rows.len())
}

#[tokio::test]
async fn an_import_that_was_undone_while_its_process_was_suspended_stores_no_more_rows() {
    let pipeline = Pipeline::start().await;
    let import = offer(&pipeline, 'A').await;
    let suspended = claim_long_ago(&pipeline, import).await;
    let undo = offer_undo(&pipeline, import).await;
    assert_eq!(run(claim(&pipeline, undo).await).await.unwrap(), 0);

    let refused = run(suspended).await;
    assert!(matches!(refused, Err(ImportError::Ended)), "{refused:?}");
    let mut sql = pipeline.sql().await;
    assert_eq!(sql.count("orders").await, 0);
    let states = sql.values("SELECT state, done FROM imports ORDER BY id").await;
    assert_eq!(states, [[json!("stopped"), json!(0)], [json!("finished"), json!(0)]]);
    pipeline.end().await;
}

#[tokio::test]
async fn a_process_that_has_lost_its_claim_does_not_say_that_it_finished_the_import() {
    let pipeline = Pipeline::start().await;
    let import = offer(&pipeline, 'A').await;
    let suspended = claim_long_ago(&pipeline, import).await;
    let other = claim(&pipeline, import).await;
    let refused = run(suspended).await;
    assert!(matches!(refused, Err(ImportError::Running)), "{refused:?}");
    assert_eq!(run(other).await.unwrap(), 2);

    // An undo without rows only has to be marked as finished.
    let empty = offer(&pipeline, 'B').await;
    claim_long_ago(&pipeline, empty).await;
    let undo = offer_undo(&pipeline, empty).await;
    let suspended = claim_long_ago(&pipeline, undo).await;
    let other = claim(&pipeline, undo).await;
    let refused = run(suspended).await;
    assert!(matches!(refused, Err(ImportError::Running)), "{refused:?}");
    assert_eq!(run(other).await.unwrap(), 0);
    assert_eq!(pipeline.sql().await.count("orders").await, 2);
    pipeline.end().await;
}

#[tokio::test]
async fn a_claim_does_not_wait_for_another_import_on_postgresql() {
    let pipeline = Pipeline::start().await;
    let (import, other) = (offer(&pipeline, 'A').await, offer(&pipeline, 'B').await);
    let mut sql = pipeline.sql().await;
    // SQLite has one writer at a time.
    if sql.either("sqlite", "postgres") == "postgres" {
        sql.run(&format!("BEGIN; UPDATE imports SET done = done WHERE id = {import}")).await;
        assert_eq!(run(claim(&pipeline, other).await).await.unwrap(), 2);
        sql.unlock().await;
    }
    pipeline.end().await;
}
