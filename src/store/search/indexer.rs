//! Keeping the search index: made or removed as configured, and SQLite's kept up with the orders.

use std::sync::Arc;
use std::time::{Duration, Instant};

use migration::search_index;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, EntityTrait, Statement,
    TransactionTrait,
};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::store::admin::connect;
use crate::store::entity::orders;
use crate::store::{Store, StoreError};

/// Orders that are taken into the index at once. Writers wait for so long.
const PORTION: u32 = 500;
/// No order was written for so long: a time to take orders into the index.
const QUIET: Duration = Duration::from_millis(200);
/// Orders that wait until then, even if there is no quiet.
const MOST_WAITING: u64 = 50_000;

/// Failures in a row of which it is told.
const TOLD: u32 = 2;

/// The search index of a database.
#[derive(Clone, Debug)]
pub(crate) enum SearchIndex {
    /// There is none.
    None,
    /// SQLite's, which follows the orders after a while.
    Lagging(Arc<Lagging>),
    /// PostgreSQL's, which is a matter of its planner.
    Whole,
}

/// Tells the task that keeps an index what it must know.
#[derive(Debug)]
pub(crate) struct Lagging {
    written: Arc<Notify>,
    stop: CancellationToken,
}

impl Drop for Lagging {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl SearchIndex {
    pub(crate) const fn is_lagging(&self) -> bool {
        matches!(self, Self::Lagging(_))
    }

    /// Begins to keep the index of a database, where it has one.
    pub(crate) fn keep(exists: bool, writer: DatabaseConnection, readers: DatabaseConnection) -> Self {
        match (exists, writer.get_database_backend()) {
            (false, _) => return Self::None,
            (true, DbBackend::Postgres) => return Self::Whole,
            (true, _) => {}
        }
        let written = Arc::new(Notify::new());
        // What waited when the last process ended.
        written.notify_one();
        let stop = CancellationToken::new();
        let keeper = Keeper { writer, readers, written: Arc::clone(&written) };
        let stopped = stop.clone();
        tokio::spawn(async move { stopped.run_until_cancelled(keeper.run()).await });
        Self::Lagging(Arc::new(Lagging { written, stop }))
    }

    /// Orders were written.
    pub(crate) fn notify(&self) {
        if let Self::Lagging(lagging) = self {
            lagging.written.notify_one();
        }
    }

