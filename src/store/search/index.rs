//! Creates, removes and rewrites the search index.

use migration::search_index;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, TransactionTrait};

use crate::store::connection::rights;
use crate::store::entity::orders;
use crate::store::{Store, StoreError};

/// Creates the search index if it is wanted and missing, removes it if it is not wanted, and returns
/// whether there is one. Without a wish, an existing database stays as it is and a new one gets an index.
///
/// # Errors
/// When the database fails. A PostgreSQL without `pg_trgm` is no error; ROMS then searches without an index.
pub(crate) async fn prepare(
    transaction: &DatabaseTransaction,
    wanted: Option<bool>,
) -> Result<bool, StoreError> {
    let exists = search_index::exists(transaction).await?;
    let wanted = match wanted {
        Some(wanted) => wanted,
        None => exists || orders::Entity::find().one(transaction).await?.is_none(),
    };
    if exists != wanted && transaction.get_database_backend() == DbBackend::Postgres {
        // Only the owner of a table may create and drop its indexes.
        if let Some(owner) = rights::foreign_owner(transaction).await? {
            let (problem, choice) = if exists {
                ("the search index stays, although search_index is false", "search_index = true")
            } else {
                ("searching will be slow, because there is no index for it", "search_index = false")
            };
            tracing::warn!(
                "{problem}: only {owner}, the owner of the tables, may change that; run `roms migrate` once as {owner}, \
                 or set {choice} under [database] in the configuration"
            );
            return Ok(exists);
        }
    }
    match (exists, wanted) {
        (false, true) => create(transaction).await,
        (true, false) => {
            search_index::drop(transaction).await?;
            Ok(false)
        }
        (true, true) | (false, false) => Ok(exists),
    }
}

/// Returns whether there is an index now.
async fn create(transaction: &DatabaseTransaction) -> Result<bool, StoreError> {
    // A savepoint: an error of PostgreSQL would end the whole transaction.
    let savepoint = transaction.begin().await?;
    match search_index::create(&savepoint).await {
        Ok(()) => {
            savepoint.commit().await?;
            Ok(true)
        }
        Err(error) if transaction.get_database_backend() == DbBackend::Postgres => {
            savepoint.rollback().await?;
            tracing::warn!(
                "searching will be slow, because there can be no index for it: {error}; run CREATE EXTENSION pg_trgm \
                 as a user who may, or set search_index = false under [database] in the configuration"
            );
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

impl Store {
    /// Rewrites SQLite's search index, so that it keeps nothing of what orders contained before.
    pub(crate) async fn rewrite_search_index(&self) -> Result<(), StoreError> {
        if self.has_search_index {
            let optimize = "INSERT INTO orders_search (orders_search) VALUES ('optimize')";
            self.writer.execute_unprepared(optimize).await?;
        }
        Ok(())
    }
}
