//! A PostgreSQL primary fails and its standby takes over, in every way in which that happens. The address of the
//! database is a proxy that ends no connections. After each failover, the new primary must hold every acknowledged
//! order once. `just test-failover` runs these.
#![cfg(unix)]

mod orderly;
mod primaries;
mod start;
mod waiting;

use std::time::{Duration, Instant};

use tokio::sync::{Mutex, MutexGuard};

use crate::support::app::{until, until_ok};
use crate::support::cluster::Cluster;
use crate::support::home::Home;
use crate::support::load::{Load, assert_holds};
use crate::support::program::Program;
use crate::support::proxy::Proxy;
use crate::support::sql::Sql;

/// The first order must be acknowledged this long after there is a usable primary.
const FIRST_ORDER_DEADLINE: Duration = Duration::from_secs(2);

/// These tests measure times, so they run one after the other.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// A primary and a standby behind one address.
struct Pair {
    primary: Cluster,
    standby: Cluster,
    proxy: Proxy,
    /// A home with the database behind the address.
    home: Option<Home>,
    _turn: MutexGuard<'static, ()>,
}

impl Pair {
    /// An order is acknowledged only when the standby has it too.
    async fn synchronous() -> Self {
        Self::new("-c synchronous_standby_names=*").await
    }

    async fn asynchronous() -> Self {
        Self::new("").await
    }

    async fn new(settings: &str) -> Self {
        let turn = ONE_AT_A_TIME.lock().await;
        let primary = Cluster::start_with(settings);
        let standby = primary.standby();
        let mut home = primary.home();
        let proxy = home.behind_a_proxy().await;
        Self { primary, standby, proxy, home: Some(home), _turn: turn }
    }

    /// Starts ROMS on the address.
    async fn program(&mut self) -> Program {
        Program::start_in(self.home.take().expect("one program")).await
    }

    /// Promotes the standby, lets the address lead to it, and waits for the first order there.
    async fn fail_over(&self, load: &Load) {
        self.standby.promote();
        self.proxy.lead_to(self.standby.address());
        until_first(load, Instant::now()).await;
    }

    /// A connection to the server that was the standby at first.
    async fn new_primary(&self) -> Sql {
        self.standby.home().sql().await
    }
}

/// Waits until an order is acknowledged, which must happen soon after the database can be used.
async fn until_first(load: &Load, usable: Instant) {
    load.until_more(1).await;
    let waited = usable.elapsed();
    assert!(waited < FIRST_ORDER_DEADLINE, "the first order was acknowledged only after {waited:?}");
}

/// Ends the load, and asserts that the database holds every acknowledged order once.
async fn audit(load: Load, sql: &mut Sql) {
    let seen = load.end().await;
    assert!(seen.refused.iter().all(|code| code == "storage_unavailable"), "{:?}", seen.refused);
    assert_holds(sql, &seen.acknowledged).await;
}

/// The status of `/health/ready`.
async fn readiness(program: &Program) -> u16 {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().unwrap();
    let reply = client.get(format!("{}/health/ready", program.url)).send().await;
    reply.map_or(0, |reply| reply.status().as_u16())
}

/// Waits until `/health/ready` has this status.
pub(crate) async fn until_ready(program: &Program, status: u16) {
    until_ok("the readiness changes", async || {
        let now = readiness(program).await;
        if now == status { Ok(()) } else { Err(now) }
    })
    .await;
}

/// Waits until the standby follows the primary.
async fn until_following(sql: &mut Sql) {
    let following = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'";
    until_ok("the standby follows", async || match sql.value(following).await.as_i64() {
        Some(1) => Ok(()),
        other => Err(other),
    })
    .await;
}

/// Waits until orders are refused.
async fn until_refused(load: &Load) {
    let refused = load.seen().refused.len();
    until("orders are refused", async || load.seen().refused.len() > refused).await;
}