    /// Keeps the index no longer.
    pub(crate) fn stop(&self) {
        if let Self::Lagging(lagging) = self {
            lagging.stop.cancel();
        }
    }
}

/// Makes the index where it is wanted and missing, removes it where it is not wanted; without a
/// wish, a new database has one. Gives whether there is one.
///
/// # Errors
/// When the database fails. That PostgreSQL has no `pg_trgm` is no error; it searches without.
pub(crate) async fn prepare(
    transaction: &DatabaseTransaction,
    wanted: Option<bool>,
) -> Result<bool, StoreError> {
    let exists = search_index::exists(transaction).await?;
    let wanted = match wanted {
        Some(wanted) => wanted,
        None => exists || orders::Entity::find().one(transaction).await?.is_none(),
    };
    match (exists, wanted) {
        (false, true) => create(transaction).await,
        (true, false) => {
            search_index::drop(transaction).await?;
            Ok(false)
        }
        (true, true) | (false, false) => Ok(exists),
    }
}

/// Gives whether there is an index now.
async fn create(transaction: &DatabaseTransaction) -> Result<bool, StoreError> {
    // What PostgreSQL refuses must not spoil the whole transaction.
    let attempt = transaction.begin().await?;
    match search_index::create(&attempt).await {
        Ok(()) => {
            attempt.commit().await?;
            Ok(true)
        }
        Err(error) if transaction.get_database_backend() == DbBackend::Postgres => {
            attempt.rollback().await?;
            tracing::warn!(
                "searching will be slow, because there can be no index for it: {error}; CREATE EXTENSION pg_trgm, \
                 as a user that may, mends it, or search_index = false under [database] in the configuration"
            );
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// Takes orders into SQLite's index.
struct Keeper {
    writer: DatabaseConnection,
    readers: DatabaseConnection,
    written: Arc<Notify>,
}

impl Keeper {
    async fn run(self) {
        let mut failures = 0_u32;
        loop {
            self.written.notified().await;
            self.wait_for_quiet().await;
            match self.catch_up().await {
                Ok(()) => failures = 0,
                Err(error) => {
                    failures = failures.saturating_add(1);
                    // Once may be an outage, of which the writer tells. Then orders were written.
                    if failures == TOLD {
                        tracing::warn!(%error, "the search index does not follow the orders; searches are slower");
                    }
                }
            }
        }
    }

    /// Writing orders goes first.
    async fn wait_for_quiet(&self) {
        let mut since = Instant::now();
        while timeout(QUIET, self.written.notified()).await.is_ok() {
            if since.elapsed() > QUIET {
                since = Instant::now();
                if count_waiting(&self.readers, MOST_WAITING)
                    .await
                    .is_ok_and(|waiting| waiting > MOST_WAITING)
                {
                    return;
                }
            }
        }
    }

    async fn catch_up(&self) -> Result<(), StoreError> {
        let (begun, mut taken) = (Instant::now(), 0);
        loop {
            let portion = Instant::now();
            let orders = take_portion(&self.writer).await?;
            taken += orders;
            if orders < u64::from(PORTION) {
                break;
            }
            // Half of the time is for others.
            sleep(portion.elapsed()).await;
        }
        if taken > MOST_WAITING {
            tracing::info!(
                "took {taken} orders into the search index in {:.0} s",
                begun.elapsed().as_secs_f32()
            );
        }
        Ok(())
    }
}

impl Store {
    /// Rewrites SQLite's search index, so that nothing is left in it of what orders said before.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn rewrite_search_index(&self) -> Result<(), StoreError> {
        self.catch_up_search().await?;
        if self.search.is_lagging() {
            let optimize = "INSERT INTO orders_search (orders_search) VALUES ('optimize')";
            self.writer.execute_unprepared(optimize).await?;
        }
        Ok(())
    }

    /// Takes every order into SQLite's search index that waits for it; gives how many. This also
    /// happens by itself, after a while without new orders.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn catch_up_search(&self) -> Result<u64, StoreError> {
        let mut taken = 0;
        while self.search.is_lagging() {
            let orders = take_portion(&self.writer).await?;
            taken += orders;
            if orders == 0 {
                break;
            }
        }
        Ok(taken)
    }
}

/// Takes the oldest of the waiting orders into the index; gives how many.
async fn take_portion(writer: &DatabaseConnection) -> Result<u64, StoreError> {
    let transaction = connect::begin(writer).await?;
    let sql = format!(
        "SELECT max(order_id), count(*) FROM (SELECT order_id FROM search_pending ORDER BY order_id LIMIT {PORTION})"
    );
    let row = transaction.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await?;
    let portion =
        row.map(|row| Ok::<_, sea_orm::DbErr>((row.try_get_by_index(0)?, row.try_get_by_index(1)?)));
    let Some((Some(last), orders)) = portion.transpose()? else { return Ok(0) };
    let last: i64 = last;
    let columns = search_index::COLUMNS.join(", ");
    let waiting = "SELECT order_id FROM search_pending WHERE order_id <= ?";
    let statements = [
        format!("DELETE FROM orders_search WHERE rowid IN ({waiting})"),
        format!(
            "INSERT INTO orders_search (rowid, {columns}) SELECT id, {columns} FROM orders WHERE id IN ({waiting}) \
             ORDER BY id"
        ),
        "DELETE FROM search_pending WHERE order_id <= ?".to_owned(),
    ];
    for sql in statements {
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, [last.into()]);
        transaction.execute_raw(statement).await?;
    }
    transaction.commit().await?;
    let orders: i64 = orders;
    Ok(u64::try_from(orders).unwrap_or_default())
}

/// How many orders wait; counts no further than one more than `most`.
pub(crate) async fn count_waiting(readers: &DatabaseConnection, most: u64) -> Result<u64, StoreError> {
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM search_pending LIMIT {most} + 1)");
    let row = readers.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await?;
    let counted = row.map_or(Ok(0), |row| row.try_get_by_index::<i64>(0))?;
    Ok(u64::try_from(counted).unwrap_or_default())
}
