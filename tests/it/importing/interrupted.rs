//! An import that is killed in the middle goes on where it was: each row once.
#![cfg(unix)]

use std::fmt::Write;
use std::process::{Command, Stdio};

use serde_json::json;
use tokio::task::spawn_blocking;

use super::command::done;
use super::page::{post, until_finished, upload};
use super::with_cards;
use crate::cli::{err, out};
use crate::support::app::{App, until};
use crate::support::home::Home;
use crate::support::program::Program;
use crate::watching::program::run;

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

/// Starts an import whose rows take long, and kills it after some rows are stored. Returns how many rows are stored then.
async fn killed(home: &Home, file: &str) -> u64 {
    let mut sql = home.sql().await;
    sql.add_orders_slowly().await;
    let before = sql.count("orders").await;
    let mut import = home.command(&["import", file, "--yes"]).spawn().unwrap();
    until("some rows are stored", async || home.sql().await.count("orders").await > before).await;
    assert!(Command::new("kill").args(["-s", "KILL", &import.id().to_string()]).status().unwrap().success());
    spawn_blocking(move || import.wait()).await.unwrap().unwrap();
    sql.until_alone().await;
    sql.add_orders_fast().await;
    let stored = sql.count("orders").await;
    let done = sql.values("SELECT done, state FROM imports WHERE id = 1").await;
    assert_eq!(done, [[json!(stored), json!("running")]]);
    assert!(stored < ROWS as u64, "it was killed in the middle");
    stored
}

/// Each row is stored once, and the import is finished.
async fn assert_finished(home: &Home) {
    let mut sql = home.sql().await;
    assert_eq!(sql.count("orders").await, ROWS as u64);
    assert_eq!(sql.count("order_events").await, ROWS as u64, "each row once");
    let imports = sql.values("SELECT state, done, created, updated, unchanged, content FROM imports").await;
    let created = json!(ROWS);
    assert_eq!(imports, [[json!("finished"), created.clone(), created, json!(0), json!(0), json!(null)]]);
    sql.assert_sound().await;
}

#[tokio::test]
async fn a_killed_import_goes_on_and_stores_each_row_once() {
    let home = with_cards(&[]).await;
    let file = file(&home);
    killed(&home, &file).await;
    killed(&home, &file).await;
    // A purge deletes the file; the next import of the same file brings it back.
    assert_eq!(home.sql().await.count("imports WHERE content IS NOT NULL").await, 1);
    done(&home, &["purge", "--email", "ann@example.com", "--yes"]).await;
    assert_eq!(home.sql().await.count("imports WHERE content IS NOT NULL").await, 0);
    let printed = done(&home, &["import", &file, "--yes"]).await;
    assert!(printed.contains("This file was imported before, as import 1"), "{printed}");
    assert!(printed.contains(&format!("Import 1: {ROWS} created.")), "{printed}");
    assert_finished(&home).await;
}

#[tokio::test]
async fn an_import_that_was_killed_on_the_command_line_goes_on_on_the_page() {
    let home = with_cards(&[]).await;
    let file = file(&home);
    killed(&home, &file).await;
    let app = App::start_in(home, "").await;
    let content = std::fs::read(&file).unwrap();
    assert_eq!(upload(&app, "orders.csv", &content, "").await, (303, "/import/1?again=1".to_owned()));
    let shown = async || app.get("/import/1?again=1").await.text;
    until("the page says that it was interrupted", async || shown().await.contains(">interrupted<")).await;
    let page = shown().await;
    assert!(
        page.contains("Continue this import, or undo it.") && page.contains("Continue after row"),
        "{page}"
    );
    post(&app, "/import/1/commit", "").await;
    until_finished(&app, "/import/1").await;
    assert_finished(&app.stop().await).await;
}

