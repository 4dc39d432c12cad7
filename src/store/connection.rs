//! A pool of connections, and a transaction on one of them, for either engine. SeaORM's own pool serves SQLite;
//! PostgreSQL has a pool in [`pool`], because its connections must be set up and checked for every transaction.

pub(crate) mod pool;
pub(crate) mod rights;
pub(crate) mod server;

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};

use pool::{Pool, PoolTransaction};

/// A pool of connections.
#[derive(Clone, Debug)]
pub(crate) enum Connection {
    Sqlite(DatabaseConnection),
    Postgres(Pool),
}

/// A transaction. Dropping it without a commit changes nothing.
pub(crate) enum Transaction {
    // Boxed, because it is much larger than the other.
    Sqlite(Box<DatabaseTransaction>),
    Postgres(PoolTransaction),
}

impl Connection {
    /// Begins a transaction.
    pub(crate) async fn begin(&self) -> Result<Transaction, DbErr> {
        match self {
            Self::Sqlite(connection) => Ok(Transaction::Sqlite(Box::new(begin(connection).await?))),
            Self::Postgres(pool) => Ok(Transaction::Postgres(pool.begin().await?)),
        }
    }

    /// How many connections exist.
    pub(crate) fn usage(&self) -> PoolUsage {
        match self {
            Self::Sqlite(connection) => {
                let pool = connection.get_sqlite_connection_pool();
                let (open, idle) = (usize::try_from(pool.size()).unwrap_or_default(), pool.num_idle());
                let limit = usize::try_from(pool.options().get_max_connections()).unwrap_or_default();
                PoolUsage { used: open.saturating_sub(idle), idle, limit }
            }
            Self::Postgres(pool) => pool.usage(),
        }
    }

    /// Closes the connections that are not in use.
    pub(crate) async fn close(&self) -> Result<(), DbErr> {
        match self {
            Self::Sqlite(connection) => connection.close_by_ref().await,
            Self::Postgres(pool) => {
                pool.close().await;
                Ok(())
            }
        }
    }
}

/// How many connections of a pool exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUsage {
    /// Connections that run a transaction.
    pub used: usize,
    /// Open connections that wait for the next one.
    pub idle: usize,
    /// The most connections that may be open.
    pub limit: usize,
}

/// Begins a transaction of SeaORM. On SQLite it takes the write lock at once: a transaction that has already read cannot
/// wait for the lock, it fails.
pub(crate) async fn begin(connection: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let immediate = Some(SqliteTransactionMode::Immediate);
    connection
        .begin_with_options(TransactionOptions { sqlite_transaction_mode: immediate, ..Default::default() })
        .await
}

impl Transaction {
    pub(crate) async fn commit(self) -> Result<(), DbErr> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await,
            Self::Postgres(transaction) => transaction.commit().await,
        }
    }
}

#[async_trait]
impl ConnectionTrait for Connection {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::Sqlite(_) => DbBackend::Sqlite,
            Self::Postgres(_) => DbBackend::Postgres,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match self {
            Self::Sqlite(connection) => connection.execute_raw(statement).await,
            Self::Postgres(pool) => pool.execute(statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match self {
            Self::Sqlite(connection) => connection.execute_unprepared(sql).await,
            Self::Postgres(pool) => pool.execute(Statement::from_string(DbBackend::Postgres, sql)).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match self {
            Self::Sqlite(connection) => connection.query_one_raw(statement).await,
            Self::Postgres(pool) => Ok(pool.query(statement).await?.into_iter().next()),
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::Sqlite(connection) => connection.query_all_raw(statement).await,
            Self::Postgres(pool) => pool.query(statement).await,
        }
    }
}

#[async_trait]
impl ConnectionTrait for Transaction {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::Sqlite(_) => DbBackend::Sqlite,
            Self::Postgres(_) => DbBackend::Postgres,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match self {
            Self::Sqlite(transaction) => transaction.execute_raw(statement).await,
            Self::Postgres(transaction) => transaction.execute(statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match self {
            Self::Sqlite(transaction) => transaction.execute_unprepared(sql).await,
            Self::Postgres(transaction) => transaction.execute_unprepared(sql).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match self {
            Self::Sqlite(transaction) => transaction.query_one_raw(statement).await,
            Self::Postgres(transaction) => Ok(transaction.query(statement).await?.into_iter().next()),
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::Sqlite(transaction) => transaction.query_all_raw(statement).await,
            Self::Postgres(transaction) => transaction.query(statement).await,
        }
    }
}
