//! The disk is full for a while.

use std::time::Duration;

use reqwest::Client;

use super::{Posts, assert_logged_outages, end};
use crate::support::app::{ORDERS, until};
use crate::support::disk::Disk;
use crate::support::home::Home;
use crate::support::load::{Load, assert_holds, card};
use crate::support::program::Program;
use crate::support::sql::Sql;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_while_the_disk_is_full() {
    let mounts = tempfile::tempdir().unwrap();
    for disk in Disk::kinds(mounts.path()) {
        let (mut posts, home) = Posts::in_home(Home::sqlite()).await;
        let database = disk.database(&home);
        let program = disk.start(home).await;
        posts.discord.until_ready().await;
        let load = Load::start(&program.url, "F", 8);
        posts.post(10);
        load.until_more(50).await;

        disk.fill(&program);
        until("orders are refused", async || !load.seen().refused.is_empty()).await;
        posts.post(50);
        let refused = load.seen().refused.len();
        until("orders go on being refused", async || load.seen().refused.len() >= refused + 50).await;
        disk.free(&program);

        load.until_more(50).await;
        posts.post(10);
        let mut sql = Sql::file(&database).await;
        posts.until_stored(&mut sql).await;
        let seen = load.end().await;
        assert!(seen.refused.iter().all(|code| code == "storage_unavailable"), "{:?}", seen.refused);
        assert_holds(&mut sql, &[seen.acknowledged, posts.numbers.clone()].concat()).await;
        drop(sql);
        assert_logged_outages(&end(program).await.log, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_already_stored_do_not_end_an_outage() {
    let (disk, (mut posts, home)) = (Disk::Limited, Posts::in_home(Home::sqlite()).await);
    let mut program = disk.start(home).await;
    posts.post(1);
    posts.until_stored(&mut program.sql().await).await;
    let sender = Sender::to(&program);
    disk.fill(&program);
    assert_eq!((sender.post("A").await, sender.health().await), (503, 503));
    // The history holds only messages that are already stored.
    posts.until_read_again(2).await;
    assert_eq!(sender.health().await, 503);
    disk.free(&program);
    program.line_with("the database accepts messages again").await;
    assert_eq!((sender.post("A").await, sender.health().await), (200, 200));
    assert_logged_outages(&end(program).await.log, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_ends_without_a_new_message() {
    let disk = Disk::Limited;
    let mut program = disk.start(Home::sqlite()).await;
    let sender = Sender::to(&program);
    assert_eq!((sender.post("A").await, sender.health().await), (200, 200));
    disk.fill(&program);
    assert_eq!((sender.post("B").await, sender.health().await), (503, 503));
    disk.free(&program);
    program.line_with("the database accepts messages again").await;
    assert_eq!((sender.health().await, sender.post("B").await), (200, 200));
    assert_logged_outages(&end(program).await.log, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_that_only_the_backfill_meets_is_logged() {
    let (disk, (posts, home)) = (Disk::Limited, Posts::in_home(Home::sqlite()).await);
    let mut program = disk.start(home).await;
    posts.discord.until_ready().await;
    posts.until_read_again(1).await;
    disk.fill(&program);
    // After a new session, the backfill reads the history and stores its cursor.
    posts.discord.gateway().invalidate(false);
    program.line_with("the database does not accept messages").await;
    disk.free(&program);
    program.line_with("the database accepts messages again").await;
    assert_logged_outages(&end(program).await.log, 1);
}

/// Sends single orders.
struct Sender {
    client: Client,
    url: String,
}

impl Sender {
    fn to(program: &Program) -> Self {
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
        Self { client, url: program.url.clone() }
    }

    /// Posts an order and returns the status of the answer.
    async fn post(&self, number: &str) -> u16 {
        let request = self.client.post(format!("{}{ORDERS}", self.url)).body(card(number));
        request.send().await.unwrap().status().as_u16()
    }

    /// The status of `/health`.
    async fn health(&self) -> u16 {
        self.client.get(format!("{}/health", self.url)).send().await.unwrap().status().as_u16()
    }
}
