//! Tables that the Discord edge needs after a restart: the cursor of each channel, when the bot identified
//! itself, and which messages were deleted.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_pk_auto, text_null, timestamp_with_time_zone, timestamp_with_time_zone_null,
};

/// Creates the tables, and two columns and an index of `webhook_logs`.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let cursors = Table::create()
            .table("channel_cursors")
            .col(big_integer("channel_id").primary_key())
            .col(big_integer("message_id"))
            .col(timestamp_with_time_zone("updated_at"))
            .to_owned();
        manager.create_table(cursors).await?;
        let identifies = Table::create()
            .table("gateway_identifies")
            .col(big_pk_auto("id"))
            .col(timestamp_with_time_zone("at"))
            .to_owned();
        manager.create_table(identifies).await?;
        for column in [text_null("content_hash"), timestamp_with_time_zone_null("deleted_at")] {
            let alter = Table::alter().table("webhook_logs").add_column(column).to_owned();
            manager.alter_table(alter).await?;
        }
        let by_message = Index::create()
            .name("webhook_logs_message_id")
            .table("webhook_logs")
            .col("message_id")
            .to_owned();
        manager.create_index(by_message).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_index(Index::drop().name("webhook_logs_message_id").table("webhook_logs").to_owned())
            .await?;
        for column in ["content_hash", "deleted_at"] {
            manager.alter_table(Table::alter().table("webhook_logs").drop_column(column).to_owned()).await?;
        }
        manager.drop_table(Table::drop().table("channel_cursors").to_owned()).await?;
        manager.drop_table(Table::drop().table("gateway_identifies").to_owned()).await
    }
}
