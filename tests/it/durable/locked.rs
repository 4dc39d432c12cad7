//! Another program holds the lock of the database for longer than ROMS waits for it.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Posts, assert_logged_outages, end};
use crate::support::app::{App, until};
use crate::support::load::{Load, assert_holds, card};
use crate::support::program::Program;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_while_the_database_is_locked() {
    let (mut posts, home) = Posts::new().await;
    let program = Program::start_in(home).await;
    posts.discord.until_ready().await;
    let load = Load::start(&program.url, "L", 8);
    posts.post(10);
    load.until_more(50).await;

    let mut lock = program.sql().await;
    lock.lock().await;
    posts.post(50);
    until("orders are refused", async || load.seen().refused.len() >= 8).await;
    posts.post(10);
    lock.unlock().await;

    load.until_more(50).await;
    posts.post(10);
    let mut sql = program.sql().await;
    posts.until_stored(&mut sql).await;
    let seen = load.end().await;
    assert!(seen.refused.iter().all(|code| code == "storage_unavailable"), "{:?}", seen.refused);
    assert_holds(&mut sql, &[seen.acknowledged, posts.numbers.clone()].concat()).await;
    assert_logged_outages(&end(program).await.log, 1);
}

#[tokio::test]
async fn an_outage_began_when_its_first_write_had_no_answer() {
    let app = App::start().await;
    let mut lock = app.sql().await;
    lock.lock().await;
    let posted = Utc::now();
    assert_eq!(app.post(card("S-1")).await.status, 503);
    // The write was given up seconds later.
    assert!(Utc::now() - posted > TimeDelta::seconds(4));
    let health = app.get("/health").await.json;
    let since: DateTime<Utc> =
        health["checks"]["database"]["since"].as_str().expect("an outage").parse().unwrap();
    assert!(since - posted < TimeDelta::seconds(3), "posted at {posted}: {health}");
    lock.unlock().await;
}
