//! The cursors of channels.

use chrono::TimeDelta;
use roms::clock::now;

use crate::support::pipeline::Pipeline;

#[tokio::test]
async fn a_cursor_never_moves_back() {
    let pipeline = Pipeline::start().await;
    let (first, later) = (now(), now() + TimeDelta::minutes(1));
    for (message, at) in [(20, first), (10, later)] {
        pipeline.store.save_cursor(1, message, at).await.unwrap();
    }
    let cursor = pipeline.store.cursors(&[1]).await.unwrap()[&1];
    assert_eq!((cursor.message, cursor.read_at), (20, first));
    pipeline.store.save_cursor(1, 20, later).await.unwrap();
    assert_eq!(pipeline.store.cursors(&[1]).await.unwrap()[&1].read_at, later);
    pipeline.end().await;
}
