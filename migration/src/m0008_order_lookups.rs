//! Indexes of `orders` for looking up numbers, e-mail addresses and profiles in any case.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// Creates the indexes.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Numbers are also looked up by how they begin, which needs the order of the bytes.
        let bytes = match manager.get_database_backend() {
            DbBackend::Postgres => r#" COLLATE "C""#,
            _ => "",
        };
        let number = format!("CREATE INDEX orders_number ON orders ((lower(order_number){bytes}))");
        manager.get_connection().execute_unprepared(&number).await?;
        for column in ["email", "profile"] {
            let index = format!("CREATE INDEX orders_{column}_id ON orders (lower({column}), id)");
            manager.get_connection().execute_unprepared(&index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in ["orders_number", "orders_email_id", "orders_profile_id"] {
            manager.drop_index(Index::drop().name(name).table("orders").to_owned()).await?;
        }
        Ok(())
    }
}
