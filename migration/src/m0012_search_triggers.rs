//! Replaces SQLite's first search index, which followed the orders after a while, by the one of
//! [`search_index`].

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::search_index;

/// Replaces the index in a database that has one.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Sqlite || !manager.has_table("search_pending").await?
        {
            return Ok(());
        }
        let connection = manager.get_connection();
        search_index::drop(connection).await?;
        connection.execute_unprepared("DROP TABLE search_pending").await?;
        search_index::create(connection).await
    }

    /// The index is made again when a database is opened.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        if search_index::exists(connection).await? { search_index::drop(connection).await } else { Ok(()) }
    }
}
