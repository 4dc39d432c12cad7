//! The cursors of the watched channels.

use chrono::{DateTime, TimeDelta, Utc};
use roms::store::{Cursor, Store};

use crate::support::home::Home;

#[tokio::test]
async fn a_cursor_never_moves_back() {
    let home = Home::new();
    let store = Store::open(&home.url()).await.unwrap();
    let now: DateTime<Utc> = "2026-01-31T12:00:00Z".parse().unwrap();
    let later = now + TimeDelta::minutes(1);
    store.save_cursor(1, 500, now).await.unwrap();
    // A backfill that began further back is done after the one that has read to the end.
    store.save_cursor(1, 200, later).await.unwrap();
    store.save_cursor(2, 200, later).await.unwrap();
    let cursors = store.cursors(&[1, 2]).await.unwrap();
    assert_eq!(cursors[&1], Cursor { message: 500, read_at: now });
    assert_eq!(cursors[&2], Cursor { message: 200, read_at: later });
    // The same message again: the channel was checked, and nothing new was there.
    store.save_cursor(1, 500, later).await.unwrap();
    assert_eq!(store.cursors(&[1, 2]).await.unwrap()[&1].read_at, later);
}
