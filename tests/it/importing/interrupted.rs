//! An import that is killed in the middle goes on where it was: each row once.
#![cfg(unix)]

use std::fmt::Write;
use std::process::Command;

use serde_json::json;
use tokio::task::spawn_blocking;

use super::command::done;
use super::with_cards;
use crate::support::app::until;
use crate::support::home::Home;

const ROWS: usize = 4000;

/// A file of many orders.
fn file(home: &Home) -> String {
    let mut text = "order number,product,total\n".to_owned();
    for n in 0..ROWS {
        writeln!(text, "K-{n},Kit,${n}.50").unwrap();
    }
    let path = home.path().join("orders.csv");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_killed_import_goes_on_and_stores_each_row_once() {
    let home = with_cards(&[]).await;
    let file = file(&home);
    for round in 1..=3 {
        let mut import = home.command(&["import", &file, "--yes"]).spawn().unwrap();
        let stored = || async { home.sql().await.count("orders").await };
        let before = stored().await;
        until("some rows are stored", async || stored().await > before + 100 || import_ended(&home).await)
            .await;
        assert!(
            Command::new("kill").args(["-s", "KILL", &import.id().to_string()]).status().unwrap().success()
        );
        spawn_blocking(move || import.wait()).await.unwrap().unwrap();
        let done = home.sql().await.values("SELECT done, state FROM imports").await;
        // The header is line 1: as many orders as rows that count as stored.
        let stored = stored().await;
        assert_eq!(done, [[json!(stored + 1), json!("running")]], "round {round}");
    }
    let printed = done(&home, &["import", &file, "--yes"]).await;
    assert!(printed.contains("Import 1 of this file was interrupted after row"), "{printed}");
    let mut sql = home.sql().await;
    assert_eq!(sql.count("orders").await, ROWS as u64);
    assert_eq!(sql.count("order_events").await, ROWS as u64, "each row once");
    let imports = sql.values("SELECT state, created, updated, unchanged FROM imports").await;
    assert_eq!(imports, [[json!("finished"), json!(ROWS), json!(0), json!(0)]]);
    sql.assert_sound().await;
}

async fn import_ended(home: &Home) -> bool {
    home.sql().await.count("imports WHERE state = 'finished'").await > 0
}
