//! A pool of PostgreSQL sessions. Every statement runs in a transaction that first sets what ROMS relies on with
//! `SET LOCAL`: a setting of the session would get lost behind a pooler in transaction mode.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use sea_orm::sqlx::postgres::{PgArguments, PgDatabaseError, PgRow};
use sea_orm::sqlx::query::Query;
use sea_orm::sqlx::{self, AssertSqlSafe, Executor, IntoArguments, PgConnection, Postgres};
use sea_orm::{DbErr, ExecResult, QueryResult, RuntimeErr, Statement};
use sea_query_sqlx::SqlxValues;
use tokio::runtime::Handle;
use tokio::sync::{Mutex as AsyncMutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::PoolUsage;
use super::server::{NotPrimary, Server, Session};
use crate::store::error::{postgres as codes, postgres_code, postgres_error};

/// How long to wait for a free session.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a transaction may take to begin or to roll back. These wait for nothing but the network.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a statement may take. The server ends it earlier, so that only a broken network reaches this.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(35);

/// Names and values of settings, in the form in which PostgreSQL shows them.
pub(crate) type Settings<'a> = &'a [(&'a str, &'a str)];

/// ROMS must not acknowledge a message before it is on disk. `off` is the only value with which the server does; another
/// value is the choice of whoever runs it.
const DURABLE: &str = "; SELECT set_config('synchronous_commit', 'on', true) \
                       WHERE current_setting('synchronous_commit') = 'off'";

/// A pool of sessions; clones share it.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Inner>);

struct Inner {
    server: Server,
    /// `BEGIN` and the settings of a transaction.
    begin: String,
    is_read_only: bool,
    idle: Mutex<Vec<Session>>,
    /// A permit for each session.
    permits: Arc<Semaphore>,
    /// How many permits there are.
    limit: usize,
}

/// A transaction. Dropping it rolls it back.
pub(crate) struct PoolTransaction {
    pool: Pool,
    /// Absent while a statement runs. If the caller abandons the statement, the session is dropped with it.
    session: AsyncMutex<Option<Session>>,
    permit: Option<OwnedSemaphorePermit>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0.server, f)
    }
}

impl Pool {
    /// A pool of at most this many sessions. The settings hold in each of its transactions.
    pub(crate) fn new(server: Server, settings: Settings<'_>, is_read_only: bool, sessions: usize) -> Self {
        let mut begin = if is_read_only { "BEGIN READ ONLY" } else { "BEGIN" }.to_owned();
        for (name, value) in settings {
            begin.extend(["; SET LOCAL ", name, " = '", value, "'"]);
        }
        if !is_read_only {
            begin.push_str(DURABLE);
        }
        let permits = Arc::new(Semaphore::new(sessions));
        Self(Arc::new(Inner {
            server,
            begin,
            is_read_only,
            idle: Mutex::default(),
            permits,
            limit: sessions,
        }))
    }

    /// How many sessions exist.
    pub(crate) fn usage(&self) -> PoolUsage {
        let limit = self.0.limit;
        let used = limit.saturating_sub(self.0.permits.available_permits());
        PoolUsage { used, idle: self.idle().len(), limit }
    }

    /// Begins a transaction.
    pub(crate) async fn begin(&self) -> Result<PoolTransaction, DbErr> {
        let acquiring = timeout(ACQUIRE_TIMEOUT, Arc::clone(&self.0.permits).acquire_owned()).await;
        let Ok(Ok(permit)) = acquiring else { return Err(failed(sqlx::Error::PoolTimedOut)) };
        let session = self.begun_session().await.map_err(failed)?;
        Ok(PoolTransaction {
            pool: self.clone(),
            session: AsyncMutex::new(Some(session)),
            permit: Some(permit),
        })
    }

    /// A session in a new transaction. Sessions that ended while they were idle are replaced.
    async fn begun_session(&self) -> Result<Session, sqlx::Error> {
        loop {
            let (mut session, is_new) = match self.take_idle() {
                Some(session) => (session, false),
                None => (self.0.server.open_session().await?, true),
            };
            let begin = format!("{}; {}", self.0.begin, self.0.server.check(&session));
            let begin = session.connection.execute(sqlx::raw_sql(AssertSqlSafe(begin)));
            let mut reachable = self.0.server.replaced();
            let answer = tokio::select! {
                answer = timeout(ANSWER_TIMEOUT, begin) => answer.ok(),
                // Another connection was faster, so that this one may have lost the statement.
                _ = reachable.changed() => None,
            };
            match answer {
                Some(Ok(_)) => {
                    session.note_answer();
                    return Ok(session);
                }
                Some(Err(error)) => match postgres_code(&error) {
                    Some(codes::NO_SUCH_STATEMENT) if !self.0.server.is_pooled() => {
                        self.0.server.set_pooled();
                    }
                    Some(codes::DIVISION_BY_ZERO) => return Err(NotPrimary::Replaced.into()),
                    _ if is_new => return Err(error),
                    _ => {}
                },
                None => {
                    self.0.server.discard(session.generation());
                    if is_new {
                        return Err(sqlx::Error::PoolTimedOut);
                    }
                }
            }
        }
    }

    /// Runs one statement in a transaction of its own.
    pub(crate) async fn execute(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        loop {
            let transaction = self.begin().await?;
            match transaction.execute(statement.clone()).await {
                Err(error) if self.has_noticed_pooler(&error) => {}
                Err(error) => return Err(error),
                Ok(result) => return transaction.commit().await.map(|()| result),
            }
        }
    }

