//! The PostgreSQL server is stopped for a while, or ends sessions in the middle of their work.
//! `just test-postgres` runs these.

use super::{Posts, assert_logged_outages, end};
use crate::support::app::{until, until_ok};
use crate::support::cluster::Cluster;
use crate::support::home::Home;
use crate::support::load::{Load, assert_holds};
use crate::support::program::Program;
use crate::support::sql::Sql;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server"]
async fn nothing_is_lost_while_the_server_is_stopped_or_after_it_crashed() {
    let cluster = Cluster::start();
    let (mut posts, home) = Posts::in_home(cluster.home()).await;
    let mut program = Program::start_in(home).await;
    posts.discord.until_ready().await;
    let load = Load::start(&program.url, "P", 8);
    posts.post(10);
    // How the server ends, and how many orders are refused before it starts again.
    let outages = [("fast", 40), ("immediate", 8)];
    for (mode, refusals) in outages {
        load.until_more(50).await;
        let refused = load.seen().refused.len();
        cluster.stop(mode);
        posts.post(30);
        until("orders are refused", async || load.seen().refused.len() >= refused + refusals).await;
        cluster.start_again();
        load.until_more(50).await;
        posts.post(10);
        posts.until_stored(&mut program.sql().await).await;
        program.line_with("the database accepts messages again").await;
    }
    let seen = load.end().await;
    assert!(seen.refused.iter().all(|code| code == "storage_unavailable"), "{:?}", seen.refused);
    assert_holds(&mut program.sql().await, &[seen.acknowledged, posts.numbers.clone()].concat()).await;
    assert_logged_outages(&end(program).await.log, outages.len());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server"]
async fn sessions_that_are_ended_in_the_middle_of_a_transaction_lose_nothing() {
    let (mut posts, home) = Posts::in_home(Home::postgres()).await;
    let program = Program::start_in(home).await;
    posts.discord.until_ready().await;
    let load = Load::start(&program.url, "T", 8);
    let mut sql = program.sql().await;
    for _ in 0..10 {
        load.until_more(20).await;
        posts.post(3);
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'roms' \
                   AND datname = current_database() AND xact_start IS NOT NULL";
        until_some(&mut sql, end).await;
    }
    load.until_more(20).await;
    posts.until_stored(&mut sql).await;
    let seen = load.end().await;
    assert!(seen.refused.iter().all(|code| code == "storage_unavailable"), "{:?}", seen.refused);
    assert!(!seen.refused.is_empty());
    assert_holds(&mut sql, &[seen.acknowledged, posts.numbers.clone()].concat()).await;
    end(program).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server"]
async fn a_shutdown_interrupts_the_probe_of_an_outage() {
    let program = Program::start_in(Home::postgres()).await;
    let (mut lock, mut sql) = (program.sql().await, program.sql().await);
    lock.lock().await;
    let load = Load::start(&program.url, "O", 1);
    until("an order is refused", async || !load.seen().refused.is_empty()).await;
    load.end().await;
    // Nothing waits to be stored any more; this is the writer's probe.
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'roms' \
                   AND datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'DELETE%'";
    until_some(&mut sql, waiting).await;
    // The program would fail if the writer did not end in time.
    end(program).await;
}

/// Waits until a query returns a number above zero.
async fn until_some(sql: &mut Sql, query: &str) {
    until_ok(query, async || if sql.value(query).await == 0 { Err(0) } else { Ok(()) }).await;
}
