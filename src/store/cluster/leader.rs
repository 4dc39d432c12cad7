//! Which of several processes on one database holds the gateway: the one whose session holds an
//! advisory lock. PostgreSQL gives the lock away when the session ends, by whatever way a process
//! or a network goes.

use std::time::{Duration, Instant};

use sea_orm::sqlx::{self, Connection, PgConnection};
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::store::Store;
use crate::store::admin::connect::Server;

/// Between two questions of a process that stands by.
const ASK: Duration = Duration::from_secs(1);
/// Failures in a row of which it is told: until then an outage is one of which the writer tells.
const TOLD: u32 = 30;
/// Between two signs of life of the leader.
const PULSE: Duration = Duration::from_secs(1);
/// How long the server may take to answer one.
const PATIENCE: Duration = Duration::from_secs(3);
/// A leader whose last sign of life is as old as this has lost the lead, whatever the server says
/// next: a process that was stopped wakes into another time.
const DOUBT: Duration = Duration::from_secs(8);
/// After so long without a sign of life the server ends the session. Longer than a leader needs to
/// know by itself that it is cut off: one has let go before the next takes over. The keepalives
/// are for servers that do not notice the time of an idle session.
const SESSION: [(&str, &str); 6] = [
    ("idle_session_timeout", "10s"),
    ("statement_timeout", "3s"),
    ("tcp_keepalives_idle", "3"),
    ("tcp_keepalives_interval", "2"),
    ("tcp_keepalives_count", "2"),
    ("tcp_user_timeout", "9s"),
];

/// "roms" in ASCII, and the schema: two ROMS in one database do not stand in each other's way.
const ASK_FOR_IT: &str = "SELECT pg_try_advisory_lock(1919905139, hashtext(current_schema()))";
const HAVE_IT: &str = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted \
                       AND classid = 1919905139 AND pid = pg_backend_pid())";

/// The lead, until it is lost. Dropping it gives it back.
#[derive(Debug)]
pub struct Leadership {
    lost: CancellationToken,
    _kept: DropGuard,
}

impl Leadership {
    /// Comes when the lead is lost: then another process may have it.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }
}

impl Store {
    /// Waits until this process leads; calls `stand_by` when another one does. With SQLite there is
    /// one process, which always leads.
    pub async fn acquire_leadership(&self, stand_by: impl FnOnce()) -> Leadership {
        let (lost, end) = (CancellationToken::new(), CancellationToken::new());
        if let Some(server) = &self.server {
            let connection = wait(server, stand_by).await;
            tokio::spawn(keep(connection, lost.clone(), end.clone()));
        }
        Leadership { lost, _kept: end.drop_guard() }
    }
}

/// Asks until the lock is free, on a connection that then holds it.
async fn wait(server: &Server, stand_by: impl FnOnce()) -> PgConnection {
    let (mut idle, mut failures, mut stand_by) = (None, 0_u32, Some(stand_by));
    loop {
        let asked = timeout(PATIENCE, ask(server, idle.take())).await;
        match asked.unwrap_or(Err(sqlx::Error::PoolTimedOut)) {
            Ok((connection, true)) => return connection,
            Ok((connection, false)) => {
                (idle, failures) = (Some(connection), 0);
                if let Some(stand_by) = stand_by.take() {
                    stand_by();
                }
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                if failures == TOLD {
                    tracing::warn!("cannot ask who watches Discord: {}", server.refused(&error));
                }
            }
        }
        sleep(ASK).await;
    }
}

/// Asks for the lock once.
async fn ask(server: &Server, idle: Option<PgConnection>) -> Result<(PgConnection, bool), sqlx::Error> {
    let mut connection = match idle {
        Some(connection) => connection,
        None => server.connect(&SESSION).await?,
    };
    let (got,): (bool,) = sqlx::query_as(ASK_FOR_IT).fetch_one(&mut connection).await?;
    Ok((connection, got))
}

/// Gives signs of life until the lock is gone or given back.
async fn keep(mut connection: PgConnection, lost: CancellationToken, end: CancellationToken) {
    let mut alive = Instant::now();
    while end.run_until_cancelled(sleep(PULSE)).await.is_some() {
        let asked = Instant::now();
        let asking = sqlx::query_as::<_, (bool,)>(HAVE_IT).fetch_one(&mut connection);
        let held = matches!(timeout(PATIENCE, asking).await, Ok(Ok((true,))));
        if !held || asked.duration_since(alive) > DOUBT {
            lost.cancel();
            return;
        }
        alive = asked;
    }
    // A server that is gone is not waited for.
    drop(timeout(PATIENCE, connection.close()).await);
}