#[tokio::test]
async fn a_killed_import_is_undone_as_far_as_it_went_and_imported_anew() {
    let home = with_cards(&[]).await;
    let file = file(&home);
    let stored = killed(&home, &file).await;
    let printed = done(&home, &["imports", "undo", "1", "--yes"]).await;
    assert!(printed.contains(&format!("Import 2: {stored} updated.")), "{printed}");
    assert_eq!(home.sql().await.count("orders WHERE status = 'cancelled'").await, stored);
    let listed = done(&home, &["imports"]).await;
    assert!(listed.contains("stopped, undone by import 2"), "{listed}");
    let refused = run(&home, &["imports", "continue", "1"]).await;
    assert!(err(&refused).contains("the import has ended already"), "{}", err(&refused));
    let refused = run(&home, &["imports", "undo", "1", "--yes"]).await;
    assert!(err(&refused).contains("import 2 undoes it already"), "{}", err(&refused));

    let printed = done(&home, &["import", &file, "--yes"]).await;
    let created = ROWS as u64 - stored;
    assert!(printed.contains(&format!("Import 3: {created} created, {stored} updated.")), "{printed}");
    assert_eq!(home.sql().await.count("orders WHERE status = 'cancelled'").await, 0);
}

#[tokio::test]
async fn two_processes_that_import_the_same_file_store_each_row_once() {
    let home = with_cards(&[]).await;
    let file = file(&home);
    let arguments = ["import", &file, "--yes"];
    let (one, other) = tokio::join!(run(&home, &arguments), run(&home, &arguments));
    let codes = [one.status.code(), other.status.code()];
    assert!(codes.contains(&Some(0)), "{}{}", err(&one), err(&other));
    if let Some(refused) = [&one, &other].into_iter().find(|output| output.status.code() != Some(0)) {
        let said = err(refused);
        assert!(said.contains("the import is running") || said.contains("this file is import"), "{said}");
    }
    let mut sql = home.sql().await;
    assert_eq!(sql.count("orders").await, ROWS as u64);
    assert_eq!(sql.count("order_events").await, ROWS as u64);
    let started = "SELECT state, created FROM imports WHERE state <> 'shown'";
    assert_eq!(sql.values(started).await, [[json!("finished"), json!(ROWS)]]);
    sql.assert_sound().await;
}

#[tokio::test]
async fn an_interrupt_in_the_terminal_says_how_to_go_on() {
    let home = with_cards(&[]).await;
    let file = file(&home);
    home.sql().await.add_orders_slowly().await;
    let mut command = home.command(&["import", &file, "--yes"]);
    let import = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("some rows are stored", async || home.sql().await.count("orders").await > 0).await;
    assert!(Command::new("kill").args(["-s", "INT", &import.id().to_string()]).status().unwrap().success());
    let output = spawn_blocking(move || import.wait_with_output()).await.unwrap().unwrap();
    home.sql().await.add_orders_fast().await;
    assert_eq!(output.status.code(), Some(1), "{}", out(&output));
    let said = err(&output);
    assert!(said.contains("`roms imports continue 1`") && said.contains("`roms imports undo 1`"), "{said}");
    assert!(done(&home, &["imports"]).await.contains("interrupted"), "the claim is given up at once");
    let printed = done(&home, &["imports", "continue", "1"]).await;
    assert!(printed.contains(&format!("Import 1: {ROWS} created.")), "{printed}");
    assert_finished(&home).await;
}

#[tokio::test]
async fn an_import_of_the_server_stops_with_it_and_gives_up_its_claim() {
    let home = with_cards(&[]).await;
    let content = std::fs::read(file(&home)).unwrap();
    home.sql().await.add_orders_slowly().await;
    let program = Program::start_in(home).await;
    let url = format!("{}/api/v2/imports?dry_run=false", program.url);
    let reply = reqwest::Client::new().post(url).body(content).send().await.unwrap();
    assert_eq!(reply.status(), 200, "{}", reply.text().await.unwrap());
    until("some rows are stored", async || program.sql().await.count("orders").await > 0).await;
    program.signal("TERM");
    let end = program.end().await;
    assert_eq!(end.code, Some(0), "{}", end.log);
    assert!(!end.log.contains("gave up waiting"), "{}", end.log);
    let mut sql = end.home.sql().await;
    let stored = sql.count("orders").await;
    let import = sql.values("SELECT done, state, claimed_at FROM imports").await;
    assert_eq!(import, [[json!(stored), json!("running"), json!(null)]]);
    assert!(stored < ROWS as u64, "it was stopped in the middle");
}
