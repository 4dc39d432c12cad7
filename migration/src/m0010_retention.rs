//! `webhook_logs`: when a message was emptied by retention or purge.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::timestamp_with_time_zone_null;

/// Adds the column, and an index of the messages that were not emptied.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = timestamp_with_time_zone_null("emptied_at");
        let alter = Table::alter().table("webhook_logs").add_column(column).to_owned();
        manager.alter_table(alter).await?;
        // It contains only messages with their text, and new ones are added at its end.
        let index = "CREATE INDEX webhook_logs_whole ON webhook_logs (created_at) WHERE emptied_at IS NULL";
        manager.get_connection().execute_unprepared(index).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name("webhook_logs_whole").table("webhook_logs").to_owned()).await?;
        let alter = Table::alter().table("webhook_logs").drop_column("emptied_at").to_owned();
        manager.alter_table(alter).await
    }
}
