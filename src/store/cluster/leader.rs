//! Elects the process that watches Discord among several on one PostgreSQL database. The leader holds a lease: a row
//! that it renews every few seconds, by the clock of the database. A row also works behind a pooler in transaction mode,
//! where a lock of the session would get lost.
//!
//! Each new leader increases the epoch of the row. A cursor is only written with the current epoch, so that a process
//! that has not noticed the loss of its lease cannot overwrite what its successor did.
//!
//! SQLite has no lease: its one process is always the leader, and a row that changes every second would keep its
//! write-ahead log from ever being idle.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value};
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::store::connection::Transaction;
use crate::store::{Store, StoreError};

/// Takes the lease if it is not valid, and returns the epoch. A lease lasts longer than [`MAX_LEASE_AGE`], so that the old
/// leader has resigned before the next one takes over. The first condition keeps a standby from writing anything while
/// the lease is valid; the second one decides if several processes try at once.
///
/// A lease that ends much later than any lease can was made by another clock: that of a primary which has failed.
const TAKE: &str = "INSERT INTO leader (id, holder, epoch, expires_at) \
                    SELECT $2::int, $1, 1, clock_timestamp() + interval '5 seconds' WHERE NOT EXISTS (SELECT FROM leader \
                    WHERE id = $2 AND expires_at BETWEEN clock_timestamp() AND clock_timestamp() + interval '10 seconds') \
                    ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, epoch = leader.epoch + 1, \
                    expires_at = excluded.expires_at WHERE leader.expires_at \
                    NOT BETWEEN clock_timestamp() AND clock_timestamp() + interval '10 seconds' RETURNING epoch";
/// Renews the lease, unless another process has taken it.
const RENEW: &str = "UPDATE leader SET expires_at = clock_timestamp() + interval '5 seconds' \
                     WHERE holder = $1 AND epoch = $2 AND id = $3 RETURNING epoch";
/// Lets the next process take the lease at once.
const RELEASE: &str = "UPDATE leader SET expires_at = clock_timestamp() - interval '1 second' \
                       WHERE holder = $1 AND epoch = $2 AND id = $3";
/// Lets the next processes take every lease of this process at once.
const RELEASE_ALL: &str =
    "UPDATE leader SET expires_at = clock_timestamp() - interval '1 second' WHERE holder = $1";
/// Keeps other processes from taking the lease until the transaction ends.
const CONFIRM: &str = "SELECT 1 FROM leader WHERE id = 1 AND epoch = $1 FOR SHARE";

/// How often the leader renews the lease.
const RENEW_INTERVAL: Duration = Duration::from_secs(1);
/// A leader whose last renewal began longer ago resigns, whatever the server answers next: a process that was suspended
/// may wake up after another one has taken over.
const MAX_LEASE_AGE: Duration = Duration::from_secs(4);
/// How often a standby tries to take the lease.
const STANDBY_INTERVAL: Duration = Duration::from_millis(500);
/// How long the server may take to answer. Short enough for a second attempt before the leader has to resign.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(1500);
/// Log a failure only after this many in a row; the writer already reports shorter outages.
const LOG_AFTER_FAILURES: u32 = 60;

