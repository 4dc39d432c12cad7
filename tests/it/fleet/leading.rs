//! Only the leader watches Discord, and a standby takes over when the leader is gone.

use tokio::time::timeout;

use super::{TAKEOVER_DEADLINE, leads, like, start, until_it_leads};
use crate::durable::{Posts, end};
use crate::support::app::{soon, until_ok};
use crate::support::home::Home;
use crate::support::load::{Load, assert_holds};
use crate::support::program::Program;
use crate::support::proxy::Network;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server"]
async fn when_the_leader_of_three_is_killed_under_load_another_takes_over_and_nothing_is_lost() {
    let (mut posts, home) = Posts::in_home(Home::postgres()).await;
    let (shared, others) = (home.with_same_database(), vec![like(&home), like(&home)]);
    let mut programs = start(home, others, &posts.discord).await;
    assert!(leads(&programs[0]).await);
    let loads: Vec<Load> = programs
        .iter()
        .zip(["A", "B", "C"])
        .map(|(program, name)| Load::start(&program.url, name, 4))
        .collect();
    posts.post(20);
    for load in &loads {
        load.until_more(30).await;
    }

    let killed = programs.remove(0);
    killed.signal("KILL");
    posts.post(50);
    let next = until_ok("another process leads", async || {
        if leads(&programs[0]).await {
            return Ok(0);
        }
        leads(&programs[1]).await.then_some(1).ok_or("no leader")
    });
    let next = timeout(TAKEOVER_DEADLINE, next).await.expect("another process leads before the deadline");
    until_it_leads(&programs[next]).await;
    assert!(!leads(&programs[1 - next]).await, "the third one stands by");
    posts.post(20);
    let mut sql = shared.sql().await;
    posts.until_stored(&mut sql).await;

    for load in &loads[1..] {
        load.until_more(30).await;
    }
    let mut acknowledged = posts.numbers.clone();
    for load in loads {
        let seen = load.end().await;
        assert!(seen.refused.is_empty(), "{:?}", seen.refused);
        acknowledged.extend(seen.acknowledged);
    }
    assert_holds(&mut sql, &acknowledged).await;
    assert_eq!(posts.discord.gateway().identifies(), 2, "one session at a time");
    assert_eq!(killed.end().await.code, None);
    for program in programs {
        end(program).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server"]
async fn a_leader_that_is_cut_off_lets_go_and_stands_by_when_it_is_back() {
    for network in [Network::Frozen, Network::Cut] {
        let (mut posts, mut home) = Posts::in_home(Home::postgres()).await;
        let (shared, other) = (home.with_same_database(), like(&home));
        let proxy = home.behind_a_proxy().await;
        let mut programs = start(home, vec![other], &posts.discord).await;
        posts.post(5);
        let mut sql = shared.sql().await;
        posts.until_stored(&mut sql).await;

        proxy.set(network);
        posts.post(20);
        programs[0].line_with("leaving Discord").await;
        assert!(!leads(&programs[0]).await, "it does not call itself the leader any more");
        until_it_leads(&programs[1]).await;
        posts.post(5);
        posts.until_stored(&mut sql).await;
        assert_eq!(posts.discord.gateway().identifies(), 2);

        proxy.set(Network::Healthy);
        programs[0].line_with("standing by").await;
        assert!(leads(&programs[1]).await);
        assert_holds(&mut sql, &posts.numbers).await;
        for program in programs {
            end(program).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server"]
async fn a_leader_that_ends_in_order_gives_the_lead_away() {
    let (mut posts, home) = Posts::in_home(Home::postgres()).await;
    let (shared, other) = (home.with_same_database(), like(&home));
    let mut programs = start(home, vec![other], &posts.discord).await;
    let first = programs.remove(0);
    let (ended, ()) = soon(async { tokio::join!(end(first), until_it_leads(&programs[0])) }).await;
    assert_eq!(ended.code, Some(0));
    posts.post(5);
    posts.until_stored(&mut shared.sql().await).await;
    end(programs.remove(0)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server"]
async fn a_lease_of_a_primary_whose_clock_was_ahead_keeps_no_process_waiting() {
    let (mut posts, home) = Posts::in_home(Home::postgres()).await;
    let shared = home.with_same_database();
    // Creates the tables.
    end(Program::start_in(home.with_same_database()).await).await;
    let mut sql = shared.sql().await;
    sql.run(
        "INSERT INTO leader (id, holder, epoch, expires_at) VALUES (1, 'gone', 7, now() + interval '1 hour')",
    )
    .await;
    let program = soon(start(home, Vec::new(), &posts.discord)).await.remove(0);
    until_it_leads(&program).await;
    posts.post(5);
    posts.until_stored(&mut sql).await;
    assert_eq!(sql.value("SELECT epoch FROM leader").await, 8);
    end(program).await;
}
