//! Indexes for what people type: a number, an e-mail address, a profile or the beginning of one, in any case.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// Creates the indexes.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const COLUMNS: [&str; 3] = ["order_number", "email", "profile"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // A prefix is a range only if texts are sorted by their bytes. SQLite does that by default.
        let collation = match manager.get_database_backend() {
            DbBackend::Postgres => " COLLATE \"C\"",
            _ => "",
        };
        for column in COLUMNS {
            // The builder cannot create an index on an expression.
            let index =
                format!("CREATE INDEX orders_{column}_prefix ON orders ((lower({column}){collation}), id)");
            manager.get_connection().execute_unprepared(&index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in COLUMNS {
            let index = Index::drop().name(format!("orders_{column}_prefix")).table("orders").to_owned();
            manager.drop_index(index).await?;
        }
        Ok(())
    }
}
