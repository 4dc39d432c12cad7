//! SQLite's write-ahead log stays small even if there is always a reader.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Client;

use crate::support::{
    app::{ORDERS, soon},
    home::Home,
    program::Program,
    sql::Sql,
};

/// A body that is too large: what came of it is logged without being read, 256 KiB each.
const BODY: usize = 260 * 1024;
/// From this size on, the log is folded away.
const LARGE: u64 = 16 * 1024 * 1024;
/// The messages of the whole test: what the log would hold of them all is many times as large.
const MOST: u64 = 2000;

fn size(log: &Path) -> u64 {
    fs::metadata(log).map_or(0, |log| log.len())
}

/// Reads from two connections, at any moment from at least one of them.
async fn read_always(database: &Path, stop: &AtomicBool) {
    let (mut one, mut other) = (Sql::file(database).await, Sql::file(database).await);
    one.run("BEGIN").await;
    while !stop.load(Ordering::Relaxed) {
        one.count("orders").await;
        other.run("BEGIN").await;
        other.count("orders").await;
        one.run("COMMIT").await;
        std::mem::swap(&mut one, &mut other);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_stays_bounded_under_load_with_readers_always_at_it() {
    let program = Program::start_in(Home::sqlite()).await;
    let database = program.home().database();
    let log = database.with_file_name("roms_v2.db-wal");
    let stop = std::sync::Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn({
        let (database, stop) = (database.clone(), std::sync::Arc::clone(&stop));
        async move { read_always(&database, &stop).await }
    });

    let client = Client::builder().no_proxy().build().unwrap();
    let body = "no card ".repeat(BODY / 8);
    let (mut posted, mut largest, mut folded) = (0, 0, 0);
    while folded < 2 {
        let before = size(&log);
        let post = client.post(format!("{}{ORDERS}", program.url)).body(body.clone());
        assert_eq!(soon(post.send()).await.unwrap().status(), 413);
        posted += 1;
        largest = largest.max(size(&log));
        folded += u32::from(before > LARGE && size(&log) < before / 2);
        assert!(posted < MOST, "the log has grown to {largest} bytes");
    }
    println!("{posted} messages, {} MiB of log at most", largest / 1024 / 1024);
    stop.store(true, Ordering::Relaxed);
    reader.await.unwrap();
    let mut sql = program.sql().await;
    assert_eq!(sql.count("webhook_logs").await, posted);
    assert_eq!(sql.value("PRAGMA integrity_check").await, "ok");
}