/// A task that only one of several processes on a database does. Its number is its row in `leader`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// Watching Discord.
    Discord = 1,
    /// Sending what is in the outbox. A process that does not watch Discord may do this.
    Outbox = 2,
}

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
        self.acquire_lease(Lease::Discord, stand_by).await
    }

    /// Waits until this process has the lease; calls `stand_by` if another process has it.
    pub async fn acquire_lease(&self, lease: Lease, stand_by: impl FnOnce()) -> Leadership {
        let (lost, end) = (CancellationToken::new(), CancellationToken::new());
        if self.server.is_some() {
            let (epoch, taken) = self.take_lease(lease, stand_by).await;
            if lease == Lease::Discord {
                self.epoch.store(epoch, Ordering::SeqCst);
            }
            tokio::spawn(self.clone().hold_lease(lease, epoch, taken, lost.clone(), end.clone()));
        }
        Leadership { lost, _resign: end.drop_guard() }
    }

    /// Fails if this process was the leader and another one has taken over. Otherwise none can until the transaction
    /// ends. A process that never was the leader, such as a command, may write.
    pub(crate) async fn confirm_leadership(&self, transaction: &Transaction) -> Result<(), StoreError> {
        let epoch = self.epoch.load(Ordering::SeqCst);
        if epoch == 0 {
            return Ok(());
        }
        let confirmed = transaction.query_one_raw(statement(CONFIRM, [epoch.into()])).await?;
        confirmed.map(drop).ok_or(StoreError::NotLeader)
    }

    /// Gives the leases back before the connections are closed, so that the next leader need not wait for their end.
    pub(crate) async fn release_leases(&self) {
        // If the server is gone, the leases end by themselves.
        drop(self.writer.execute_raw(statement(RELEASE_ALL, [self.origin.as_ref().into()])).await);
    }

    /// Tries until the lease is free, and returns the epoch and when the lease was asked for.
    async fn take_lease(&self, lease: Lease, stand_by: impl FnOnce()) -> (i64, Instant) {
        let (mut failures, mut stand_by) = (0_u32, Some(stand_by));
        loop {
            let values = [self.origin.as_ref().into(), (lease as i32).into()];
            let (asked, taken) = self.ask(statement(TAKE, values)).await;
            let epoch = match taken {
                Ok(row) => row.map(|row| row.try_get_by_index(0)).transpose().map_err(StoreError::from),
                Err(error) => Err(error),
            };
            match epoch {
                Ok(Some(epoch)) => return (epoch, asked),
                Ok(None) => {
                    failures = 0;
                    if let Some(stand_by) = stand_by.take() {
                        stand_by();
                    }
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    if failures == LOG_AFTER_FAILURES {
                        tracing::warn!(%error, "cannot find out which process is the leader");
                    }
                }
            }
            sleep(STANDBY_INTERVAL).await;
        }
    }

    /// Renews the lease until it is lost or released.
    async fn hold_lease(
        self,
        lease: Lease,
        epoch: i64,
        mut renewed: Instant,
        lost: CancellationToken,
        end: CancellationToken,
    ) {
        let run = async |sql: &str| {
            let values = [self.origin.as_ref().into(), epoch.into(), (lease as i32).into()];
            self.ask(statement(sql, values)).await
        };
        while end.run_until_cancelled(sleep(RENEW_INTERVAL)).await.is_some() {
            let renewing = timeout(MAX_LEASE_AGE.saturating_sub(renewed.elapsed()), run(RENEW)).await;
            match renewing {
                Ok((asked, Ok(Some(_)))) if renewed.elapsed() <= MAX_LEASE_AGE => renewed = asked,
                // The lease is still held; a moment later the server may answer again.
                Ok((_, Err(_))) if renewed.elapsed() <= MAX_LEASE_AGE => {}
                _ => return lost.cancel(),
            }
        }
        // Does not wait for a server that is gone.
        drop(timeout(ANSWER_TIMEOUT, run(RELEASE)).await);
    }

    /// Runs a statement about a lease. Returns when it was sent, and the row that it returns. Connecting has
    /// separate timeouts: on a busy machine it takes longer than the statement, and after a timeout the next
    /// attempt would have to connect again.
    async fn ask(&self, statement: Statement) -> (Instant, Result<Option<QueryResult>, StoreError>) {
        let transaction = match self.writer.begin().await {
            Ok(transaction) => transaction,
            Err(error) => return (Instant::now(), Err(error.into())),
        };
        let asked = Instant::now();
        let asking = async {
            let row = transaction.query_one_raw(statement).await?;
            transaction.commit().await?;
            Ok::<_, StoreError>(row)
        };
        (asked, timeout(ANSWER_TIMEOUT, asking).await.unwrap_or(Err(StoreError::Silent)))
    }
}

fn statement<const N: usize>(sql: &str, values: [Value; N]) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}
