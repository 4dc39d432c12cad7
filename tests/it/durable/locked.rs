//! Another program holds the lock of the database for longer than ROMS waits for it.

use super::{Posts, assert_logged_outages, end};
use crate::support::app::until;
use crate::support::load::{Load, assert_holds};
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
