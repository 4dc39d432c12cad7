//! Why an order was cancelled, the host of its proxy, and the member that it belongs to.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::text_null;

const COLUMNS: [&str; 3] = ["cancel_reason", "proxy_host", "owner_id"];

/// Adds the columns, which are empty in existing orders.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time.
        for column in COLUMNS {
            manager
                .alter_table(Table::alter().table("orders").add_column(text_null(column)).to_owned())
                .await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in COLUMNS {
            manager.alter_table(Table::alter().table("orders").drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
