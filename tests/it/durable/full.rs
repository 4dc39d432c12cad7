//! The disk is full for a while.

use super::{Posts, assert_told_once, end};
use crate::support::app::until;
use crate::support::disk::Disk;
use crate::support::home::Home;
use crate::support::load::{Load, assert_holds};
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
