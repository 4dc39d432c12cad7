//! The only synchronous standby is gone, so that no order can be acknowledged.

use std::time::Instant;

use super::{Pair, audit, readiness, until_first, until_ready, until_refused};
use crate::durable::end;
use crate::support::load::Load;
use crate::support::program::Program;

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
