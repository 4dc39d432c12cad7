//! Edits by people: who made them, and which columns of an order they emptied.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{text, text_null};

/// Adds both columns.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let actor = Table::alter().table("order_events").add_column(text_null("actor")).to_owned();
        manager.alter_table(actor).await?;
        let cleared = Table::alter().table("orders").add_column(text("cleared").default("")).to_owned();
        manager.alter_table(cleared).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in [("order_events", "actor"), ("orders", "cleared")] {
            manager.alter_table(Table::alter().table(table).drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
