//! `webhook_logs.reacted_at`: when the bot reacted to a message.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::timestamp_with_time_zone_null;

/// Adds the column. Reactions that are due when the process ends are found by its empty rows.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = timestamp_with_time_zone_null("reacted_at");
        manager.alter_table(Table::alter().table("webhook_logs").add_column(column).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("webhook_logs").drop_column("reacted_at").to_owned()).await
    }
}
