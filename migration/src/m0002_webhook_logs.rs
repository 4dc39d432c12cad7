//! `webhook_logs`: one row per message, with its raw payload and its outcome.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer_null, big_pk_auto, string_null, text, text_null, timestamp_with_time_zone,
};

/// Creates the table and the indexes of its list.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("webhook_logs")
            .col(big_pk_auto("id"))
            .col(text("source"))
            .col(string_null("source_key").text().unique_key())
            .col(text("endpoint"))
            .col(big_integer_null("message_id"))
            .col(text("outcome"))
            .col(text_null("code"))
            .col(text_null("error_message"))
            .col(text("warnings"))
            .col(text("order_ids"))
            .col(text("payload"))
            .col(text("flattened"))
            .col(timestamp_with_time_zone("sent_at"))
            .col(timestamp_with_time_zone("created_at"))
            .to_owned();
        manager.create_table(table).await?;
        for column in ["outcome", "source"] {
            let index = Index::create()
                .name(format!("webhook_logs_{column}_id"))
                .table("webhook_logs")
                .col(column)
                .col("id")
                .to_owned();
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("webhook_logs").to_owned()).await
    }
}
