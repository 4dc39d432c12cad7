//! Elects the process that watches Discord among several on one PostgreSQL database: the one whose session holds an
//! advisory lock. PostgreSQL releases the lock when the session ends, however the process or the network fails.

use std::time::{Duration, Instant};

use sea_orm::sqlx::{self, Connection, PgConnection};
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::store::Store;
use crate::store::admin::connect::Server;

/// How often a standby asks for the lock.
const STANDBY_INTERVAL: Duration = Duration::from_secs(1);
/// Log a failure only after this many in a row; the writer already reports shorter outages.
const LOG_AFTER_FAILURES: u32 = 30;
/// How often the leader checks that it still holds the lock.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);
/// How long the server may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
/// A leader whose last successful check is older than this resigns, whatever the server answers next: a process that
/// was suspended may wake up after another one has taken over.
const MAX_HEARTBEAT_AGE: Duration = Duration::from_secs(8);
/// The server ends the session after 10 s without a check. That is longer than [`MAX_HEARTBEAT_AGE`], so that the old
/// leader has resigned before the next one takes over. The keepalives are for servers that do not end idle sessions.
const SESSION_SETTINGS: [(&str, &str); 6] = [
    ("idle_session_timeout", "10s"),
    ("statement_timeout", "3s"),
    ("tcp_keepalives_idle", "3"),
    ("tcp_keepalives_interval", "2"),
    ("tcp_keepalives_count", "2"),
    ("tcp_user_timeout", "9s"),
];

/// The lock's key is "roms" in ASCII and the schema, so that two installations in one database have a leader each.
const TRY_LOCK: &str = "SELECT pg_try_advisory_lock(1919905139, hashtext(current_schema()))";
const HOLDS_LOCK: &str = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted \
                       AND classid = 1919905139 AND pid = pg_backend_pid())";

/// Held by the leader. Dropping it resigns.
#[derive(Debug)]
pub struct Leadership {
    lost: CancellationToken,
    _resign: DropGuard,
}

impl Leadership {
    /// Returns when the leadership is lost. Another process may be leader then.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }
}

impl Store {
    /// Waits until this process is the leader; calls `stand_by` if another process is. With SQLite there is only one
    /// process, which is always the leader.
    pub async fn acquire_leadership(&self, stand_by: impl FnOnce()) -> Leadership {
        let (lost, end) = (CancellationToken::new(), CancellationToken::new());
        if let Some(server) = &self.server {
            let connection = wait(server, stand_by).await;
            tokio::spawn(hold(connection, lost.clone(), end.clone()));
        }
        Leadership { lost, _resign: end.drop_guard() }
    }
}

/// Asks for the lock until it is free, and returns the connection that holds it.
async fn wait(server: &Server, stand_by: impl FnOnce()) -> PgConnection {
    let (mut idle, mut failures, mut stand_by) = (None, 0_u32, Some(stand_by));
    loop {
        let asked = timeout(ANSWER_TIMEOUT, ask(server, idle.take())).await;
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
                if failures == LOG_AFTER_FAILURES {
                    tracing::warn!(
                        "cannot find out which process watches Discord: {}",
                        server.refused(&error)
                    );
                }
            }
        }
        sleep(STANDBY_INTERVAL).await;
    }
}

/// Asks for the lock once, and returns the connection and whether it holds the lock.
async fn ask(server: &Server, idle: Option<PgConnection>) -> Result<(PgConnection, bool), sqlx::Error> {
    let mut connection = match idle {
        Some(connection) => connection,
        None => server.connect(&SESSION_SETTINGS).await?,
    };
    let (got,): (bool,) = sqlx::query_as(TRY_LOCK).fetch_one(&mut connection).await?;
    Ok((connection, got))
}

/// Checks regularly that the connection holds the lock, until it is lost or released.
async fn hold(mut connection: PgConnection, lost: CancellationToken, end: CancellationToken) {
    let mut alive = Instant::now();
    while end.run_until_cancelled(sleep(HEARTBEAT_INTERVAL)).await.is_some() {
        let asked = Instant::now();
        let asking = sqlx::query_as::<_, (bool,)>(HOLDS_LOCK).fetch_one(&mut connection);
        let held = matches!(timeout(ANSWER_TIMEOUT, asking).await, Ok(Ok((true,))));
        if !held || asked.duration_since(alive) > MAX_HEARTBEAT_AGE {
            lost.cancel();
            return;
        }
        alive = asked;
    }
    // Does not wait for a server that is gone.
    drop(timeout(ANSWER_TIMEOUT, connection.close()).await);
}