    /// Runs one query in a transaction of its own.
    pub(crate) async fn query(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        loop {
            let transaction = self.begin().await?;
            match transaction.query(statement.clone()).await {
                Err(error) if self.has_noticed_pooler(&error) => {}
                Err(error) => return Err(error),
                // No caller needs to wait for the end of a transaction that only read.
                Ok(rows) if self.0.is_read_only => return Ok(rows),
                Ok(rows) => return transaction.commit().await.map(|()| rows),
            }
        }
    }

    /// Whether a statement failed because the session was not the one in which it was prepared.
    fn has_noticed_pooler(&self, error: &DbErr) -> bool {
        let code = postgres_error(error).map(PgDatabaseError::code);
        let is_other_session = code.is_some_and(|code| codes::OTHER_SESSION.contains(&code));
        if is_other_session && !self.0.server.is_pooled() {
            self.0.server.set_pooled();
            return true;
        }
        false
    }

    /// Closes the sessions that are idle and not to be used again.
    pub(crate) async fn prune(&self) {
        let is_current = |session: &mut Session| session.is_current(&self.0.server);
        let old: Vec<Session> = self.idle().extract_if(.., |session| !is_current(session)).collect();
        for session in old {
            session.close().await;
        }
    }

    /// Closes the idle sessions and hands out no more.
    pub(crate) async fn close(&self) {
        self.0.permits.close();
        let idle = std::mem::take(&mut *self.idle());
        for session in idle {
            session.close().await;
        }
    }

    fn take_idle(&self) -> Option<Session> {
        let mut idle = self.idle();
        std::iter::from_fn(|| idle.pop()).find(|session| session.is_current(&self.0.server))
    }

    async fn give_back(&self, session: Session) {
        if session.is_current(&self.0.server) && !self.0.permits.is_closed() {
            self.idle().push(session);
        } else {
            session.close().await;
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Session>> {
        // Every change is a single push or pop.
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PoolTransaction {
    pub(crate) async fn execute(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let query = self.prepared(statement);
        self.run(|connection| connection.execute(query)).await.map(Into::into)
    }

    pub(crate) async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        self.run(|connection| connection.execute(sql)).await.map(Into::into)
    }

    pub(crate) async fn query(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let query = self.prepared(statement);
        let rows: Vec<PgRow> = self.run(|connection| connection.fetch_all(query)).await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    pub(crate) async fn commit(self) -> Result<(), DbErr> {
        self.run(|connection| connection.execute(sqlx::raw_sql("COMMIT"))).await?;
        if let Some(session) = self.session.lock().await.take() {
            self.pool.give_back(session).await;
        }
        Ok(())
    }

    /// A statement that is prepared once per session; behind a pooler, it stays unnamed.
    fn prepared(&self, statement: Statement) -> Query<'static, Postgres, PgArguments> {
        let values = statement.values.unwrap_or(sea_orm::Values(Vec::new()));
        let arguments = IntoArguments::<Postgres>::into_arguments(SqlxValues(values));
        sqlx::query_with(AssertSqlSafe(statement.sql), arguments).persistent(!self.pool.0.server.is_pooled())
    }

    /// Runs one statement. If it fails for a reason that other sessions share, none of them is used again.
    async fn run<T>(
        &self,
        statement: impl for<'c> FnOnce(&'c mut PgConnection) -> BoxFuture<'c, Result<T, sqlx::Error>>,
    ) -> Result<T, DbErr> {
        let mut slot = self.session.lock().await;
        let Some(mut session) = slot.take() else { return Err(failed(NotPrimary::Replaced.into())) };
        let abandoned = session.abandoned();
        let result = tokio::select! {
            result = timeout(STATEMENT_TIMEOUT, statement(&mut session.connection)) => {
                result.unwrap_or(Err(sqlx::Error::PoolTimedOut))
            }
            () = abandoned => Err(NotPrimary::Replaced.into()),
        };
        match result {
            Ok(result) => {
                session.note_answer();
                *slot = Some(session);
                Ok(result)
            }
            Err(error) => {
                let keeps_session = postgres_code(&error).is_some_and(|code| {
                    codes::SESSION_STAYS_USABLE.iter().any(|class| code.starts_with(class))
                });
                if keeps_session {
                    // The server refuses all further statements of the transaction.
                    tokio::spawn(roll_back(self.pool.clone(), session));
                } else {
                    self.pool.0.server.discard(session.generation());
                }
                Err(failed(error))
            }
        }
    }
}

impl Drop for PoolTransaction {
    fn drop(&mut self) {
        let (session, permit) = (self.session.get_mut().take(), self.permit.take());
        if let (Some(session), Ok(runtime)) = (session, Handle::try_current()) {
            let pool = self.pool.clone();
            runtime.spawn(async move {
                roll_back(pool, session).await;
                drop(permit);
            });
        }
    }
}

/// Ends a transaction without changes, and gives the session back if the server answers.
async fn roll_back(pool: Pool, mut session: Session) {
    let rollback = session.connection.execute(sqlx::raw_sql("ROLLBACK"));
    if let Ok(Ok(_)) = timeout(ANSWER_TIMEOUT, rollback).await {
        pool.give_back(session).await;
    }
}

pub(crate) fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}
