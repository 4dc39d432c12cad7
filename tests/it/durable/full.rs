//! The disk is full for a while.

use reqwest::{Client, RequestBuilder};

use super::{Posts, assert_told_once, end};
use crate::support::app::{ORDERS, until};
use crate::support::disk::Disk;
use crate::support::home::Home;
use crate::support::load::{Load, assert_holds, card};
use crate::support::sql::Sql;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_waited_for_and_nothing_is_lost() {
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
        assert_told_once(&end(program).await.log);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_ends_no_outage_and_what_ends_one_needs_no_message() {
    let (disk, (mut posts, home)) = (Disk::Limited, Posts::in_home(Home::sqlite()).await);
    let mut program = disk.start(home).await;
    posts.post(1);
    posts.until_stored(&mut program.sql().await).await;
    let (client, url) = (Client::builder().no_proxy().build().unwrap(), program.url.clone());
    let status = async |request: RequestBuilder| request.send().await.unwrap().status().as_u16();
    let post = async || status(client.post(format!("{url}{ORDERS}")).body(card("B"))).await;
    let health = async || status(client.get(format!("{url}/health"))).await;

    disk.fill(&program);
    assert_eq!((post().await, health().await), (503, 503));
    // The history holds nothing but what is stored.
    posts.until_read_again(2).await;
    assert_eq!(health().await, 503);
    disk.free(&program);
    program.line_with("the database takes messages again").await;
    assert_eq!((health().await, post().await), (200, 200));
    assert_told_once(&end(program).await.log);
}
