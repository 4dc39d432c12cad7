//! The primary is lost, and the standby is promoted.

use std::time::Instant;

use super::{Pair, audit, until_first, until_following, until_ready, until_refused};
use crate::durable::end;
use crate::support::app::until_ok;
use crate::support::load::Load;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server"]
async fn after_a_crash_of_the_primary_its_successor_holds_every_order_once() {
    let mut pair = Pair::synchronous().await;
    let program = pair.program().await;
    let load = Load::start(&program.url, "K", 8);
    load.until_more(100).await;
    pair.primary.stop("immediate");
    until_refused(&load).await;
    pair.fail_over(&load).await;
    load.until_more(50).await;
    audit(load, &mut pair.new_primary().await).await;
    let ended = end(program).await;
    assert!(ended.log.contains("the database has a new primary, on timeline 2"), "{}", ended.log);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server"]
async fn a_frozen_primary_is_given_up_and_not_used_when_it_wakes_up() {
    let mut pair = Pair::synchronous().await;
    let program = pair.program().await;
    let load = Load::start(&program.url, "F", 8);
    load.until_more(100).await;
    pair.primary.signal("STOP");
    until_ready(&program, 503).await;
    pair.fail_over(&load).await;
    // The proxy still holds the connections to the old primary.
    pair.primary.signal("CONT");
    load.until_more(100).await;
    audit(load, &mut pair.new_primary().await).await;
    end(program).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server"]
async fn an_address_that_leads_to_a_standby_first_costs_nothing_after_the_promotion() {
    let mut pair = Pair::synchronous().await;
    let mut program = pair.program().await;
    let load = Load::start(&program.url, "S", 8);
    load.until_more(100).await;
    pair.proxy.lead_to(pair.standby.address());
    program.line_with("leads to a server that ROMS does not use: it is a standby").await;
    pair.primary.stop("immediate");
    until_refused(&load).await;
    pair.fail_over(&load).await;
    load.until_more(50).await;
    audit(load, &mut pair.new_primary().await).await;
    end(program).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server"]
async fn an_old_primary_gets_no_orders_once_its_successor_was_seen() {
    let mut pair = Pair::asynchronous().await;
    let mut program = pair.program().await;
    let load = Load::start(&program.url, "O", 8);
    load.until_more(100).await;
    let before = load.end().await.acknowledged;
    until_following(&mut pair.primary.home().sql().await).await;
    let mut standby = pair.new_primary().await;
    until_ok("the standby has every order", async || match standby.count("orders").await {
        count if count == before.len() as u64 => Ok(()),
        count => Err(count),
    })
    .await;

    // Both are primaries now. ROMS has connections to the old one, and nothing ends them.
    pair.standby.promote();
    pair.proxy.lead_to(pair.standby.address());
    program.line_with("the database has a new primary, on timeline 2").await;
    let load = Load::start(&program.url, "N", 8);
    until_first(&load, Instant::now()).await;
    load.until_more(50).await;

    // The address leads back to the old one.
    pair.proxy.lead_to(pair.primary.address());
    program.line_with("it is an old primary: it is on timeline 1").await;
    load.until_more(50).await;
    let mut old = pair.primary.home().sql().await;
    assert_eq!(old.count("orders").await, before.len() as u64, "no order went to the old primary");
    audit(load, &mut pair.new_primary().await).await;
    end(program).await;
}
