//! The primary stays the same, but no order can be acknowledged for a while: its only synchronous standby is gone, or
//! the network loses everything.

use std::time::Instant;

use super::{Pair, audit, readiness, until_first, until_ready, until_refused};
use crate::durable::end;
use crate::support::app::until;
use crate::support::load::Load;
use crate::support::program::Program;
use crate::support::proxy::Network;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server"]
async fn without_its_synchronous_standby_roms_is_unready_until_the_standby_is_back() {
    let mut pair = Pair::synchronous().await;
    let again = pair.home.as_ref().unwrap().with_same_database();
    let program = pair.program().await;
    let load = Load::start(&program.url, "W", 8);
    load.until_more(100).await;
    pair.standby.stop("fast");
    let stopped = Instant::now();
    until_ready(&program, 503).await;
    assert!(stopped.elapsed().as_secs() < 6, "unready only after {:?}", stopped.elapsed());

    // A second process that starts now is not ready either.
    let second = Program::start_in(again).await;
    assert_eq!(readiness(&second).await, 503);

    until_refused(&load).await;
    pair.standby.start_again();
    until_first(&load, Instant::now()).await;
    until_ready(&second, 200).await;
    load.until_more(50).await;
    audit(load, &mut pair.primary.home().sql().await).await;
    end(program).await;
    end(second).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server"]
async fn orders_are_accepted_soon_after_the_network_has_lost_everything_for_a_while() {
    let mut pair = Pair::asynchronous().await;
    let mut program = pair.program().await;
    let load = Load::start(&program.url, "L", 8);
    load.until_more(100).await;
    pair.proxy.set(Network::Lossy);
    until_ready(&program, 503).await;
    // Each attempt to connect begins after the one before has failed.
    let attempts = pair.proxy.accepted();
    until("connections fail", async || pair.proxy.accepted() > attempts + 2).await;
    // The writer still waits for the answer to a statement that is lost.
    pair.proxy.set(Network::Healthy);
    until_first(&load, Instant::now()).await;
    until_ready(&program, 200).await;

    pair.proxy.set(Network::Lossy);
    program.line_with("the database does not accept messages").await;
    // Now the writer waits for a new connection.
    until_refused(&load).await;
    pair.proxy.set(Network::Healthy);
    until_first(&load, Instant::now()).await;
    load.until_more(50).await;
    audit(load, &mut pair.primary.home().sql().await).await;
    end(program).await;
}
